"""Files that appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SUFFIX = ".partial"
"""What unfinished files end in; they lie beside what they become."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a path to write to that becomes ``path`` only if all goes well.

    Raises:
        OSError: If the finished file cannot be put in its place.
    """
    whole = path.absolute()
    partial = whole.with_name(f".{whole.name}.{os.getpid()}{SUFFIX}")
    try:
        yield partial
        partial.replace(whole)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
