"""Losses on pictures: nothing to pay when all is alike, and how far they reach."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from shapecycle.losses.image import colour_loss, silhouette_loss, structure_loss


def _pictures(seed: int = 0) -> Tensor:
    return torch.rand(3, 4, 32, 32, generator=torch.Generator().manual_seed(seed))


def _square(left: int, size: int = 8) -> Tensor:
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 12 : 12 + size, left : left + size] = 1
    return mask


@pytest.mark.parametrize("loss", [colour_loss, structure_loss])
def test_equal_pictures_cost_nothing_and_others_do(loss) -> None:  # type: ignore[no-untyped-def]
    first, second = _pictures(0), _pictures(1)
    torch.testing.assert_close(loss(first, first), torch.zeros(3), atol=1e-6, rtol=0)
    assert loss(first, second).min() > 0.05
    torch.testing.assert_close(loss(first, second), loss(second, first))


@pytest.mark.parametrize("loss", [colour_loss, structure_loss])
def test_coverage_is_not_a_colour(loss) -> None:  # type: ignore[no-untyped-def]
    first, second = _pictures(0), _pictures(0)
    second[:, 3] = 0
    torch.testing.assert_close(loss(first, second), torch.zeros(3), atol=1e-6, rtol=0)


def test_each_pair_is_compared_on_its_own() -> None:
    first, second = _pictures(0), _pictures(1)
    for loss in (colour_loss, structure_loss):
        torch.testing.assert_close(loss(first, second)[1:2], loss(first[1:2], second[1:2]))
    one, two = first[:, 3:], second[:, 3:]
    torch.testing.assert_close(silhouette_loss(one, two)[1:2], silhouette_loss(one[1:2], two[1:2]))


def test_colour_difference_is_the_mean_absolute_one() -> None:
    first = torch.zeros(1, 4, 8, 8)
    second = first.clone()
    second[:, 0] = 0.6
    assert colour_loss(first, second).item() == pytest.approx(0.2)


def test_structure_of_noise_is_unlike_but_a_shade_is_hardly_so() -> None:
    picture = _pictures(0)
    assert structure_loss(picture, picture * 0.95).max() < 0.01
    assert structure_loss(picture, _pictures(1)).min() > 0.3
    assert structure_loss(picture, 1 - picture).max() <= 1


def test_silhouettes_cost_nothing_when_equal_and_more_the_further_apart() -> None:
    still = _square(8)
    costs = [silhouette_loss(still, _square(8 + shift)).item() for shift in (0, 1, 2, 4, 8)]
    assert costs[0] == 0
    assert all(a < b for a, b in pairwise(costs))


def test_coarse_levels_pull_outlines_that_do_not_overlap() -> None:
    still, near, far = _square(8, 6), _square(14, 6), _square(24, 6)
    assert silhouette_loss(still, near, scales=1) == silhouette_loss(still, far, scales=1)
    assert silhouette_loss(still, near, scales=4) < silhouette_loss(still, far, scales=4)


def test_every_level_adds_its_own_mean() -> None:
    full, empty = torch.ones(1, 1, 32, 32), torch.zeros(1, 1, 32, 32)
    for scales in (1, 2, 4):
        assert silhouette_loss(full, empty, scales).item() == pytest.approx(scales)
