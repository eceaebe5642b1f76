"""The schedule: counted in images, or kept by a clock on machines of any speed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from shapecycle.config import TrainSettings
from shapecycle.errors import ConfigError
from shapecycle.train.schedule import (
    COSTS,
    MEASURED_STEPS,
    Schedule,
    Stage,
    is_short,
    lr_scale,
    planned_stages,
)

SHARES = [("shapes", 0.3), ("random cycle", 0.5), ("all cycles", 0.2)]
BATCH = 8


class _Clock:
    """A clock that only moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _run(schedule: Schedule, clock: _Clock, step_seconds: Callable[[str, float], float]) -> None:
    """Play all stages, each step as long as the function of stage and time says."""
    for stage in schedule.stages:
        if stage.is_done:
            continue
        schedule.begin(stage)
        while not stage.is_done:
            clock.now += step_seconds(stage.name, schedule.elapsed)
            schedule.count(stage)


def _timed(seconds: float, clock: _Clock) -> Schedule:
    schedule = Schedule(planned_stages(None, SHARES), BATCH, seconds, clock)
    schedule.start()
    return schedule


def test_images_are_shared_out_and_counted() -> None:
    schedule = Schedule(planned_stages(1000, SHARES), BATCH)
    assert [stage.images for stage in schedule.stages] == [300, 500, 200]
    schedule.start()
    _run(schedule, _Clock(), lambda *_: 0.0)
    assert [stage.seen for stage in schedule.stages] == [304, 504, 200]
    assert all(stage.progress == 1 for stage in schedule.stages)


def test_every_stage_gets_an_image_however_few_there_are() -> None:
    assert [stage.images for stage in planned_stages(2, SHARES)] == [1, 1, 1]


def test_progress_follows_what_was_seen() -> None:
    stage = planned_stages(1000, SHARES)[0]
    assert (stage.progress, stage.is_done) == (0.0, False)
    stage.seen = 150
    assert (stage.progress, stage.is_done) == (0.5, False)
    stage.seen = 301
    assert (stage.progress, stage.is_done) == (1.0, True)


def test_without_a_length_a_stage_is_not_done() -> None:
    stage = planned_stages(None, SHARES)[0]
    stage.seen = 10**9
    assert (stage.progress, stage.is_done) == (0.0, False)


@pytest.mark.parametrize("step", [0.01, 0.1, 1.0])
def test_a_time_is_kept_and_shared_at_any_speed(step: float) -> None:
    clock = _Clock()
    schedule = _timed(1000.0, clock)
    _run(schedule, clock, lambda *_: step)
    assert schedule.elapsed == pytest.approx(1000, rel=0.01, abs=3 * step)
    shares = [stage.seen / sum(s.seen for s in schedule.stages) for stage in schedule.stages]
    assert shares == pytest.approx([0.3, 0.5, 0.2], abs=0.03)


def test_slow_stages_take_their_share_of_time_not_of_images() -> None:
    clock = _Clock()
    schedule = _timed(1000.0, clock)
    cost = {"shapes": 0.05, "random cycle": 0.2, "all cycles": 0.5}
    _run(schedule, clock, lambda name, _: cost[name])
    assert schedule.elapsed == pytest.approx(1000, rel=0.02)
    spent = [stage.seen / BATCH * cost[stage.name] for stage in schedule.stages]
    assert spent == pytest.approx([300, 500, 200], rel=0.06)


@pytest.mark.parametrize("factor", [0.2, 5.0])
def test_a_time_is_kept_when_the_machine_changes_its_speed(factor: float) -> None:
    clock = _Clock()
    schedule = _timed(1000.0, clock)
    _run(schedule, clock, lambda _, elapsed: 0.1 * (factor if elapsed > 350 else 1.0))
    assert schedule.elapsed == pytest.approx(1000, rel=0.06)
    assert all(stage.is_done for stage in schedule.stages)


def test_a_first_slow_step_is_not_taken_for_the_speed() -> None:
    clock = _Clock()
    schedule = _timed(1000.0, clock)
    first = iter([30.0])
    _run(schedule, clock, lambda *_: next(first, 0.1))
    assert schedule.elapsed == pytest.approx(1000, rel=0.02)


def test_a_time_too_short_for_anything_ends_all_the_same() -> None:
    clock = _Clock()
    schedule = _timed(0.5, clock)
    _run(schedule, clock, lambda *_: 1.0)
    assert all(0 < stage.seen <= 20 * BATCH for stage in schedule.stages)


