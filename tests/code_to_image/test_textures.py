"""Textures: decoded, seen in photographs, and solid ones."""

import pytest
import torch

from shapecycle.code_to_image.texture import TextureDecoder, albedo, pull_push
from shapecycle.graphics_code import Texture
from shapecycle.priors.solid_texture import SolidTexture


def _random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("resolution", [32, 64, 128])
def test_decoded_textures_are_colours_of_the_asked_size(resolution: int) -> None:
    torch.manual_seed(0)
    decoder = TextureDecoder(texture_size=6, resolution=resolution, width=8)
    image = decoder(torch.randn(2, 6))
    assert image.shape == (2, 3, resolution, resolution)
    assert image.dtype == torch.float32
    assert image.min() >= 0
    assert image.max() <= 1
    assert (image[0] - image[1]).abs().max() > 1e-3


def test_without_a_photograph_the_decoded_texture_is_all_there_is() -> None:
    decoded = _random(2, 3, 8, 8)
    assert albedo(Texture(torch.zeros(2, 4)), decoded) is decoded


def test_what_was_seen_wins_and_its_mirror_image_comes_second() -> None:
    decoded, seen = _random(1, 3, 8, 8, seed=1), _random(1, 4, 8, 8, seed=2)
    seen[:, 3] = 0
    seen[0, 3, 2, 1] = 1  # seen here, and not on the other side, which is column 6
    seen[0, 3, 5, 0] = seen[0, 3, 5, 7] = 1  # seen on both sides
    filled = albedo(Texture(torch.zeros(1, 4), seen), decoded)
    torch.testing.assert_close(filled[0, :, 2, 1], seen[0, :3, 2, 1])
    torch.testing.assert_close(filled[0, :, 2, 6], seen[0, :3, 2, 1])
    torch.testing.assert_close(filled[0, :, 5, 0], seen[0, :3, 5, 0])
    torch.testing.assert_close(filled[0, :, 5, 7], seen[0, :3, 5, 7])


def test_what_was_never_seen_is_decoded_and_as_far_off_as_what_was_seen() -> None:
    decoded = 0.3 + 0.4 * _random(1, 3, 8, 8, seed=1)
    shift = torch.tensor([0.2, -0.1, 0.0])[None, :, None, None]
    seen = torch.cat([decoded + shift, torch.zeros(1, 1, 8, 8)], 1)
    torch.testing.assert_close(albedo(Texture(torch.zeros(1, 4), seen), decoded), decoded)
    seen[0, 3, 2, 1], seen[0, 3, 5, 3] = 1, 0.5
    # The mirror image of a seen texel is off by what its own decoded colour says.
    seen[:, :3] = (seen[:, :3] + seen[:, :3].flip(-1)) / 2
    decoded = (decoded + decoded.flip(-1)) / 2
    filled = albedo(Texture(torch.zeros(1, 4), seen), decoded)
    torch.testing.assert_close(filled, decoded + shift)


def test_holes_are_filled_smoothly_from_what_is_around_them() -> None:
    value, weight = torch.zeros(1, 1, 9, 9), torch.zeros(1, 1, 9, 9)
    value[..., 0], value[..., 8] = 0.2, 0.8
    weight[..., 0] = weight[..., 8] = 1
    filled = pull_push(value * weight, weight)[0, 0]
    assert ((filled >= 0.2 - 1e-6) & (filled <= 0.8 + 1e-6)).all()
    torch.testing.assert_close(filled[:, [0, 8]], value[0, 0][:, [0, 8]])
    row = filled[4]
    assert (row[1:] >= row[:-1] - 1e-6).all()
    assert (row[1:] - row[:-1]).max() < 0.3


def test_a_coarser_decoded_texture_is_enlarged_to_what_was_seen() -> None:
    seen = torch.zeros(1, 4, 16, 16)
    filled = albedo(Texture(torch.zeros(1, 4), seen), torch.full((1, 3, 4, 4), 0.25))
    torch.testing.assert_close(filled, torch.full((1, 3, 16, 16), 0.25))


def test_solid_textures_are_symmetric_where_they_say_so() -> None:
    generator = torch.Generator().manual_seed(0)
    solid = SolidTexture.sample(64, generator)
    points = torch.rand(64, 200, 3, generator=generator) - 0.5
    here, there = solid.at(points), solid.at(points * torch.tensor([-1.0, 1.0, 1.0]))
    mirrored = solid.mirrored.flatten() == 1
    assert 30 < mirrored.sum() < 64
    torch.testing.assert_close(here[mirrored], there[mirrored])
    assert (here - there)[~mirrored].abs().amax((1, 2)).max() > 0.1


def test_solid_textures_are_colours_and_vary() -> None:
    generator = torch.Generator().manual_seed(1)
    colours = SolidTexture.sample(32, generator).at(
        torch.rand(32, 300, 3, generator=generator) - 0.5
    )
    assert colours.min() >= 0.02 - 1e-6
    assert colours.max() <= 0.98 + 1e-6
    assert colours.mean(1).std(0).min() > 0.1, "between textures"
    assert (colours.std(1).amax(1) > 0.05).float().mean() > 0.15, "within a texture"


def test_most_colours_of_solid_textures_come_from_the_palette() -> None:
    generator = torch.Generator().manual_seed(2)
    palette = torch.tensor([[0.9, 0.1, 0.1]])
    colours = SolidTexture.sample(200, generator, palette).colours.flatten(0, 1)
    near = ((colours - palette).abs() < 0.15).all(1).float().mean()
    assert 0.6 < near < 0.85


def test_solid_textures_repeat_with_their_seed() -> None:
    first, second = (
        SolidTexture.sample(4, torch.Generator().manual_seed(5)).colours for _ in range(2)
    )
    torch.testing.assert_close(first, second, atol=0, rtol=0)
