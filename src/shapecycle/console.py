"""What is printed for people; results alone go to standard output."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_is_hushed = False


def say(line: str) -> None:
    """Print a line on standard error, at once."""
    if not _is_hushed:
        print(line, file=sys.stderr, flush=True)


@contextmanager
def hushed() -> Iterator[None]:
    """Print nothing for a while: one of several processes speaks for all."""
    global _is_hushed
    before, _is_hushed = _is_hushed, True
    try:
        yield
    finally:
        _is_hushed = before
