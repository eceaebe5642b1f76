"""The schedule: counted in images, or kept by a clock on machines of any speed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from shapecycle.config import TrainSettings
from shapecycle.errors import ConfigError
from shapecycle.train.schedule import Schedule, Stage, lr_scale, planned_stages

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


def _resumed(total: int, seen: list[int], images: list[int] | None = None) -> Schedule:
    stages = zip(SHARES, images or [0, 0, 0], seen, strict=True)
    schedule = Schedule(planned_stages(total, SHARES), BATCH)
    schedule.resume([Stage(name, share, i, n) for (name, share), i, n in stages], spent=2.0)
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
