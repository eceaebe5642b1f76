"""The lock of a run folder: one training at a time, and none for ever."""

import subprocess
import sys
from pathlib import Path

import pytest

from shapecycle.errors import CheckpointError
from shapecycle.train.lock import LOCK_NAME, check_not_running, locked

HOLD = """
import sys
from pathlib import Path
from shapecycle.train.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    input()
"""


def _holder(folder: Path) -> "subprocess.Popen[str]":
    """Start another process that holds a folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_folder_is_held_while_it_is_trained_in(tmp_path: Path) -> None:
    with locked(tmp_path / "a" / "run"):
        assert (tmp_path / "a" / "run" / LOCK_NAME).exists()
        (tmp_path / "a" / "run" / "model").write_text("x")
    assert [path.name for path in (tmp_path / "a" / "run").iterdir()] == ["model"]


def test_a_folder_that_came_to_nothing_is_removed(tmp_path: Path) -> None:
    def fail() -> None:
        with locked(tmp_path / "a" / "run"):
            raise CheckpointError("the data are bad")

    with pytest.raises(CheckpointError, match="the data are bad"):
        fail()
    assert not list(tmp_path.iterdir())


def test_a_folder_in_use_is_refused_until_its_process_is_gone(tmp_path: Path) -> None:
    with _holder(tmp_path) as other:
        message = rf"a training is running in {tmp_path}: .*\n.*hint: wait"
        with pytest.raises(CheckpointError, match=message):
            check_not_running(tmp_path)
        with pytest.raises(CheckpointError, match=message), locked(tmp_path):
            pass
        assert (tmp_path / LOCK_NAME).exists()
        other.kill()
    assert (tmp_path / LOCK_NAME).exists(), "a killed process leaves the file"
    check_not_running(tmp_path)
    with locked(tmp_path):
        pass


def test_looking_whether_a_folder_is_in_use_changes_nothing(tmp_path: Path) -> None:
    check_not_running(tmp_path)
    check_not_running(tmp_path / "none")
    assert not list(tmp_path.iterdir())
