"""Now and then, how many files are done."""

from time import monotonic

from shapecycle.console import say
from shapecycle.data.folders import counted

SECONDS = 5.0


class Progress:
    """Says every few seconds how many files are done.

    Args:
        is_end_said: Whether it is also said of the last one.
    """

    def __init__(self, *, is_end_said: bool = False) -> None:
        self.last, self.is_end_said = monotonic(), is_end_said

    def __call__(self, number: int, count: int, kind: str) -> None:
        """Take note of one more file."""
        now = monotonic()
        if now - self.last >= SECONDS or (self.is_end_said and number == count):
            self.last = now
            say(f"  {number:,} of {counted(count, kind)}")
