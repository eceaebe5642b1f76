"""How many images each stage gets: counted in images, set by a clock when a time is asked for."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

WARM_UP_STEPS = 4
PROBE_STEPS = 12


@dataclass
class Stage:
    """One stage of the schedule and how far it has come.

    Attributes:
        name: As in the journal.
        share: Its part of the budget.
        images: Images it will see; 0 until that is known.
        seen: Images it has seen.
    """

    name: str
    share: float
    images: int = 0
    seen: int = 0

    @property
    def progress(self) -> float:
        """How far the stage has come, in [0, 1]."""
        return min(1.0, self.seen / self.images) if self.images else 0.0

    @property
    def is_done(self) -> bool:
        """Whether the stage has seen its images."""
        return self.images > 0 and self.seen >= self.images


@dataclass
class Budget:
    """The stages, and either a number of images for all or a time for all.

    With a time, a stage's images follow from its measured speed, and are corrected now and then
    when the machine turns out faster or slower.
    """

    stages: list[Stage]
    batch: int
    seconds: float | None = None
    clock: Callable[[], float] = time.monotonic
    spent: float = 0.0
    _since: float = field(default=0.0, init=False)
    _stage_start: tuple[float, int] = field(default=(0.0, 0), init=False)

    def start(self) -> None:
        """Start the clock, after what a resumed training spent before."""
        self._since = self.clock() - self.spent

    def resume(self, stages: list[tuple[str, float, int, int]], *, spent: float) -> None:
        """Take up a saved budget, whose length may have been another.

        Args:
            stages: Name, share, images and images seen of every stage.
            spent: Seconds that were spent.
        """
        self.spent = spent
        for stage, (_, _, images, seen) in zip(self.stages, stages, strict=True):
            stage.seen = seen
            if self.seconds is not None:
                stage.images = images
        last = self.stages[-1]
        if self.seconds is not None and last.is_done and spent < 0.95 * self.seconds:
            last.images = 0

    @property
    def elapsed(self) -> float:
        """Seconds spent on training so far."""
        return self.clock() - self._since

    def speed(self, stage: Stage) -> float:
        """Return the stage's images per second since it began or warmed up."""
        since, seen = self._stage_start
        return (stage.seen - seen) / max(self.elapsed - since, 1e-6)

    def begin(self, stage: Stage) -> None:
        """Note when a stage starts."""
        self._stage_start = (self.elapsed, stage.seen)

    def count(self, stage: Stage) -> None:
        """Note a step of a stage, and set its images from the clock when it is due."""
        stage.seen += self.batch
        if self.seconds is None:
            return
        steps = stage.seen // self.batch
        first = WARM_UP_STEPS + PROBE_STEPS
        if steps == WARM_UP_STEPS:
            self._stage_start = (self.elapsed, stage.seen)
        elif steps == first or (steps > first and steps % 50 == 0):
            since, _ = self._stage_start
            used = self.elapsed - since
            ahead = self.stages[self.stages.index(stage) :]
            # What the stage has used belongs to its own share.
            whole = self.seconds - since
            own = whole * stage.share / sum(other.share for other in ahead)
            stage.images = max(stage.seen, stage.seen + round(self.speed(stage) * (own - used)))


def planned_stages(total_images: int | None, shares: list[tuple[str, float]]) -> list[Stage]:
    """Return the stages; with a number of images it is shared out at once."""
    whole = sum(share for _, share in shares)
    return [
        Stage(
            name, share, 0 if total_images is None else max(1, round(total_images * share / whole))
        )
        for name, share in shares
    ]
