"""The stages of a training: how many images each gets, and the learning rate along the way.

Everything is counted in images; where a time is asked for, or limits the training, measured speed
turns it into images.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from shapecycle.config import TrainSettings
from shapecycle.errors import ConfigError

WARM_UP_STEPS = 4
PROBE_STEPS = 12
MEASURED_STEPS = WARM_UP_STEPS + PROBE_STEPS
"""Steps after which a stage's speed is known; with a time, every stage takes as many."""
COSTS = {"shapes": 1.0, "random cycle": 2.6, "all cycles": 4.5}
"""About what an image costs in a stage, against the first one: this estimates the speed of a stage
from that of another, until its own is measured. Two processors needed 1, 2.1, 3.3 and 1, 3, 5.5."""


@dataclass
class Stage:
    """One stage of the schedule and how far it has come.

    Attributes:
        name: As in the journal.
        share: Its part of the whole.
        images: Images it will see; 0 until that is known.
        seen: Images it has seen.
        planned: Images it would see without a limit of time; 0 if only the time counts.
    """

    name: str
    share: float
    images: int = 0
    seen: int = 0
    planned: int = 0

    @property
    def progress(self) -> float:
        """How far the stage has come, in [0, 1]."""
        return min(1.0, self.seen / self.images) if self.images else 0.0

    @property
    def is_done(self) -> bool:
        """Whether the stage has seen its images."""
        return self.images > 0 and self.seen >= self.images


@dataclass(frozen=True)
class Outlook:
    """What a training comes to at its end, by the speed measured last.

    Attributes:
        stage_images: Images that the stage in progress will have seen.
        images: Images that all stages will have seen.
        seconds: Seconds that will have been spent on training.
    """

    stage_images: int
    images: int
    seconds: float


