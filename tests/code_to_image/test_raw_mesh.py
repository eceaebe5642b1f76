"""Raw meshes: pictures have the silhouettes of the meshes, item by item, and straight colours."""

import pytest
import torch
from tiny_world import FOV_Y, few_samples, small_car

from shapecycle.camera import Pose, View
from shapecycle.code_to_image.raw_mesh import draw_raw, raw_silhouette
from shapecycle.config import SceneSettings
from shapecycle.data.shape_sampler import ShapeSampler, WarpedShapes
from shapecycle.priors.light import sample_light
from shapecycle.priors.pose import sample_pose
from shapecycle.priors.solid_texture import SolidTexture


@pytest.fixture(scope="module")
def shapes() -> WarpedShapes:
    with few_samples():
        generator = torch.Generator().manual_seed(0)
        cars = [small_car(0), small_car(1)]
        return ShapeSampler.of(cars, generator=generator, device="cpu").sample(12, 256, 1.0)


def _frame(count: int) -> View:
    return View(torch.tensor([[0.0, 0.0, 1.0]]).expand(count, 3), (48, 48), FOV_Y)


def _poses(count: int) -> Pose:
    generator = torch.Generator().manual_seed(0)
    return sample_pose(count, SceneSettings(), generator, torch.device("cpu"))


def test_a_part_of_a_batch_is_what_it_was(shapes: WarpedShapes) -> None:
    pose = _poses(12)
    part = Pose(pose.angles[2:5], pose.translation[2:5])
    torch.testing.assert_close(
        raw_silhouette(shapes.vertices[2:5], shapes[2:5].topology, part, _frame(3)),
        raw_silhouette(shapes.vertices, shapes.topology, pose, _frame(12))[2:5],
    )


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
