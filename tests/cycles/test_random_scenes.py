"""Random scenes: warped shapes, wide poses, and pictures whose truth is known."""

from math import degrees
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_world import FOV_Y, few_samples, small_car, tiny_model

from shapecycle.camera import Pose, View, clip_from_camera
from shapecycle.code_to_image.raw_mesh import draw_raw, raw_silhouette
from shapecycle.config import SceneSettings
from shapecycle.cycles.random_cycle import random_scene
from shapecycle.cycles.random_scenes import ShapePool, WarpedShapes, jittered_window
from shapecycle.mesh import Mesh
from shapecycle.networks import Translator
from shapecycle.priors.light import sample_light
from shapecycle.priors.pose import sample_pose
from shapecycle.priors.solid_texture import SolidTexture

CPU = torch.device("cpu")


def _cloud(seed: int) -> Mesh:
    points, normals = small_car(seed).sample(3000, np.random.default_rng(0))
    return Mesh(points, np.zeros((0, 3), np.int64), normals=normals)


@pytest.fixture(scope="module")
def pool() -> ShapePool:
    with few_samples():
        meshes = [small_car(0), small_car(1), _cloud(2)]
        return ShapePool(meshes, generator=torch.Generator().manual_seed(0), device="cpu")


@pytest.fixture
def shapes(pool: ShapePool) -> WarpedShapes:
    with few_samples():
        return pool.sample(12, 256, 1.0)


def _frame(count: int, size: int = 48) -> View:
    return View(torch.tensor([[0.0, 0.0, 1.0]]).expand(count, 3), (size, size), FOV_Y)


def _poses(count: int, seed: int = 0) -> Pose:
    return sample_pose(count, SceneSettings(), torch.Generator().manual_seed(seed), CPU)


def test_warped_shapes_fill_the_unit_box_and_their_points_lie_on_them(
    shapes: WarpedShapes,
) -> None:
    low, high = shapes.vertices.amin(1), shapes.vertices.amax(1)
    torch.testing.assert_close((high - low).norm(dim=1), torch.ones(12), atol=1e-4, rtol=0)
    torch.testing.assert_close(low + high, torch.zeros(12, 3), atol=1e-4, rtol=0)
    torch.testing.assert_close(shapes.normals.norm(dim=2), torch.ones(12, 256), atol=1e-4, rtol=0)
    assert (shapes.points.abs() <= high[:, None] + 0.02).all()


def test_warping_makes_new_shapes_and_no_warp_none(pool: ShapePool) -> None:
    with few_samples():
        still, bent = pool.sample(30, 8, 0.0), pool.sample(30, 8, 1.0)

    def sizes(shapes: WarpedShapes) -> int:
        extent = shapes.vertices.amax(1) - shapes.vertices.amin(1)
        return len(torch.unique((extent * 1000).round(), dim=0))

    assert sizes(still) <= 6  # three shapes, and rounding
    assert sizes(bent) > 20


def test_a_part_of_a_batch_is_what_it_was(shapes: WarpedShapes) -> None:
    pose = _poses(12)
    part = Pose(pose.angles[2:5], pose.translation[2:5])
    torch.testing.assert_close(
        raw_silhouette(shapes.vertices[2:5], shapes[2:5].topology, part, _frame(3)),
        raw_silhouette(shapes.vertices, shapes.topology, pose, _frame(12))[2:5],
    )


def test_the_wide_prior_keeps_to_its_ranges() -> None:
    pose, scenes = _poses(2000), SceneSettings()
    azimuth, elevation, _ = pose.angles.unbind(1)
    assert (azimuth.cos().mean().abs(), azimuth.sin().mean().abs()) < (0.06, 0.06)
    low, high = scenes.elevation_degrees
    assert degrees(elevation.min()) >= low - 1e-3
    assert degrees(elevation.max()) <= high + 1e-3
    near, far = scenes.distance
    assert -pose.translation[:, 2].max() >= near - 1e-4
    assert -pose.translation[:, 2].min() <= far + 1e-4


def test_windows_are_jittered_a_little(shapes: WarpedShapes) -> None:
    camera = _poses(12).place(shapes.vertices)
    window = jittered_window(camera, tiny_model(), torch.Generator().manual_seed(0))
    clip = clip_from_camera(camera, window, fov_y=FOV_Y)
    reach = (clip[..., :2] / clip[..., 3:]).abs().amax((1, 2))
    assert reach.max() < 1.1
    assert reach.min() > 0.75
    assert reach.std() > 0.005


def test_every_shape_is_seen_meshes_and_clouds_alike(pool: ShapePool) -> None:
    with few_samples():
        shapes = pool.sample(24, 8, 0.5)
    pose = Pose(torch.zeros(24, 3), torch.tensor([[0.0, 0.0, -1.5]]).expand(24, 3))
    coverage = raw_silhouette(shapes.vertices, shapes.topology, pose, _frame(24)).mean((1, 2, 3))
    assert coverage.min() > 0.02


def test_pictures_of_raw_shapes_have_their_silhouettes_and_straight_colours(
    shapes: WarpedShapes,
) -> None:
    generator = torch.Generator().manual_seed(0)
    pose, light = _poses(12), sample_light(12, generator)
    solid = SolidTexture.sample(12, generator)
    rgba = draw_raw(shapes.vertices, shapes.topology, solid, pose, light, _frame(12))
    torch.testing.assert_close(
        rgba[:, 3:], raw_silhouette(shapes.vertices, shapes.topology, pose, _frame(12))
    )
    assert rgba.min() >= 0
    assert rgba.max() <= 1
    assert (rgba[:, :3] * (rgba[:, 3:] == 0)).max() == 0
    assert rgba[:, :3][(rgba[:, 3:] > 0).expand(-1, 3, -1, -1)].mean() > 0.1


def test_a_random_scene_knows_its_own_truth(shapes: WarpedShapes) -> None:
    torch.manual_seed(0)
    model = Translator(tiny_model())
    generator = torch.Generator().manual_seed(0)
    pose, light = _poses(12), sample_light(12, generator)
    solid = SolidTexture.sample(12, generator)
    scene = random_scene(model, shapes, solid, pose, light, model.view(_frame(12).window))
    with torch.no_grad():
        torch.testing.assert_close(scene.code.shape, model.read(shapes.points))
        torch.testing.assert_close(scene.vertices, model.drawer.vertices(scene.code.shape))
    assert scene.rgba.shape == (12, 4, 32, 32)
    assert scene.albedo.shape == (12, 3, 32, 32)
    assert not scene.vertices.requires_grad
    assert not scene.code.shape.requires_grad
    points, _ = model.drawer.surface(scene.vertices, 32)
    expected = solid.at(points).mT.reshape(12, 3, 32, 32)
    torch.testing.assert_close(scene.albedo, expected)


def test_pools_repeat_with_their_seed(world: Path) -> None:
    with few_samples():
        pools = [
            ShapePool([small_car(0)], generator=torch.Generator().manual_seed(4), device="cpu")
            for _ in range(2)
        ]
        first, second = (pool.sample(3, 16, 1.0) for pool in pools)
    torch.testing.assert_close(first.points, second.points, atol=0, rtol=0)
    torch.testing.assert_close(first.vertices, second.vertices, atol=0, rtol=0)
