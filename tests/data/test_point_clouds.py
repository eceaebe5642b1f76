"""Surfels: oriented points are drawn about as their surface would be."""

import numpy as np
import pytest
import torch

from shapecycle.camera import Pose
from shapecycle.data.point_clouds import MAX_SURFELS, surfels
from shapecycle.mesh import Mesh


def _ball(count: int = 3000, radius: float = 0.4) -> Mesh:
    normals = np.random.default_rng(0).normal(size=(count, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    vertices = (radius * normals).astype(np.float32)
    return Mesh(vertices, np.zeros((0, 3), np.int64), normals=normals.astype(np.float32))


def test_every_point_gets_a_triangle_square_to_its_normal() -> None:
    cloud = _ball(200)
    surface = surfels(cloud, np.random.default_rng(1))
    centres = surface.vertices[surface.faces].mean(1)
    normals, areas = surface.face_normals()
    assert len(surface.faces) == 200
    np.testing.assert_allclose((centres * normals).sum(1), 0.4, atol=1e-5)
    assert areas.min() > 0
    assert surface.vertices.dtype == cloud.vertices.dtype


def test_they_cover_about_the_surface_whatever_its_size() -> None:
    for radius in (0.4, 40.0):
        surface = surfels(_ball(3000, radius), np.random.default_rng(1))
        area = surface.face_normals()[1].sum() / (4 * np.pi * radius**2)
        assert 1 < area < 4
        assert np.linalg.norm(surface.vertices, axis=1).max() < 1.1 * radius


def test_of_many_points_some_are_taken() -> None:
    assert len(surfels(_ball(MAX_SURFELS + 500), np.random.default_rng(1)).faces) == MAX_SURFELS


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_few_points_are_no_trouble(count: int) -> None:
    surface = surfels(_ball(count), np.random.default_rng(1))
    assert len(surface.faces) == count
    assert np.isfinite(surface.vertices).all()


def test_a_stray_point_is_no_wall() -> None:
    cloud = _ball(500)
    cloud.vertices[0] = [30.0, 0.0, 0.0]
    areas = surfels(cloud, np.random.default_rng(1)).face_normals()[1]
    assert areas.max() < 10 * np.median(areas)


def test_a_cloud_looks_like_its_ball() -> None:
    from tiny_world import pictures_of

    pose = Pose(torch.zeros(1, 3), torch.tensor([[0.0, 0.0, -1.5]]))
    surface = surfels(_ball(), np.random.default_rng(1))
    alpha = pictures_of([surface], pose, torch.Generator().manual_seed(0), (64, 64))[0, ..., 3]
    row, column = np.mgrid[:64, :64] - 31.5
    radius = 0.4 / np.sqrt(1.5**2 - 0.4**2) / np.tan(np.radians(25)) * 32
    disc = np.hypot(row, column) < radius
    drawn = alpha > 127
    assert (drawn & disc).sum() / (drawn | disc).sum() > 0.93
