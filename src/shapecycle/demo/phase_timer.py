"""How long each phase of a demo took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from shapecycle.console import say


@dataclass
class Timer:
    """Titles, seconds and commands of the phases; each is announced when it begins."""

    phases: list[tuple[str, float, str]] = field(default_factory=list)

    @contextmanager
    def phase(self, title: str, command: str = "") -> Iterator[None]:
        """Announce and time a phase; ``command`` is the command that does the same."""
        say(f"\n[{len(self.phases) + 1}] {title}")
        start = time.monotonic()
        yield
        self.phases.append((title, time.monotonic() - start, command))

    def seconds_of(self, beginning: str) -> float:
        """Return how long the phases took whose titles begin like this."""
        return sum(seconds for title, seconds, _ in self.phases if title.startswith(beginning))
