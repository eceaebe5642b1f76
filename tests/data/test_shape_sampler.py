"""Training shapes, warped and mirrored: they keep their box, their seed and their silhouettes."""

import numpy as np
import pytest
import torch
from tiny_world import FOV_Y, few_samples, small_car

from shapecycle.camera import Pose, View
from shapecycle.code_to_image.raw_mesh import raw_silhouette
from shapecycle.data.shape_sampler import ShapeSampler, WarpedShapes
from shapecycle.mesh import Mesh


def _cloud(seed: int) -> Mesh:
    points, normals = small_car(seed).sample(3000, np.random.default_rng(0))
    return Mesh(points, np.zeros((0, 3), np.int64), normals=normals)


@pytest.fixture(scope="module")
def sampler() -> ShapeSampler:
    with few_samples():
        meshes = [small_car(0), small_car(1), _cloud(2)]
        return ShapeSampler.of(meshes, generator=torch.Generator().manual_seed(0), device="cpu")


@pytest.fixture
def shapes(sampler: ShapeSampler) -> WarpedShapes:
    with few_samples():
        return sampler.sample(12, 256, 1.0)


def test_warped_shapes_fill_the_unit_box_and_their_points_lie_on_them(
    shapes: WarpedShapes,
) -> None:
    low, high = shapes.vertices.amin(1), shapes.vertices.amax(1)
    torch.testing.assert_close((high - low).norm(dim=1), torch.ones(12), atol=1e-4, rtol=0)
    torch.testing.assert_close(low + high, torch.zeros(12, 3), atol=1e-4, rtol=0)
    torch.testing.assert_close(shapes.normals.norm(dim=2), torch.ones(12, 256), atol=1e-4, rtol=0)
    assert (shapes.points.abs() <= high[:, None] + 0.02).all()


def test_warping_makes_new_shapes_and_no_warp_none(sampler: ShapeSampler) -> None:
    with few_samples():
        still, bent = sampler.sample(30, 8, 0.0), sampler.sample(30, 8, 1.0)

    def sizes(shapes: WarpedShapes) -> int:
        extent = shapes.vertices.amax(1) - shapes.vertices.amin(1)
        return len(torch.unique((extent * 1000).round(), dim=0))

    assert sizes(still) <= 6  # three shapes, and rounding
    assert sizes(bent) > 20


def test_every_shape_is_seen_meshes_and_clouds_alike(sampler: ShapeSampler) -> None:
    with few_samples():
        shapes = sampler.sample(24, 8, 0.5)
    pose = Pose(torch.zeros(24, 3), torch.tensor([[0.0, 0.0, -1.5]]).expand(24, 3))
    coverage = raw_silhouette(
        shapes.vertices,
        shapes.topology,
        pose,
        View(torch.tensor([[0.0, 0.0, 1.0]]).expand(24, 3), (48, 48), FOV_Y),
    ).mean((1, 2, 3))
    assert coverage.min() > 0.02


def test_samplers_repeat_with_their_seed() -> None:
    with few_samples():
        samplers = [
            ShapeSampler.of(
                [small_car(0)], generator=torch.Generator().manual_seed(4), device="cpu"
            )
            for _ in range(2)
        ]
        first, second = (sampler.sample(3, 16, 1.0) for sampler in samplers)
    torch.testing.assert_close(first.points, second.points, atol=0, rtol=0)
    torch.testing.assert_close(first.vertices, second.vertices, atol=0, rtol=0)