@dataclass
class Schedule:
    """The stages, and for all of them a number of images, a time, or both.

    With a time alone, a stage's images follow from its measured speed, and are corrected now and
    then when the machine turns out faster or slower. With both, the time is a limit: as long as it
    seems too short for all images, the stages see the same part of what they were to see.
    """

    stages: list[Stage]
    batch: int
    seconds: float | None = None
    clock: Callable[[], float] = time.monotonic
    spent: float = 0.0
    _since: float = field(default=0.0, init=False)
    _stage_start: tuple[float, int] = field(default=(0.0, 0), init=False)
    _seen_before: int = field(default=0, init=False)
    _pace: float | None = field(default=None, init=False)

    def start(self) -> None:
        """Start the clock, after what a resumed training spent before."""
        self._since = self.clock() - self.spent

    @property
    def counts_images(self) -> bool:
        """Whether a number of images ends the training, if no limit of time does before."""
        return all(stage.planned > 0 for stage in self.stages)

    @property
    def seen(self) -> int:
        """Images that all stages have seen."""
        return sum(stage.seen for stage in self.stages)

    def resume(self, saved: list[Stage], *, spent: float) -> None:
        """Go on with a saved schedule, whose length may have been another.

        A training that a limit had shortened goes on with what its stages lack, once it is over
        and there is time again; one that was stopped does not return to stages it had ended.

        Args:
            saved: Its stages.
            spent: Seconds that were spent.

        Raises:
            ConfigError: If more images were seen than are planned.
        """
        self.spent = spent
        total = sum(stage.planned for stage in self.stages)
        for stage, before in zip(self.stages, saved, strict=True):
            stage.seen = before.seen
        if not self.counts_images or self._is_this_plan(saved, total):
            for stage, before in zip(self.stages, saved, strict=True):
                stage.images = before.images
                stage.planned = before.planned if self.counts_images else 0
        else:
            self._share_out_the_rest(total)
        is_over = all(stage.is_done for stage in self.stages)
        if self.seconds is None or (is_over and spent < 0.95 * self.seconds):
            # A time alone prolongs the last stage.
            for stage in self.stages if self.counts_images else self.stages[-1:]:
                stage.images = stage.planned

    def _is_this_plan(self, saved: list[Stage], planned: int) -> bool:
        """Whether a saved plan shares out the same number of images alike."""
        is_whole = all(stage.planned > 0 for stage in saved)
        is_alike = [stage.share for stage in self.stages] == [stage.share for stage in saved]
        total = sum(stage.planned for stage in saved)
        # Every stage is rounded to a whole image.
        return is_whole and is_alike and abs(total - planned) <= len(saved)

    def _share_out_the_rest(self, planned: int) -> None:
        """Let stages that saw more than their share take it from those that lack images."""
        # A stage ends with a whole step.
        ends = [-(-stage.images // self.batch) * self.batch for stage in self.stages]
        if self.seen > sum(ends):
            raise total_too_small(planned, self.seen)
        if all(stage.seen <= end for stage, end in zip(self.stages, ends, strict=True)):
            return
        lacking = [max(0, stage.images - stage.seen) for stage in self.stages]
        part = max(0, planned - self.seen) / max(1, sum(lacking))
        for stage, lack in zip(self.stages, lacking, strict=True):
            stage.images = stage.planned = max(1, stage.seen + round(lack * part))

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
        self._seen_before = stage.seen

    def skip(self, seconds: float) -> None:
        """Leave time that no step took out of the speed of the stage in progress."""
        since, seen = self._stage_start
        self._stage_start = (since + seconds, seen)

    def count(self, stage: Stage) -> None:
        """Note a step of a stage; measure its speed, and set its images by it, when that is due."""
        stage.seen += self.batch
        steps = self._steps(stage)
        if steps == WARM_UP_STEPS:
            self._stage_start = (self.elapsed, stage.seen)
        elif steps == MEASURED_STEPS or (steps > MEASURED_STEPS and steps % 50 == 0):
            self._pace = self.speed(stage) * COSTS[stage.name]
            if self.seconds is not None:
                stage.images = self._goals(stage, self._pace)[0]

    def is_just_measured(self, stage: Stage) -> bool:
        """Whether the last step was the one after which a stage's speed is known."""
        return self._steps(stage) == MEASURED_STEPS

    def outlook(self, stage: Stage) -> Outlook | None:
        """Return what the training comes to, seen from a stage; None before a speed is known."""
        if self._pace is None:
            return None
        ahead, goals = self._ahead(stage), self._goals(stage, self._pace)
        more = [goal - other.seen for goal, other in zip(goals, ahead, strict=True)]
        work = sum(COSTS[other.name] * images for other, images in zip(ahead, more, strict=True))
        return Outlook(goals[0], self.seen + sum(more), self.elapsed + work / self._pace)

    def seconds_left(self, stage: Stage) -> float | None:
        """Return for about how long the training goes on; None before that is known."""
        if self.seconds is not None and not self.counts_images:
            return max(0.0, self.seconds - self.elapsed)
        outlook = self.outlook(stage)
        return None if outlook is None else outlook.seconds - self.elapsed

    def _ahead(self, stage: Stage) -> list[Stage]:
        """Return a stage and those after it."""
        return self.stages[self.stages.index(stage) :]

    def _steps(self, stage: Stage) -> int:
        """Return a stage's steps since it began, or went on."""
        return (stage.seen - self._seen_before) // self.batch

    def _goals(self, stage: Stage, pace: float) -> list[int]:
        """Return how many images a stage and those after it will have seen at their ends.

        Args:
            stage: The stage in progress.
            pace: The speed of a stage whose cost is 1, in images per second.
        """
        ahead = self._ahead(stage)
        if self.seconds is None:
            wanted: list[float] = [stage.planned for stage in ahead]
        elif self.counts_images:
            wanted = self._within(self.seconds, ahead, pace)
        else:
            wanted = self._by_time(self.seconds, ahead, pace)
        least = MEASURED_STEPS * self.batch
        return [
            max(other.seen, min(least, other.planned or least), round(images))
            for other, images in zip(ahead, wanted, strict=True)
        ]

    def _within(self, limit: float, ahead: list[Stage], pace: float) -> list[float]:
        """Return the stages' images, or the part of them that there is time for."""
        whole = sum(COSTS[stage.name] * stage.planned for stage in ahead)
        seen = sum(COSTS[stage.name] * stage.seen for stage in ahead)
        part = min(1.0, (seen + pace * (limit - self.elapsed)) / whole)
        return [part * stage.planned for stage in ahead]

    def _by_time(self, whole: float, ahead: list[Stage], pace: float) -> list[float]:
        """Return what the stages reach in their shares of the time."""
        since, _ = self._stage_start
        shares = sum(stage.share for stage in ahead)
        seconds = [(whole - since) * stage.share / shares for stage in ahead]
        # What the first one has used belongs to its own share.
        seconds[0] -= self.elapsed - since
        return [
            stage.seen + pace / COSTS[stage.name] * own
            for stage, own in zip(ahead, seconds, strict=True)
        ]


def is_short(seen: int, total: int) -> bool:
    """Whether a training saw fewer images than it was to see; stages are rounded to whole ones."""
    return seen < total - len(COSTS)


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
    if total_images is None:
        return [Stage(name, share) for name, share in shares]
    whole = sum(share for _, share in shares)
    images = [max(1, round(total_images * share / whole)) for _, share in shares]
    return [
        Stage(name, share, n, planned=n) for (name, share), n in zip(shares, images, strict=True)
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
