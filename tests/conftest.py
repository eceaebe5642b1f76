"""What many tests share: one tiny world, and one model trained on it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

# No connection leaves this machine, neither of this process nor of those it starts.
LOOPBACK = str(Path(__file__).parent / "loopback")
sys.path.insert(0, LOOPBACK)
paths = (LOOPBACK, os.environ.get("PYTHONPATH", ""))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
sys.modules.pop("sitecustomize", None)  # the system's own; it has done its part
import sitecustomize  # noqa: E402, F401

# The tensors of these tests are tiny: several threads would only wait for each other, and oneDNN's
# bfloat16 convolutions (torch 2.13, CPU) corrupt memory on networks this small with two.
os.environ["OMP_NUM_THREADS"] = "1"

import pytest  # noqa: E402
from jaxtyping import config, install_import_hook  # noqa: E402

SOURCE = Path(__file__).parent.parent / "src"
KERNELS = "shapecycle.rasterize.warp_backend.kernels."
"""Warp reads the annotations in there itself, and refuses functions that a checker has wrapped."""


def _modules() -> Iterator[str]:
    """Name the modules whose annotated types and shapes are checked at every call."""
    for path in sorted((SOURCE / "shapecycle").rglob("*.py")):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        if not name.startswith(KERNELS) and path.stem != "__init__":
            yield name


install_import_hook(list(_modules()), "beartype.beartype")

# Only what is imported from here on is checked.
from tiny_world import Outcome, few_samples, shapecycle, train_command, write_world  # noqa: E402


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``images/``, ``shapes/``, ``cameras.json`` and ``tiny.yaml``; read only."""
    folder = tmp_path_factory.mktemp("world")
    write_world(folder)
    return folder


@pytest.fixture(scope="session")
def training(world: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """A run folder of a short training by the command line, and what that printed."""
    run = tmp_path_factory.mktemp("training") / "run"
    with few_samples():
        outcome = shapecycle(*train_command(world, run, "--total-images", 96))
    assert outcome.code == 0, outcome.err
    return run, outcome


@pytest.fixture(scope="session")
def run(training: tuple[Path, Outcome]) -> Path:
    """The run folder of a short training; read only."""
    return training[0]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Switch the checks of annotated types off: users run without them, and see our own errors."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)