# A number of images with a limit of time

TOTAL = 40_000
PLANNED = [12_000, 20_000, 8_000]
NEEDED = sum(COSTS[name] * n for (name, _), n in zip(SHARES, PLANNED, strict=True)) / 1000
"""Seconds that all images take where the first stage sees 1,000 a second."""


def _limited(seconds: float, clock: _Clock, total: int = TOTAL) -> Schedule:
    schedule = Schedule(planned_stages(total, SHARES), BATCH, seconds, clock)
    schedule.start()
    return schedule


def _usual(name: str, _: float) -> float:
    """Return how long a step takes where stages cost what is assumed."""
    return COSTS[name] * BATCH / 1000


def _seen(schedule: Schedule) -> list[int]:
    return [stage.seen for stage in schedule.stages]


@pytest.mark.parametrize("spare", [1.02, 3.0, 100.0])
def test_a_limit_that_is_long_enough_changes_nothing(spare: float) -> None:
    clock = _Clock()
    schedule = _limited(spare * NEEDED, clock)
    _run(schedule, clock, _usual)
    assert _seen(schedule) == PLANNED


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_limit_that_is_too_short_shortens_all_stages_alike(part: float) -> None:
    clock = _Clock()
    schedule = _limited(part * NEEDED, clock)
    _run(schedule, clock, _usual)
    assert schedule.elapsed == pytest.approx(part * NEEDED, rel=0.01, abs=0.05)
    assert _seen(schedule) == pytest.approx([part * n for n in PLANNED], rel=0.05)


@pytest.mark.parametrize("later", [0.4, 2.5])
def test_a_limit_is_kept_where_later_stages_cost_other_than_assumed(later: float) -> None:
    clock = _Clock()
    schedule = _limited(0.5 * NEEDED, clock)
    _run(schedule, clock, lambda name, _: _usual(name, 0) * (1 if name == "shapes" else later))
    assert schedule.elapsed <= 0.5 * NEEDED * 1.02 + 0.05
    for seen, planned in zip(_seen(schedule), PLANNED, strict=True):
        assert 0.12 * planned < seen <= planned


@pytest.mark.parametrize("factor", [0.01, 0.3])
def test_no_stage_grows_beyond_the_total_when_the_machine_becomes_faster(factor: float) -> None:
    clock = _Clock()
    schedule = _limited(0.6 * NEEDED, clock)
    _run(schedule, clock, lambda name, t: _usual(name, t) * (factor if t > 0.1 * NEEDED else 1))
    assert all(seen <= n for seen, n in zip(_seen(schedule), PLANNED, strict=True))
    assert _seen(schedule)[1:] == PLANNED[1:]


def test_the_learning_rate_of_a_shortened_stage_falls_to_its_end() -> None:
    clock, settings = _Clock(), TrainSettings(warm_up_images=1)
    schedule = _limited(0.3 * NEEDED, clock)
    _run(schedule, clock, _usual)
    for stage in schedule.stages:
        assert lr_scale(stage, settings, is_last=False) == pytest.approx(settings.lr_end)


def test_a_limit_too_short_for_anything_ends_after_the_steps_that_measure() -> None:
    clock = _Clock()
    schedule = _limited(0.01, clock)
    _run(schedule, clock, _usual)
    assert _seen(schedule) == [MEASURED_STEPS * BATCH] * 3


def test_a_training_is_short_if_it_lacks_more_than_the_rounding_of_its_stages() -> None:
    assert [is_short(seen, 1000) for seen in (400, 996, 997, 1000, 1008)] == [
        True, True, False, False, False,
    ]  # fmt: skip


# What a training comes to


@pytest.mark.parametrize("total", [None, TOTAL])
@pytest.mark.parametrize("part", [0.4, 1.5])
def test_what_a_time_reaches_is_foreseen_from_the_first_stage_on(
    part: float, total: int | None
) -> None:
    clock = _Clock()
    schedule = Schedule(planned_stages(total, SHARES), BATCH, part * NEEDED, clock)
    schedule.start()
    foreseen = []
    for stage in schedule.stages:
        schedule.begin(stage)
        foreseen.append(schedule.outlook(stage))
        while not stage.is_done:
            clock.now += _usual(stage.name, 0)
            schedule.count(stage)
            if schedule.is_just_measured(stage):
                foreseen.append(schedule.outlook(stage))
    assert foreseen[0] is None
    assert len(foreseen) == 6
    for outlook in foreseen[1:]:
        assert outlook is not None
        assert outlook.images == pytest.approx(schedule.seen, rel=0.02)
        assert outlook.seconds == pytest.approx(schedule.elapsed, rel=0.02)


