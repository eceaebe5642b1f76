"""Nearest neighbours: every way of finding them finds the same."""

import pytest
import torch
from torch import Tensor

from shapecycle.geometry.nearest import nearest


def _cloud(batch: int, count: int, dimensions: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, count, dimensions, generator=generator)


def _distance(queries: Tensor, points: Tensor, index: Tensor) -> Tensor:
    found = torch.gather(points, 1, index[..., None].expand(-1, -1, points.shape[2]))
    return (found - queries).double().norm(dim=2)


@pytest.mark.parametrize("backend", ["auto", "torch"])
@pytest.mark.parametrize("count", [1, 63, 64, 65, 1000, 5000])
@pytest.mark.parametrize("dimensions", [2, 3, 6])
def test_no_point_is_nearer_than_the_nearest(
    dimensions: int, count: int, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHAPECYCLE_RASTERIZER", backend)
    queries, points = _cloud(3, 40, dimensions, 0), _cloud(3, count, dimensions, 1)
    found = nearest(queries, points)
    assert found.dtype == torch.int64
    least = torch.cdist(queries.double(), points.double()).amin(2)
    torch.testing.assert_close(_distance(queries, points, found), least, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("backend", ["auto", "torch"])
def test_points_are_their_own_nearest_even_far_away(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHAPECYCLE_RASTERIZER", backend)
    points = 1000 * _cloud(2, 130, 3, 2)
    index = torch.arange(130).expand(2, -1)
    assert torch.equal(nearest(points, points), index)
    assert torch.equal(nearest(points.double(), points.double()), index)


def test_of_equally_near_points_one_of_them_is_found() -> None:
    corners = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]]]).repeat(1, 40, 1)
    middle = torch.tensor([[[0.5, 0.5, 0.0], [0.9, 0.5, 0.0]]])
    found = nearest(middle, corners)
    torch.testing.assert_close(
        _distance(middle, corners, found)[0, 0], torch.tensor(0.5).sqrt().double()
    )
    assert int(found[0, 1]) % 4 in (1, 3)


def test_no_queries_have_no_neighbours() -> None:
    assert nearest(torch.zeros(2, 0, 3), torch.zeros(2, 5, 3)).shape == (2, 0)
