"""One training at a time in a run folder: a lock that the system lets go with its process."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from shapecycle.errors import CheckpointError

LOCK_NAME = "training.lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder, made if need be; one that stays empty is removed at the end.

    Raises:
        CheckpointError: If another process trains there.
    """
    whole = folder.absolute()
    missing = [path for path in (whole, *whole.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK_NAME, blocking=False)
    try:
        with lock:
            try:
                yield
            finally:
                (folder / LOCK_NAME).unlink(missing_ok=True)
    except Timeout as fault:
        raise CheckpointError(
            f"a training is running in {folder}: it holds {LOCK_NAME}",
            "wait until it ends, or train into another folder",
        ) from fault
    finally:
        for made in missing:
            with suppress(OSError):
                made.rmdir()


def check_not_running(folder: Path) -> None:
    """Raise if a process trains in a folder; a lock file that nobody holds is removed.

    Raises:
        CheckpointError: Naming the folder.
    """
    if (folder / LOCK_NAME).is_file():
        with locked(folder):
            pass
