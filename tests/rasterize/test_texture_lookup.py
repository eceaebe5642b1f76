"""Texture lookup: exact at texels, straight between them, and wrapped as asked."""

import pytest
import torch

from shapecycle.rasterize import texture


def picture(height: int, width: int, items: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(items, 3, height, width, generator=generator, dtype=torch.float64)


def texel_centres(height: int, width: int) -> torch.Tensor:
    v = 1 - (torch.arange(height, dtype=torch.float64) + 0.5) / height
    u = (torch.arange(width, dtype=torch.float64) + 0.5) / width
    return torch.stack([u.expand(height, -1), v[:, None].expand(-1, width)])[None]


@pytest.mark.parametrize("wrap", ["clamp", "repeat", "mirror"])
def test_looking_up_texel_centres_returns_the_image(wrap):
    image = picture(5, 7)
    assert torch.allclose(texture(image, texel_centres(5, 7), wrap=wrap), image, atol=1e-12)


def test_the_origin_is_the_bottom_left_corner():
    image = torch.zeros(1, 1, 4, 4)
    image[0, 0, 3, 0] = 1
    assert texture(image, torch.full((1, 2, 1, 1), 0.05)).item() == 1


def test_halfway_between_texels_is_their_mean():
    image = picture(4, 4)
    uv = torch.tensor([0.5, 1 - 0.5 / 4], dtype=torch.float64).reshape(1, 2, 1, 1)
    expected = (image[0, :, 0, 1] + image[0, :, 0, 2]) / 2
    assert torch.allclose(texture(image, uv)[0, :, 0, 0], expected)


def test_repeating_and_mirroring_continue_the_image():
    image = picture(6, 5)
    generator = torch.Generator().manual_seed(1)
    uv = torch.rand(1, 2, 8, 9, generator=generator, dtype=torch.float64)
    base = texture(image, uv, wrap="repeat")
    for shift in (-2.0, 1.0, 3.0):
        assert torch.allclose(texture(image, uv + shift, wrap="repeat"), base, atol=1e-9)
    base = texture(image, uv, wrap="mirror")
    assert torch.allclose(texture(image, -uv, wrap="mirror"), base, atol=1e-9)
    assert torch.allclose(texture(image, 2 - uv, wrap="mirror"), base, atol=1e-9)
    outside = texture(image, uv + 5, wrap="clamp")
    assert torch.allclose(outside, image[..., :1, -1:].expand_as(outside))


def test_repeating_blends_across_the_seam():
    image = torch.zeros(1, 1, 1, 4)
    image[..., 3] = 1
    border = torch.tensor([0.0, 0.5]).reshape(1, 2, 1, 1)
    assert texture(image, border, wrap="repeat").item() == pytest.approx(0.5, abs=1e-6)
    assert texture(image, border, wrap="clamp").item() == 0


def test_one_image_serves_a_batch_as_copies_would():
    image = picture(6, 5).requires_grad_()
    copies = image.detach().expand(3, -1, -1, -1).clone().requires_grad_()
    generator = torch.Generator().manual_seed(2)
    uv = torch.rand(3, 2, 4, 9, generator=generator, dtype=torch.float64)
    shared, own = texture(image, uv), texture(copies, uv)
    assert torch.allclose(shared, own)
    weights = torch.rand(shared.shape, generator=generator, dtype=torch.float64)
    (shared * weights).sum().backward()
    (own * weights).sum().backward()
    assert torch.allclose(image.grad, copies.grad.sum(0, keepdim=True))


@pytest.mark.usefixtures("unchecked")
def test_bad_arguments_are_refused():
    image, uv = picture(4, 4), texel_centres(3, 3)
    with pytest.raises(ValueError, match="wrap is 'border'"):
        texture(image, uv, wrap="border")
    with pytest.raises(ValueError, match=r"uv has shape \(1, 3, 4, 4\)"):
        texture(image, image)
    with pytest.raises(ValueError, match="image holds 2 textures, uv 1 items"):
        texture(picture(4, 4, 2), uv)
    with pytest.raises(ValueError, match=r"image is torch\.float32 on cpu, uv torch\.float64"):
        texture(image.float(), uv)
