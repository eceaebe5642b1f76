"""Losses on pictures: nothing to pay when all is alike, and how far they reach."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
import trimesh
from torch import Tensor

from shapecycle.losses.image import (
    colour_loss,
    silhouette_loss,
    structure_loss,
    wide_silhouette_loss,
)
from shapecycle.rasterize import Topology, antialias, rasterize


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


def _blobs(seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(2, 1, 6, 9, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_wide_loss_is_the_energy_distance_of_two_spreads_of_points() -> None:
    """Against the definition: all distances between all pixels, weighted by their coverage."""
    one, two = _blobs(0), _blobs(1)
    rows, columns = torch.meshgrid(torch.arange(6.0), torch.arange(9.0), indexing="ij")
    points = torch.stack([rows, columns], -1).reshape(-1, 2).double()
    apart = torch.cdist(points, points)
    p, q = ((s / s.sum((1, 2, 3), keepdim=True)).flatten(1) for s in (one, two))

    def mean(a: Tensor, b: Tensor) -> Tensor:
        return torch.einsum("bi,ij,bj->b", a, apart, b)

    expected = (2 * mean(p, q) - mean(p, p) - mean(q, q)) / 9
    torch.testing.assert_close(wide_silhouette_loss(one, two), expected)
    torch.testing.assert_close(wide_silhouette_loss(two, one), expected)
    assert torch.autograd.gradcheck(lambda s: wide_silhouette_loss(s, two), one.requires_grad_())


def test_wide_loss_is_of_spreads_so_it_feels_place_and_size_but_not_strength() -> None:
    still = _square(8)
    torch.testing.assert_close(wide_silhouette_loss(still, 0.5 * still), torch.zeros(1))
    assert wide_silhouette_loss(still, _square(8, 12)).item() > 1e-3
    by_place = [wide_silhouette_loss(still, _square(k)).item() for k in (8, 9, 12, 20, 24)]
    assert all(a < b - 1e-4 for a, b in pairwise(by_place))
    assert by_place[4] - by_place[3] == pytest.approx(2 * 4 / 32, rel=0.1)


def test_wide_loss_of_an_empty_silhouette_is_nothing_and_pulls_nowhere() -> None:
    empty, full = torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8)
    for drawn, mask in ((empty, full), (full, empty), (empty, empty)):
        leaf = drawn.clone().requires_grad_()
        loss = wide_silhouette_loss(leaf, mask)
        (gradient,) = torch.autograd.grad(loss.sum(), leaf)
        assert loss.item() == 0
        assert gradient.abs().max() == 0
    faint = 1e-3 * _square(8)
    assert wide_silhouette_loss(faint, _square(16)).item() > 0


@pytest.mark.parametrize("angle", [0, 50, 135, 260])
@pytest.mark.parametrize("pixels", [2, 20, 35])
def test_a_drawn_ball_is_pulled_straight_towards_one_that_it_does_not_touch(
    angle: int, pixels: int
) -> None:
    mesh = trimesh.creation.icosphere(subdivisions=2)
    topology = Topology.from_faces(np.asarray(mesh.faces))
    points = torch.tensor(np.asarray(mesh.vertices), dtype=torch.float32)

    def ball(centre: Tensor) -> Tensor:
        placed = torch.cat([0.15 * points[:, :2] + centre, 0.15 * points[:, 2:]], 1)
        clip = torch.cat([placed, torch.ones_like(placed[:, :1])], 1)[None]
        seen = rasterize(clip, topology, (64, 64))
        return antialias(seen.mask[:, None].float(), clip, topology, seen)

    turn = math.radians(angle)
    goal = pixels / 64 * torch.tensor([math.cos(turn), math.sin(turn)])
    start = (-goal).requires_grad_()
    loss = wide_silhouette_loss(ball(start), ball(goal)).sum()
    (pull,) = torch.autograd.grad(loss, start)
    assert torch.cosine_similarity(-pull, goal, dim=0) > 0.98
    if pixels > 10:  # no overlap
        assert pull.norm() > 0.8
        (near,) = torch.autograd.grad(silhouette_loss(ball(start), ball(goal)).sum(), start)
        assert (near @ goal).abs() < 0.2 * (pull @ goal).abs()
