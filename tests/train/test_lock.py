"""The lock of a run folder: one training at a time, and none for ever."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shapecycle.errors import CheckpointError
from shapecycle.train.lock import LOCK_NAME, Writer, locked, refuse_running

HOST = socket.gethostname()


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """Another process on this machine."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _never(line: str) -> None:
    raise AssertionError(line)


def test_a_name_tells_the_process_it_was_made_of() -> None:
    for writer in (Writer.this(), Writer("a-host.with-dashes", 12)):
        assert Writer.named(str(writer)) == writer
    for name in ("", "host", "host-", "-3", "host-x", "host--"):
        assert Writer.named(name) is None


def test_a_folder_is_held_while_it_is_trained_in(tmp_path: Path) -> None:
    with locked(tmp_path / "a" / "run", _never):
        assert (tmp_path / "a" / "run" / LOCK_NAME).read_text() == f"{HOST}-{os.getpid()}"
        (tmp_path / "a" / "run" / "model").write_text("x")
    assert [path.name for path in (tmp_path / "a" / "run").iterdir()] == ["model"]


def test_a_folder_that_came_to_nothing_is_removed(tmp_path: Path) -> None:
    def fail() -> None:
        with locked(tmp_path / "a" / "run", _never):
            raise CheckpointError("the data are bad")

    with pytest.raises(CheckpointError, match="the data are bad"):
        fail()
    assert not list(tmp_path.iterdir())


def test_a_folder_in_use_is_refused_with_its_process(
    tmp_path: Path, other: subprocess.Popen[bytes]
) -> None:
    (tmp_path / LOCK_NAME).write_text(f"{HOST}-{other.pid}")
    told = rf"running in {tmp_path}: process {other.pid} on {HOST} holds.*\n.*hint: wait"
    with pytest.raises(CheckpointError, match=told):
        refuse_running(tmp_path)
    with pytest.raises(CheckpointError, match=told), locked(tmp_path, _never):
        pass
    assert (tmp_path / LOCK_NAME).read_text() == f"{HOST}-{other.pid}"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_lock_of_a_process_that_is_gone_is_taken_over_with_a_note(
    tmp_path: Path, other: subprocess.Popen[bytes]
) -> None:
    (tmp_path / LOCK_NAME).write_text(f"{HOST}-{other.pid}")
    _end(other)
    notes: list[str] = []
    with locked(tmp_path, notes.append):
        assert (tmp_path / LOCK_NAME).read_text() == f"{HOST}-{os.getpid()}"
    assert notes == [f"taking over {tmp_path}: {HOST}-{other.pid}, which trained there, is gone"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", ["elsewhere-1", "", "nonsense"])
def test_what_cannot_be_known_to_be_gone_is_not_taken_over(content: str, tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text(content)
    with pytest.raises(CheckpointError, match=f"remove .*{LOCK_NAME}"), locked(tmp_path, _never):
        pass
    assert (tmp_path / LOCK_NAME).read_text() == content


def test_a_lock_that_is_another_processs_by_now_is_left_to_it(tmp_path: Path) -> None:
    with locked(tmp_path, _never):
        (tmp_path / LOCK_NAME).write_text("elsewhere-1")
    assert (tmp_path / LOCK_NAME).read_text() == "elsewhere-1"
