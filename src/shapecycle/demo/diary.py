"""Which phase of a demo took how long."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Diary:
    """Which phase took how long; each is announced when it begins."""

    phases: list[tuple[str, float, str]] = field(default_factory=list)

    @contextmanager
    def phase(self, told: str, command: str = "") -> Iterator[None]:
        """Announce and time a phase; ``command`` is the command that does the same."""
        say(f"\n[{len(self.phases) + 1}] {told}")
        start = time.monotonic()
        yield
        self.phases.append((told, time.monotonic() - start, command))

    def seconds_of(self, beginning: str) -> float:
        """Return how long the phases took that are told with this beginning."""
        return sum(seconds for told, seconds, _ in self.phases if told.startswith(beginning))


def say(line: str) -> None:
    """Print for people; the report's path alone goes to standard output."""
    print(line, file=sys.stderr, flush=True)