def test_the_time_that_a_number_of_images_takes_is_known_after_some_steps() -> None:
    clock = _Clock()
    schedule = Schedule(planned_stages(TOTAL, SHARES), BATCH, None, clock)
    schedule.start()
    stage = schedule.stages[0]
    schedule.begin(stage)
    for _ in range(MEASURED_STEPS):
        assert schedule.seconds_left(stage) is None
        clock.now += _usual(stage.name, 0)
        schedule.count(stage)
    assert schedule.seconds_left(stage) == pytest.approx(NEEDED, rel=0.01)


# Going on


def _saved(schedule: Schedule) -> list[Stage]:
    return [replace(stage) for stage in schedule.stages]


def test_a_resumed_time_goes_on_where_it_stopped() -> None:
    clock = _Clock()
    schedule = _timed(1000.0, clock)
    stage = schedule.stages[0]
    schedule.begin(stage)
    for _ in range(1500):  # 150 of 300 seconds
        clock.now += 0.1
        schedule.count(stage)
    later = _Clock()
    resumed = Schedule(planned_stages(None, SHARES), BATCH, 1000.0, later)
    resumed.resume(_saved(schedule), spent=schedule.elapsed)
    resumed.start()
    assert resumed.stages[0].seen == 1500 * BATCH
    _run(resumed, later, lambda *_: 0.1)
    assert resumed.elapsed == pytest.approx(1000, rel=0.02)
    assert later.now - 1000 == pytest.approx(850, rel=0.02)


def test_a_finished_time_is_finished_and_a_longer_one_goes_on() -> None:
    clock = _Clock()
    schedule = _timed(100.0, clock)
    _run(schedule, clock, lambda *_: 0.1)
    for seconds, more in ((100.0, 0.0), (200.0, 100.0)):
        later = _Clock()
        resumed = Schedule(planned_stages(None, SHARES), BATCH, seconds, later)
        resumed.resume(_saved(schedule), spent=schedule.elapsed)
        resumed.start()
        _run(resumed, later, lambda *_: 0.1)
        assert later.now - 1000 == pytest.approx(more, abs=6)


def test_a_run_begun_by_the_clock_can_end_by_images() -> None:
    clock = _Clock()
    schedule = _timed(100.0, clock)
    stage = schedule.stages[0]
    schedule.begin(stage)
    for _ in range(20):
        clock.now += 0.1
        schedule.count(stage)
    resumed = Schedule(planned_stages(1000, SHARES), BATCH)
    resumed.resume(_saved(schedule), spent=2.0)
    resumed.start()
    _run(resumed, _Clock(), lambda *_: 0.0)
    assert [stage.seen for stage in resumed.stages] == [304, 504, 200]


def _go_on(
    schedule: Schedule, seconds: float, total: int = TOTAL
) -> tuple[Schedule, list[Stage], float]:
    """Resume with a limit and run to the end; return also the stages at first and the time used."""
    clock = _Clock()
    resumed = Schedule(planned_stages(total, SHARES), BATCH, seconds, clock)
    resumed.resume(_saved(schedule), spent=schedule.elapsed)
    resumed.start()
    first = _saved(resumed)
    _run(resumed, clock, _usual)
    return resumed, first, clock.now - 1000


def test_a_limited_training_that_was_stopped_does_not_return_to_stages_it_had_ended() -> None:
    clock = _Clock()
    schedule = _limited(0.5 * NEEDED, clock)
    first, second, _ = schedule.stages
    _run(replace(schedule, stages=[first]), clock, _usual)
    schedule.spent = 0.0
    schedule.begin(second)
    for _ in range(400):
        clock.now += _usual(second.name, 0)
        schedule.count(second)
    resumed, at_first, used = _go_on(schedule, 0.5 * NEEDED)
    assert at_first[0].is_done
    assert at_first[0].seen < 0.6 * PLANNED[0]
    assert _seen(resumed)[0] == at_first[0].seen
    assert used == pytest.approx(0.5 * NEEDED - schedule.elapsed, rel=0.02)


def test_a_shortened_training_is_over_and_one_with_more_time_sees_the_rest() -> None:
    clock = _Clock()
    schedule = _limited(0.5 * NEEDED, clock)
    _run(schedule, clock, _usual)
    again, _, used = _go_on(schedule, 0.5 * NEEDED)
    assert (used, _seen(again)) == (0, _seen(schedule))
    more, _, _ = _go_on(schedule, 2 * NEEDED)
    assert _seen(more) == PLANNED


