"""Textures seen from afar are averaged as their pixels' footprints demand."""

import math

import pytest
import torch
import torch.nn.functional as F
from rasterize_scenes import perspective
from torch import Tensor

from shapecycle.rasterize import Topology, interpolate, rasterize, texture, uv_slopes

BACKENDS = ("torch", "auto")


def floor(size: tuple[int, int], distance: float, tilt: float, backend: str = "auto"):
    """A tilted square with uv over all of it: its uv image, slopes and mask."""
    corners = torch.tensor([[[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]])
    y, z = corners[..., 1] * math.cos(tilt), -corners[..., 1] * math.sin(tilt)
    clip = perspective(torch.stack([corners[..., 0], y, -z], -1), distance=distance)
    topology = Topology.from_faces(torch.tensor([[0, 1, 2], [0, 2, 3]]))
    seen = rasterize(clip, topology, size, backend=backend)
    uv = corners[..., :2] * 0.5 + 0.5
    at = interpolate(uv, clip, topology, seen, backend=backend)
    return at, uv_slopes(uv, clip, topology, seen, backend=backend), seen.mask


@pytest.mark.parametrize("backend", BACKENDS)
def test_slopes_are_differences_between_neighbouring_pixels(backend):
    at, slopes, mask = floor((24, 30), 4.0, 0.9, backend)
    right = mask[:, :, 1:] & mask[:, :, :-1]
    down = mask[:, 1:] & mask[:, :-1]
    assert right.sum() > 100
    across = (at[..., 1:] - at[..., :-1]).permute(0, 2, 3, 1)[right]
    along = (at[..., 1:, :] - at[..., :-1, :]).permute(0, 2, 3, 1)[down]
    assert torch.allclose(slopes[:, :2, :, :-1].permute(0, 2, 3, 1)[right], across, atol=1e-5)
    assert torch.allclose(slopes[:, 2:, :-1].permute(0, 2, 3, 1)[down], along, atol=1e-5)
    assert (slopes.permute(0, 2, 3, 1)[~mask] == 0).all()


def constant_slopes(uv: Tensor, texels: float, size: int) -> Tensor:
    step = texels / size
    slopes = torch.zeros(len(uv), 4, *uv.shape[2:], dtype=uv.dtype)
    slopes[:, 0] = slopes[:, 3] = step
    return slopes


def test_a_pixel_of_one_texel_reads_the_finest_level():
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(2, 3, 16, 16, generator=generator)
    uv = torch.rand(2, 2, 5, 6, generator=generator)
    for texels in (0.2, 1.0):
        found = texture(image, uv, slopes=constant_slopes(uv, texels, 16))
        assert torch.allclose(found, texture(image, uv), atol=1e-6)


def test_a_pixel_of_four_texels_reads_the_second_level_and_of_three_in_between():
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, 16, 16, generator=generator)
    uv = torch.rand(1, 2, 5, 6, generator=generator)
    halves = [F.avg_pool2d(image, 2), F.avg_pool2d(image, 4)]
    found = texture(image, uv, slopes=constant_slopes(uv, 4.0, 16))
    assert torch.allclose(found, texture(halves[1], uv), atol=1e-5)
    found = texture(image, uv, slopes=constant_slopes(uv, 3.0, 16))
    share = math.log2(3) - 1
    expected = (1 - share) * texture(halves[0], uv) + share * texture(halves[1], uv)
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("size", [(16, 16), (12, 5), (1, 7)])
@pytest.mark.parametrize("wrap", ["clamp", "repeat", "mirror"])
def test_from_very_far_a_texture_is_its_mean_and_a_plain_one_never_changes(size, wrap):
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 2, *size, generator=generator)
    uv = torch.rand(1, 2, 3, 3, generator=generator)
    far = texture(image, uv, wrap=wrap, slopes=torch.full((1, 4, 3, 3), 50.0))
    mean = image.mean((2, 3), keepdim=True)
    assert torch.allclose(far, mean.expand_as(far), atol=0.06)
    plain = torch.full((1, 1, *size), 0.3)
    for slope in (0.0, 0.1, 0.4, 1e6):
        found = texture(plain, uv, wrap=wrap, slopes=torch.full((1, 4, 3, 3), slope))
        assert torch.allclose(found, torch.tensor(0.3))


def test_mipmaps_come_closer_to_a_supersampled_picture():
    rows = torch.arange(256)
    board = ((rows[:, None] // 8 + rows // 8) % 2).float()[None, None]
    at, slopes, mask = floor((40, 40), 5.0, 1.1)
    fine_at, _, _ = floor((640, 640), 5.0, 1.1)
    truth = F.avg_pool2d(texture(board, fine_at), 16)
    inner = -F.max_pool2d(-mask[:, None].float(), 3, 1, 1) > 0
    sharp = (texture(board, at) - truth)[inner].square().mean()
    smooth = (texture(board, at, slopes=slopes) - truth)[inner].square().mean()
    assert smooth < 0.35 * sharp


def test_the_lookup_between_levels_has_the_gradient_of_its_value():
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 2, 8, 6, generator=generator, dtype=torch.float64)
    uv = torch.rand(2, 2, 3, 3, generator=generator, dtype=torch.float64)
    slopes = 0.5 * torch.rand(2, 4, 3, 3, generator=generator, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda image, uv: texture(image, uv, slopes=slopes),
        (image.requires_grad_(), uv.requires_grad_()),
        atol=1e-6,
        rtol=1e-5,
    )


@pytest.mark.usefixtures("unchecked")
def test_slopes_of_another_shape_are_refused():
    with pytest.raises(
        ValueError, match=r"slopes has shape \(1, 2, 3, 3\); expected \(1, 4, 3, 3\)"
    ):
        texture(torch.zeros(1, 1, 4, 4), torch.zeros(1, 2, 3, 3), slopes=torch.zeros(1, 2, 3, 3))
