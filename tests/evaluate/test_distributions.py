"""Distances of distributions: zero for equal ones, known for simple ones, blind to order."""

import numpy as np
import pytest
import torch

from shapecycle.evaluate.distributions import (
    PictureSet,
    frechet_distance,
    kernel_distance,
    kernel_interval,
    nearest_distance,
    pyramid_distance,
    spread,
    told_apart,
)


def _set(seed: int, *, count: int = 200, shift: float = 0.0, scale: float = 1.0) -> PictureSet:
    generator = np.random.default_rng(seed)
    features = scale * generator.standard_normal((count, 6)) + shift
    return PictureSet(features, [str(k // 4) for k in range(count)])


def test_samples_of_one_distribution_are_told_apart_by_chance_alone() -> None:
    first, second = _set(0), _set(1)
    assert abs(kernel_distance(first, second)) < 0.2
    assert frechet_distance(first, second) < 0.6
    assert 0.35 < told_apart(first, second) < 0.65
    assert spread(first) == pytest.approx(spread(second), rel=0.1)


def test_the_kernel_distance_is_that_of_all_pairs_written_out() -> None:
    first, second = _set(0, count=5), _set(1, count=4, shift=1.0)

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / 6 + 1) ** 3)

    x, y = first.features, second.features
    within_x = np.mean([kernel(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
    within_y = np.mean([kernel(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
    across = np.mean([kernel(a, b) for a in x for b in y])
    wanted = within_x + within_y - 2 * across
    assert kernel_distance(first, second) == pytest.approx(wanted)
    assert kernel_distance(second, first) == pytest.approx(wanted)


def test_the_frechet_distance_of_shifted_normals_is_the_squared_shift() -> None:
    distance = frechet_distance(_set(0, count=4000), _set(1, count=4000, shift=1.0))
    assert distance == pytest.approx(6.0, rel=0.1)


def test_a_shift_is_noticed_by_all_and_the_interval_holds_the_distance() -> None:
    first, second = _set(0), _set(1, shift=2.0)
    interval = kernel_interval(first, second)
    assert interval is not None
    assert interval[0] < kernel_distance(first, second) < interval[1]
    assert interval[0] > 0
    assert told_apart(first, second) > 0.95


def test_a_single_object_says_nothing_of_others() -> None:
    one = PictureSet(_set(0).features, ["same"] * 200)
    assert kernel_interval(one, _set(1)) is None


def test_copies_are_at_no_distance() -> None:
    known = _set(0)
    assert nearest_distance(PictureSet(known.features[:9], known.objects[:9]), known) == 0
    assert nearest_distance(_set(1), known) > 0.5


def test_pyramids_tell_fine_noise_from_coarse_shifts() -> None:
    generator = torch.Generator().manual_seed(0)
    smooth = torch.rand(24, 3, 8, 8, generator=generator)
    pictures = torch.nn.functional.interpolate(smooth, (64, 64), mode="bilinear")
    noisy = pictures + 0.1 * torch.randn(pictures.shape, generator=generator)
    same = pyramid_distance(pictures, pictures)
    fine = pyramid_distance(noisy, pictures)
    darker = pyramid_distance(pictures - 0.5, pictures)
    assert max(same) == pytest.approx(0, abs=1e-5)
    assert fine[0] > 5 * fine[-1]
    assert darker[-1] > 5 * darker[0]
