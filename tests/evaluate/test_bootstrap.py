"""Laws of intervals over objects."""

import numpy as np
import pytest

from shapecycle.evaluate.bootstrap import interval_of_mean


def pictures(objects: int, each: int, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Values of objects that differ, alike for all pictures of one."""
    values = np.random.default_rng(seed).normal(5.0, 2.0, objects)
    return np.repeat(values, each), [str(k) for k in range(objects) for _ in range(each)]


def test_the_interval_of_many_objects_is_that_of_the_normal_distribution() -> None:
    values, objects = pictures(400, each=1)
    error = values.std() / np.sqrt(len(values))
    wanted = values.mean() + 1.96 * error * np.array([-1, 1])
    assert interval_of_mean(values, objects) == pytest.approx(wanted, abs=0.1 * error)


def test_more_pictures_of_the_same_objects_make_it_no_narrower() -> None:
    assert interval_of_mean(*pictures(20, each=1)) == pytest.approx(
        interval_of_mean(*pictures(20, each=24))
    )


def test_an_object_counts_as_often_as_it_has_pictures() -> None:
    values, objects = np.array([0.0, 1.0, 1.0, 1.0]), ["a", "b", "b", "b"]
    low, high = interval_of_mean(values, objects) or (0, 0)
    assert (low, high) == (0.0, 1.0)
    values, objects = np.array([1.0, 3.0, 5.0, 7.0] * 5), [f"{k % 4}" for k in range(20)]
    assert interval_of_mean(values, objects) == interval_of_mean(values[:4], objects[:4])


def test_intervals_move_and_stretch_with_the_values() -> None:
    values, objects = pictures(20, each=3)
    low, high = interval_of_mean(values, objects) or (0, 0)
    assert interval_of_mean(10 - 2 * values, objects) == pytest.approx(
        (10 - 2 * high, 10 - 2 * low)
    )


def test_a_difference_that_all_pictures_share_is_certain() -> None:
    values, objects = pictures(20, each=3)
    assert interval_of_mean((values + 0.25) - values, objects) == pytest.approx((0.25, 0.25))


def test_the_seed_alone_decides() -> None:
    values, objects = pictures(20, each=3)
    assert interval_of_mean(values, objects) == interval_of_mean(values, objects)
    assert interval_of_mean(values, objects) != interval_of_mean(values, objects, seed=1)


def test_one_object_says_nothing_about_others() -> None:
    assert interval_of_mean(np.array([1.0, 2.0]), ["a", "a"]) is None
