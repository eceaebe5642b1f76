"""One training at a time in a run folder: a lock file that names the process that writes there."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from shapecycle.errors import CheckpointError

LOCK_NAME = "training.lock"


@dataclass(frozen=True)
class Writer:
    """A process that writes into a run folder; files and file names call it ``HOST-NUMBER``."""

    host: str
    number: int

    def __str__(self) -> str:
        return f"{self.host}-{self.number}"

    @classmethod
    def this(cls) -> "Writer":
        """Return the process that asks."""
        return cls(socket.gethostname(), os.getpid())

    @classmethod
    def named(cls, name: str) -> "Writer | None":
        """Return the process of a name, or None if it names none."""
        host, _, number = name.strip().rpartition("-")
        return cls(host, int(number)) if host and number.isdecimal() else None

    @property
    def is_gone(self) -> bool:
        """Whether the process is known to have ended; of other hosts nothing is known."""
        # On Windows signal 0 is Ctrl-C.
        if self.host != socket.gethostname() or os.name == "nt":
            return False
        try:
            os.kill(self.number, 0)
        except (ProcessLookupError, OverflowError):
            return True
        except OSError:
            return False
        return False

    @property
    def may_be_replaced(self) -> bool:
        """Whether what the process left can be cleared: it is gone, or it is the one that asks.

        A restarted container counts its processes from 1 again.
        """
        return self.is_gone or self == Writer.this()


@contextmanager
def locked(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold a run folder, made if need be; one that stays empty is removed at the end.

    Args:
        folder: The run folder.
        say: Told when the lock of a process that is gone is taken over.

    Raises:
        CheckpointError: If another process trains there.
    """
    whole = folder.absolute()
    missing = [path for path in (whole, *whole.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / LOCK_NAME
    try:
        _take(lock, say)
        try:
            yield
        finally:
            if _content(lock) == str(Writer.this()):
                lock.unlink(missing_ok=True)
    finally:
        for made in missing:
            with suppress(OSError):
                made.rmdir()


def refuse_running(folder: Path) -> None:
    """Raise if a process trains in a folder; nothing is changed.

    Raises:
        CheckpointError: Naming the folder and the process.
    """
    content = _content(folder / LOCK_NAME)
    if content is None:
        return
    writer = Writer.named(content)
    if writer is None or not writer.may_be_replaced:
        who = f"process {writer.number} on {writer.host}" if writer else f"it says {content!r}"
        raise CheckpointError(
            f"a training is running in {folder}: {who} holds {LOCK_NAME}",
            "wait until it ends, or train into another folder; if that process is no training, "
            f"remove {folder / LOCK_NAME}",
        )


def _take(lock: Path, say: Callable[[str], None]) -> None:
    while True:
        try:
            with lock.open("x", encoding="utf-8") as file:
                file.write(str(Writer.this()))
            return
        except FileExistsError:
            refuse_running(lock.parent)
        content = _content(lock)
        if content is not None and _set_aside(lock, content):
            say(f"taking over {lock.parent}: {content}, which trained there, is gone")


def _set_aside(lock: Path, content: str) -> bool:
    """Remove a lock, unless another process has just taken it over."""
    aside = lock.with_name(f"{lock.name}.{Writer.this()}")
    with suppress(FileNotFoundError):
        lock.rename(aside)
        if _content(aside) == content:
            aside.unlink()
            return True
        aside.rename(lock)
    return False


def _content(lock: Path) -> str | None:
    try:
        return lock.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
