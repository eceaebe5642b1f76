# make install, make demo, make test: each needs Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# PyTorch's default Linux wheel brings gigabytes of CUDA packages. Without an NVIDIA driver the
# CPU build is asked for by its exact name, so that nothing else can be taken by mistake.
TORCH := 2.13.0
CPU_WHEELS := https://download.pytorch.org/whl/cpu
HAS_GPU := $(shell command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L >/dev/null 2>&1 && echo yes)
ifeq ($(shell uname -s)$(HAS_GPU),Linux)
TORCH_INSTALL := --extra-index-url $(CPU_WHEELS) --retries 1 torch==$(TORCH)+cpu
else
TORCH_INSTALL := torch==$(TORCH)
endif

.PHONY: install demo test check docs audit clean

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or newer is needed, found: $$($(PYTHON) --version). Name one: make PYTHON=python3.12 install"; exit 2; }
	@echo "installing into $(VENV) (PyTorch alone is about 200 MB) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH_INSTALL)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[fast,dev]'
	@touch $@
	@echo "installed: $(BIN)/shapecycle"

demo: install
	$(BIN)/shapecycle demo --train

# A process for each core, up to four; each computes on one thread.
test: install
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

docs: install
	$(BIN)/mkdocs build --quiet
	@echo "built: build/site/index.html"

check: install
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/mkdocs build --quiet

# Asks the advisories of PyPI about every installed version; needs the network.
audit: install
	$(PYTHON) -m venv build/audit && build/audit/bin/pip install --quiet pip-audit
	build/audit/bin/pip-audit --skip-editable --path $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

clean:
	rm -rf $(VENV) build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
