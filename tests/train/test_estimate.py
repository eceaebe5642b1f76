"""What a training says of its length is what its speed makes of it."""

import pytest

from shapecycle.train.estimate import (
    after_measuring,
    at_end,
    before_stage,
    part_in_words,
    speed_in_words,
    time_in_words,
)
from shapecycle.train.schedule import COSTS, MEASURED_STEPS, Schedule, planned_stages

SHARES = [("shapes", 0.22), ("random cycle", 0.55), ("all cycles", 0.23)]
BATCH = 10
TOTAL = 300_000


def _said(total: int | None, seconds: float | None, speed: float) -> list[str]:
    """Play a training whose first stage sees so many images a second; return all it says."""
    now, said = [0.0], []
    schedule = Schedule(planned_stages(total, SHARES), BATCH, seconds, lambda: now[0])
    schedule.start()
    whole = total or TOTAL
    for stage in schedule.stages:
        schedule.begin(stage)
        said.append(before_stage(schedule, stage))
        while not stage.is_done:
            now[0] += BATCH * COSTS[stage.name] / speed
            schedule.count(stage)
            if schedule.is_just_measured(stage):
                said.append(after_measuring(schedule, stage, whole))
    return [*said, at_end(schedule, whole)]


def test_a_time_says_what_share_of_the_images_it_reaches_once_a_stage_and_at_the_end() -> None:
    said = _said(None, 1800.0, 160.0)
    assert len(said) == 3 * 2 + 1
    assert said[0] == f"shapes: the speed is known after {MEASURED_STEPS} steps"
    share = "30 minutes reach about 140,000 images, 46 % of the settings' 300,000"
    assert said[1] == f"shapes: 160 images/s; at this speed {share}"
    assert said[2] == (
        "random cycle: by the speed so far about 61,000 images, and 23.4 minutes to the end of "
        "the training"
    )
    assert said[3] == f"random cycle: 62 images/s; at this speed {share}"
    assert said[5] == f"all cycles: 36 images/s; at this speed {share}"
    assert said[6].startswith("saw 139,")
    assert said[6].endswith("images in 30 minutes, 77 images/s: 46 % of the settings' 300,000")


@pytest.mark.parametrize(("speed", "is_warned"), [(75.0, True), (125.0, False)])
@pytest.mark.parametrize("total", [None, TOTAL])
def test_less_than_a_quarter_of_the_images_is_warned_of(
    speed: float, is_warned: bool, total: int | None
) -> None:
    said = _said(total, 1800.0, speed)
    warned = ["warning: that is less than a quarter" in words for words in said]
    assert warned == [False, is_warned] * 3 + [is_warned]


def test_a_time_that_reaches_more_than_the_images_says_so() -> None:
    said = _said(None, 7200.0, 160.0)
    assert said[1].endswith("2.0 hours reach about 560,000 images, 185 % of the settings' 300,000")
    assert said[-1].endswith("images in 2.0 hours, 77 images/s")


def test_a_time_that_no_stage_can_keep_is_named_with_what_it_takes() -> None:
    said = _said(None, 1.0, 100.0)
    assert "a time of 1 s is too short: every stage takes 16 steps at least, in all" in said[1]
    assert "under 1 % of the settings' 300,000" in said[-1]


def test_images_without_a_limit_say_how_long_they_take() -> None:
    said = _said(TOTAL, None, 100.0)
    assert said[0] == "shapes: 66,000 images; the speed is known after 16 steps"
    assert said[1] == "shapes: 100 images/s; at this speed all 300,000 images take about 2.2 hours"
    assert said[-1] == "saw 300,000 images in 2.2 hours, 37 images/s"


def test_images_within_a_limit_say_so() -> None:
    said = _said(60_000, 1800.0, 157.0)
    words = "at this speed all 60,000 images take about 17.1 minutes, and the time is 30 minutes"
    assert said[1] == f"shapes: 157 images/s; {words}"
    assert said[-1].startswith("saw 60,000 images in 17.1 minutes")


def test_images_beyond_a_limit_are_named_beside_those_that_are_seen() -> None:
    said = _said(60_000, 900.0, 71.0)
    assert said[1] == (
        "shapes: 71 images/s; at this speed the 15 minutes that the limit leaves for training "
        "reach about 24,000 of 60,000 images; all stages are shortened alike"
    )
    assert said[2].startswith(
        "random cycle: by the speed so far about 13,000 images, and 13.8 minutes"
    )
    assert said[-1].startswith("saw 23,")
    assert " of 60,000 images in 15 minutes, 26 images/s: the limit of time short" in said[-1]


def test_parts_speeds_and_times_read_as_people_say_them() -> None:
    assert part_in_words(300_000, 300_000) == "100 % of the settings' 300,000"
    assert part_in_words(2999, 300_000) == "under 1 % of the settings' 300,000"
    assert [speed_in_words(speed) for speed in (3.21, 1234.5)] == ["3.2 images/s", "1,234 images/s"]
    assert [time_in_words(seconds) for seconds in (0.4, 42.0, 1800.0, 5430.0, 9000.0, 9e6)] == [
        "0 s", "42 s", "30 minutes", "90.5 minutes", "2.5 hours", "2,500.0 hours",
    ]  # fmt: skip