def test_a_shortened_training_sees_the_rest_where_the_limit_is_left_out() -> None:
    clock = _Clock()
    schedule = _limited(0.5 * NEEDED, clock)
    _run(schedule, clock, _usual)
    resumed = Schedule(planned_stages(TOTAL, SHARES), BATCH)
    resumed.resume(_saved(schedule), spent=schedule.elapsed)
    resumed.start()
    _run(resumed, _Clock(), lambda *_: 0.0)
    assert _seen(resumed) == PLANNED


def test_a_whole_training_is_over_however_much_time_there_is() -> None:
    clock = _Clock()
    schedule = _limited(2 * NEEDED, clock)
    _run(schedule, clock, _usual)
    again, _, used = _go_on(schedule, 9 * NEEDED)
    assert (used, _seen(again)) == (0, PLANNED)


def _resumed(total: int, seen: list[int], images: list[int] | None = None) -> Schedule:
    stages = zip(SHARES, images or [0, 0, 0], seen, strict=True)
    schedule = Schedule(planned_stages(total, SHARES), BATCH)
    schedule.resume([Stage(name, share, i, n, i) for (name, share), i, n in stages], spent=2.0)
    schedule.start()
    return schedule


@pytest.mark.parametrize(
    "seen", [[800, 0, 0], [800, 104, 0], [160, 1600, 80], [0, 0, 1200], [400, 600, 400]]
)
def test_what_a_stage_saw_beyond_its_share_the_others_do_not_see(seen: list[int]) -> None:
    """A clock may have given a stage far more than its share of images."""
    for total in (sum(seen) + 96, 2000, 3001):
        schedule = _resumed(total, seen)
        _run(schedule, _Clock(), lambda *_: 0.0)
        assert total <= sum(stage.seen for stage in schedule.stages) + 1
        assert sum(stage.seen for stage in schedule.stages) < total + len(SHARES) * BATCH


def test_a_plan_that_was_changed_once_is_kept() -> None:
    schedule = _resumed(2000, [800, 104, 0])
    plan = [stage.images for stage in schedule.stages]
    schedule.stages[1].seen += 40 * BATCH
    again = _resumed(2000, [stage.seen for stage in schedule.stages], plan)
    assert [stage.images for stage in again.stages] == plan


def test_a_resumed_number_goes_on_by_the_same_plan_to_the_image() -> None:
    plan = [stage.images for stage in planned_stages(1000, SHARES)]
    for seen in ([0, 0, 0], [304, 0, 0], [304, 504, 8], [304, 504, 200]):
        assert [stage.images for stage in _resumed(1000, seen, plan).stages] == plan


def test_fewer_images_than_were_seen_are_refused_with_both_numbers() -> None:
    with pytest.raises(ConfigError, match=r"a total of 1,000 images is fewer than the 1,208 that"):
        _resumed(1000, [800, 408, 0])


def _stage(seen: int) -> Stage:
    return Stage("random cycle", 0.5, images=100_000, seen=seen)


def test_the_learning_rate_warms_up_and_falls_along_half_a_cosine() -> None:
    settings = TrainSettings()
    rising = [lr_scale(_stage(seen), settings, is_last=False) for seen in (0, 1499, 2999)]
    assert rising == pytest.approx([1 / 3000, 0.5, 1.0], rel=2e-3)
    middle, end = (lr_scale(_stage(seen), settings, is_last=False) for seen in (50_000, 100_000))
    assert middle == pytest.approx((1 + settings.lr_end) / 2)
    assert end == pytest.approx(settings.lr_end)


def test_the_last_stage_has_ends_of_its_own() -> None:
    settings = TrainSettings(warm_up_images=1)
    ends = [lr_scale(_stage(seen), settings, is_last=True) for seen in (0, 100_000)]
    assert ends == pytest.approx(list(settings.last_stage_lr))


def test_time_that_no_step_took_does_not_slow_a_stage() -> None:
    now = [0.0]
    schedule = Schedule(planned_stages(100_000, SHARES), 10, None, lambda: now[0])
    schedule.start()
    stage = schedule.stages[0]
    schedule.begin(stage)
    for step in range(40):
        if step == 30:
            now[0] += 60.0
            schedule.skip(60.0)
        now[0] += 0.1
        schedule.count(stage)
    assert schedule.speed(stage) == pytest.approx(100)
