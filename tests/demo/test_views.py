"""Views of the demo's shapes: whole, from every side, and in light from above."""

from pathlib import Path

import numpy as np
import pytest
import torch

from shapecycle.camera import Pose
from shapecycle.demo import cars
from shapecycle.demo.views import SIDES, TILE, around, close_up, drawn_untextured, pose_of
from shapecycle.demo.world import World
from shapecycle.mesh import Mesh


def _box(width: float, height: float, depth: float) -> Mesh:
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float) / 2
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    vertices = (corners * [width, height, depth]).astype(np.float32)
    return Mesh(vertices, np.array(faces))


def test_a_pose_comes_back_from_its_matrix() -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(10):
        angles = (torch.rand(1, 3, generator=generator) - 0.5) * torch.tensor([6.2, 3.0, 6.2])
        pose = Pose(angles, torch.randn(1, 3, generator=generator))
        matrix = pose.camera_from_object()[0].numpy().astype(np.float64)
        again = pose_of(matrix).camera_from_object()[0].numpy()
        np.testing.assert_allclose(again, matrix, atol=1e-5)


@pytest.mark.parametrize("azimuth", SIDES.values())
def test_every_side_of_a_long_car_is_shown_whole(azimuth: float) -> None:
    world = World(Path(), range(8), 40.0)
    mesh = cars.car_mesh(cars.sample_car(1, "pickup"))
    alpha = drawn_untextured(mesh, around(azimuth), close_up(world, TILE))[..., 3]
    assert alpha.shape == TILE
    assert max(alpha[0].max(), alpha[-1].max(), alpha[:, 0].max(), alpha[:, -1].max()) == 0
    assert alpha.mean() > 0.1


def test_untextured_shapes_are_grey_and_lit_from_above() -> None:
    view = close_up(World(Path(), range(8), 40.0), (64, 64))
    seen = drawn_untextured(_box(0.5, 0.5, 0.5), around(0.0), view)
    inside = seen[seen[..., 3] == 1][:, :3]
    np.testing.assert_allclose(inside, inside[:, :1].repeat(3, 1), atol=1e-6)
    rows = np.flatnonzero(seen[:, 32, 3] == 1)
    assert seen[rows[0], 32, 0] > seen[rows[-1], 32, 0] + 0.1
