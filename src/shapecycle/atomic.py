"""Files that appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SUFFIX = ".partial"
"""What unfinished files end in; they lie beside what they become."""


def partial_path(path: Path) -> Path:
    """Return where this process puts together what becomes ``path``."""
    whole = path.absolute()
    return whole.with_name(f".{whole.name}.{os.getpid()}{SUFFIX}")


def clear_partial(folder: Path) -> None:
    """Remove what was cut short in a folder that nobody else writes to."""
    for unfinished in folder.glob(f".*{SUFFIX}"):
        unfinished.unlink()


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a path to write to that becomes ``path`` only if all goes well.

    Raises:
        OSError: If the finished file cannot be put in its place.
    """
    partial = partial_path(path)
    try:
        yield partial
        partial.replace(path.absolute())
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
