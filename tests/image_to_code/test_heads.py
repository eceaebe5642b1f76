"""The image encoder's heads: where they start, and what they may depend on."""

from math import radians

import torch
from tiny_world import tiny_model

from shapecycle.image_to_code.heads import Heads
from shapecycle.model_networks import Networks


def test_heads_start_with_a_light_to_see_by_and_a_pose_in_front_of_the_camera() -> None:
    torch.manual_seed(0)
    heads = Heads(features=16, shape_size=8)
    window = torch.tensor([[0.1, 0.0, 0.6]] * 5)
    shape, light, distribution = heads(torch.randn(5, 16), window)
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
