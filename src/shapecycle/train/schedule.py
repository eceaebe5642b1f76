"""The stages of a training: how many images each gets, and the learning rate along the way.

Everything is counted in images; where a time is asked for, measured speed turns it into images.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from shapecycle.config import TrainSettings
from shapecycle.errors import ConfigError

WARM_UP_STEPS = 4
PROBE_STEPS = 12


@dataclass
class Stage:
    """One stage of the schedule and how far it has come.

    Attributes:
        name: As in the journal.
        share: Its part of the whole.
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
class Schedule:
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

    def resume(self, saved: list[Stage], *, spent: float) -> None:
        """Go on with a saved schedule, whose length may have been another.

        Args:
            saved: Its stages.
            spent: Seconds that were spent.

        Raises:
            ConfigError: If more images were seen than are planned.
        """
        self.spent = spent
        planned = sum(stage.images for stage in self.stages)
        for stage, before in zip(self.stages, saved, strict=True):
            stage.seen = before.seen
        if self.seconds is not None or self._is_this_plan(saved, planned):
            for stage, before in zip(self.stages, saved, strict=True):
                stage.images = before.images
        else:
            self._share_out_the_rest(planned)
        last = self.stages[-1]
        if self.seconds is not None and last.is_done and spent < 0.95 * self.seconds:
            last.images = 0

    def _is_this_plan(self, saved: list[Stage], planned: int) -> bool:
        """Whether a saved plan shares out the same number of images alike."""
        is_whole = all(stage.images > 0 for stage in saved)
        is_alike = [stage.share for stage in self.stages] == [stage.share for stage in saved]
        total = sum(stage.images for stage in saved)
        # Every stage is rounded to a whole image.
        return is_whole and is_alike and abs(total - planned) <= len(saved)

    def _share_out_the_rest(self, planned: int) -> None:
        """Let stages that saw more than their share take it from those that lack images."""
        # A stage ends with a whole step.
        ends = [-(-stage.images // self.batch) * self.batch for stage in self.stages]
        seen = sum(stage.seen for stage in self.stages)
        if seen > sum(ends):
            raise total_too_small(planned, seen)
        if all(stage.seen <= end for stage, end in zip(self.stages, ends, strict=True)):
            return
        lacking = [max(0, stage.images - stage.seen) for stage in self.stages]
        part = max(0, planned - seen) / max(1, sum(lacking))
        for stage, lack in zip(self.stages, lacking, strict=True):
            stage.images = max(1, stage.seen + round(lack * part))

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


def total_too_small(total: int, seen: int) -> ConfigError:
    """Return the error for a training that has seen more images than it may."""
    return ConfigError(
        f"a total of {total:,} images is fewer than the {seen:,} that were seen already",
        "give --total-images a larger number, or train into a new folder",
    )


def stage_shares(settings: TrainSettings) -> list[tuple[str, float]]:
    """Return the stages in their order and each one's share of the whole; the shares sum to 1."""
    return [
        ("shapes", settings.shape_share),
        ("random cycle", settings.random_share),
        ("all cycles", 1 - settings.shape_share - settings.random_share),
    ]


def planned_stages(total_images: int | None, shares: list[tuple[str, float]]) -> list[Stage]:
    """Return the stages; with a number of images it is shared out at once."""
    whole = sum(share for _, share in shares)
    return [
        Stage(
            name, share, 0 if total_images is None else max(1, round(total_images * share / whole))
        )
        for name, share in shares
    ]


def lr_scale(stage: Stage, settings: TrainSettings, *, is_last: bool) -> float:
    """Return the factor of the learning rate: a short warm-up, then half a cosine down.

    Source:
        Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017,
        eq. 5, without restarts.
    """
    warm = min(1.0, (stage.seen + 1) / settings.warm_up_images)
    top, bottom = settings.last_stage_lr if is_last else (1.0, settings.lr_end)
    wave = (1 + math.cos(stage.progress * math.pi)) / 2
    return warm * (bottom + (top - bottom) * wave)
