"""What is printed for people; results alone go to standard output."""

import sys


def say(line: str) -> None:
    """Print a line on standard error, at once."""
    print(line, file=sys.stderr, flush=True)
