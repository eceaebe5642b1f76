"""What many tests share: one tiny world, and one model trained on it."""

import os
from pathlib import Path

# The tensors of these tests are tiny: several threads would only wait for each other, and oneDNN's
# bfloat16 convolutions (torch 2.13, CPU) corrupt memory on networks this small with two.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from tiny_world import Outcome, few_samples, shapecycle, train_command, write_world


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
