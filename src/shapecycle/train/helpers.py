"""The other processes of a training on one machine: started, watched, and ended with it."""

import multiprocessing
import pickle
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TypeAlias

from shapecycle.errors import ConfigError, LostProcess, ShapecycleError
from shapecycle.parallel import ALONE, POLL_SECONDS, Team, join, leave

END_SECONDS = 20
"""Seconds that the others have to end after the last step."""


Work: TypeAlias = Callable[[Team], object]
"""What every process does; it is sent to the others, so it must be picklable."""


@contextmanager
def helped(work: Work, size: int, device: str) -> Iterator[Team]:
    """Start all other processes on ``work``; what is inside the block is the first one's part.

    Raises:
        LostProcess: If one of them ended before its time, naming it and its end.
    """
    if size == 1:
        yield ALONE
        return
    with tempfile.TemporaryDirectory(prefix="shapecycle-") as folder:
        meeting = f"file://{Path(folder) / 'meeting'}"
        # By a file: as an argument, tensors would go through shared memory, of which containers
        # have 64 MB.
        task = Path(folder) / "work"
        with task.open("wb") as file:
            pickle.dump(work, file)
        context = multiprocessing.get_context("spawn")
        others = {
            rank: context.Process(
                target=_help, args=(task, rank, size, device, meeting), daemon=True
            )
            for rank in range(1, size)
        }
        with _interrupted_alone():
            for process in others.values():
                process.start()

        def check_others() -> None:
            if lost := _named(others, size):
                raise lost

        try:
            # Joining cannot be interrupted: first all must be there.
            while not all((Path(folder) / f"here-{rank}").exists() for rank in others):
                check_others()
                time.sleep(POLL_SECONDS)
            team = join(Team(0, size, check_others=check_others), device, meeting)
            task.unlink()
            yield team
            for process in others.values():
                process.join(END_SECONDS)
        except (LostProcess, ConfigError) as fault:
            raise _named(others, size) or fault from fault
        finally:
            leave()
            for process in others.values():
                process.kill()
                process.join()


def _help(task: Path, rank: int, size: int, device: str, meeting: str) -> None:
    """Do another process's part; it says nothing but why it ends early."""
    try:
        with task.open("rb") as file:
            work: Work = pickle.load(file)
        (task.parent / f"here-{rank}").touch()
        team = join(Team(rank, size, rank, check_others=_check_parent), device, meeting)
        work(team)
        leave()
    except LostProcess:
        # The first process says so.
        sys.exit(3)
    except ShapecycleError as error:
        # What went wrong in all of them alike, the first one says, and ends the others.
        time.sleep(2)
        print(f"error: process {rank} of {size}: {error}", file=sys.stderr, flush=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


@contextmanager
def _interrupted_alone() -> Iterator[None]:
    """Let processes that are started meanwhile leave Ctrl-C to this one until they train."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _check_parent() -> None:
    """End this process if the one that started it is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():
        sys.exit(3)


def _named(others: Mapping[int, BaseProcess], size: int) -> LostProcess | None:
    """Say which process was lost, and how it ended."""
    for rank, process in others.items():
        code = process.exitcode
        if code in (None, 0, 3):
            continue
        how = f"exit code {code}" if code > 0 else f"killed by {signal.Signals(-code).name}"
        return LostProcess(
            f"process {rank} of {size} that train together ended early ({how})",
            "the training goes on from its last saved state with --resume; "
            "--processes 1 trains in one process",
        )
    return None
