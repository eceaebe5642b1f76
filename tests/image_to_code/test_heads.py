"""The image encoder's heads: where they start, and what they may depend on."""

from math import radians

import torch
from tiny_world import tiny_model

from shapecycle.image_to_code.heads import COARSE_SIZE, Heads, coarse_picture
from shapecycle.model_networks import Networks


def test_heads_start_with_a_light_to_see_by_and_a_pose_in_front_of_the_camera() -> None:
    torch.manual_seed(0)
    heads = Heads(features=16, shape_size=8)
    window = torch.tensor([[0.1, 0.0, 0.6]] * 5)
    shape, light, distribution = heads(torch.randn(5, 16), torch.randn(5, COARSE_SIZE), window)
    assert shape.shape == (5, 8)
    assert light.shape == (5, 9, 3)
    assert light[:, 0].min() > 1
    assert distribution.residual.abs().max() < 1
    pose = distribution.pose(torch.zeros(5, dtype=torch.long), window, fov_y=radians(50))
    assert pose.translation[:, 2].max() < -0.2


def test_what_a_picture_means_does_not_depend_on_its_neighbours() -> None:
    torch.manual_seed(0)
    model = Networks(tiny_model()).eval()
    rgba = torch.rand(4, 4, 32, 32, generator=torch.Generator().manual_seed(0))
    window = torch.tensor([[0.0, 0.0, 0.8]] * 4)
    with torch.no_grad():
        together, alone = model.encode_image(rgba, window), model.encode_image(rgba[:1], window[:1])
    # The convolutions run in bfloat16.
    torch.testing.assert_close(together.shape[:1], alone.shape, atol=0.02, rtol=0)
    torch.testing.assert_close(together.pose.logits[:1], alone.pose.logits, atol=0.02, rtol=0)


def test_colour_under_transparency_means_nothing() -> None:
    torch.manual_seed(0)
    model = Networks(tiny_model()).eval()
    generator = torch.Generator().manual_seed(0)
    rgba = torch.rand(1, 4, 32, 32, generator=generator)
    rgba[:, 3, :, :16] = 0
    other = rgba.clone()
    other[:, :3, :, :16] = torch.rand(1, 3, 32, 16, generator=generator)
    window = torch.tensor([[0.0, 0.0, 0.8]])
    with torch.no_grad():
        first, second = model.encode_image(rgba, window), model.encode_image(other, window)
    torch.testing.assert_close(first.features, second.features, atol=0, rtol=0)
    torch.testing.assert_close(first.light, second.light, atol=0, rtol=0)


def test_shading_is_alike_on_dark_and_bright_objects_wherever_they_are() -> None:
    shade = torch.linspace(0.2, 1, 32).expand(1, 1, 32, 32)
    alpha = torch.ones(1, 1, 32, 32)
    bright, dark = (torch.cat([(c * shade).expand(1, 3, 32, 32), alpha], 1) for c in (0.9, 0.3))
    first, second = (coarse_picture(x).view(5, 8, 8) for x in (bright, dark))
    torch.testing.assert_close(first[0], second[0], atol=1e-5, rtol=0)
    assert first[0, 0, 0] < -1
    assert first[0, 0, -1] > 0.5
    assert (first[1:4] - second[1:4]).abs().max() > 0.3
