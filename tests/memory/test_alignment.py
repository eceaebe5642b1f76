"""Alignment: rotations are found, and different answers are told apart."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from shapecycle import pretrained
from shapecycle.demo.cars import car_mesh, sample_car
from shapecycle.memory import alignment
from shapecycle.mesh import Mesh
from shapecycle.model import load

CARS = pretrained.file_of("cars")


def _rotations(count: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(Rotation.random(count, rng=seed).as_matrix()).float()


def test_the_closest_rotation_undoes_a_rotation_whatever_is_moved_beside() -> None:
    points = torch.randn(3, 50, 3, generator=torch.Generator().manual_seed(0))
    rotation = _rotations(3)
    there = points @ rotation.mT + torch.tensor([1.0, -2.0, 0.5])
    torch.testing.assert_close(
        alignment._closest_rotation(points, there), rotation, atol=1e-5, rtol=0
    )


def test_a_mirror_image_is_never_the_closest_rotation() -> None:
    points = torch.randn(1, 50, 3, generator=torch.Generator().manual_seed(0))
    found = alignment._closest_rotation(points, points * torch.tensor([-1.0, 1.0, 1.0]))
    assert float(torch.linalg.det(found[0])) == pytest.approx(1, abs=1e-5)


def test_answers_are_the_best_ones_that_are_apart() -> None:
    rotations = _rotations(100, 1)
    residuals = torch.rand(100, generator=torch.Generator().manual_seed(2))
    chosen = alignment._distinct(rotations, residuals, 6)
    assert int(chosen[0]) == int(residuals.argmin())
    kept = rotations[chosen]
    for k in range(len(kept)):
        others = torch.cat([kept[:k], kept[k + 1 :]])
        assert float(alignment._angles(kept[k], others).min()) > alignment.APART


@pytest.mark.skipif(CARS is None, reason="the model did not come along")
def test_a_car_at_any_rotation_scale_and_place_is_brought_upright(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alignment, "TRIED", 384)
    mesh = car_mesh(sample_car(20_800))
    turn = Rotation.random(rng=4).as_matrix()
    turned = Mesh(30 * mesh.vertices @ turn.T + [5, 1, -2], mesh.faces)
    found, object_from_mesh = load("cars").align(turned)
    cosine = (np.trace(found.object_from_points @ turn) - 1) / 2
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))) < 8
    placed = turned.vertices @ object_from_mesh[:3, :3].T + object_from_mesh[:3, 3]
    assert np.linalg.norm(np.ptp(placed, axis=0)) == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(placed.max(0), -placed.min(0), atol=1e-6)
    assert 0 <= found.confidence <= 1
