"""Training photographs as they are drawn: mirrored with their windows, and their colours."""

from pathlib import Path

import torch

from shapecycle.data.photo_sampler import PhotoSampler
from shapecycle.data.photo_set import PhotoSet


def _photos() -> PhotoSet:
    """Two photographs, red on the left and green on the right half, to the right of the middle."""
    rgba = torch.zeros(2, 4, 16, 16, dtype=torch.uint8)
    rgba[:, 3, 4:12] = 255
    rgba[:, 0, :, :8], rgba[:, 1, :, 8:] = 200, 200
    windows = torch.tensor([[0.3, 0.1, 0.5], [0.6, 0.1, 0.5]])
    return PhotoSet(rgba, windows, [Path("a.png"), Path("b.png")], [])


def _sampler(seed: int = 0) -> PhotoSampler:
    generator = torch.Generator().manual_seed(seed)
    return PhotoSampler(_photos(), generator=generator, device=torch.device("cpu"))


def test_half_the_photographs_are_mirrored_and_their_windows_with_them() -> None:
    rgba, window = _sampler().sample(200)
    assert rgba.shape == (200, 4, 16, 16)
    assert rgba.min() >= 0
    assert rgba.max() == 1
    mirrored = rgba[:, 1, 8, 0] > 0  # green on the left
    assert 60 < mirrored.sum() < 140
    assert torch.equal(window[:, 0] < 0, mirrored)
    assert set(window[:, 0].abs().tolist()) == set(_photos().windows[:, 0].tolist())
    assert torch.equal(window[:, 1:], torch.tensor([[0.1, 0.5]]).expand(200, 2))


def test_photographs_repeat_with_the_seed() -> None:
    for first, second in zip(_sampler().sample(20), _sampler().sample(20), strict=True):
        assert torch.equal(first, second)
    assert not torch.equal(_sampler(0).sample(20)[1], _sampler(1).sample(20)[1])


def test_the_palette_holds_the_objects_colours_a_little_brighter() -> None:
    palette = _sampler().palette
    bright = 200 / 255 * 1.15
    expected = torch.tensor([[bright, 0.0, 0.0], [0.0, bright, 0.0]])
    near = torch.cdist(palette, expected).amin(1)
    assert len(palette) == 4096
    assert near.max() < 1e-5
    assert 0.3 < (palette[:, 0] > 0).float().mean() < 0.7
