"""Photographed shapes: several masks say more than one, and a stranger's mask has no say."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tiny_world import lively_networks
from torch import Tensor

from shapecycle.camera import Pose, placement_in_window, window_around
from shapecycle.cycles import photographed_shapes as module
from shapecycle.cycles.photographed_shapes import photographed_shapes
from shapecycle.data.photo_sampler import PhotoSampler
from shapecycle.data.photo_set import PhotoSet
from shapecycle.model_networks import Networks

VIEWS = 12


@pytest.fixture(scope="module")
def networks() -> Networks:
    return lively_networks()


@torch.no_grad()
def _photographed(networks: Networks, shape: Tensor) -> tuple[PhotoSampler, Any]:
    """Draw each shape's silhouette once, and return what would be seen but for the shapes."""
    count = len(shape)
    azimuth = torch.arange(count) * 2.4
    pose = Pose(
        torch.stack([azimuth, torch.full((count,), 0.4), torch.zeros(count)], 1),
        torch.tensor([[0.0, 0.0, -1.6]]).expand(count, 3),
    )
    vertices = networks.renderer.vertices(shape)
    window = window_around(pose.place(vertices), fov_y=networks.fov_y, margin=0.1)
    mask = networks.renderer.silhouette(vertices, pose, networks.view(window))
    rgba = (torch.cat([mask, mask, mask, mask], 1) * 255).byte()
    photos = PhotoSet(rgba=rgba, windows=window, paths=[], notes=[])
    generator = torch.Generator().manual_seed(0)
    sampler = PhotoSampler(photos, generator=generator, device=torch.device("cpu"))
    placement = placement_in_window(pose.translation, window, fov_y=networks.fov_y)
    return sampler, SimpleNamespace(angles=pose.angles, placement=placement)


def _fit(networks: Networks, drawn: Tensor, seen: Tensor) -> Tensor:
    photos, truth = _photographed(networks, drawn)
    estimate = module._Seen(seen, truth.angles, truth.placement, torch.zeros(len(seen), 1))
    which = torch.arange(VIEWS)
    return module._fitted(networks, photos, which, estimate, which[None], torch.ones(8))[0]


def _away(networks: Networks, code: Tensor, true: Tensor) -> float:
    with torch.no_grad():
        vertices = networks.renderer.vertices(torch.stack([code, true]))
    return float((vertices[0] - vertices[1]).norm(dim=1).mean())


def _true_and_seen() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    true = torch.randn(8, generator=generator)
    # All are wrong in the same way: no mean of them would be right.
    return true, (true + 0.6 * torch.randn(8, generator=generator)).expand(VIEWS, 8)


def test_a_shape_is_fitted_to_all_masks_together(networks: Networks) -> None:
    true, seen = _true_and_seen()
    code = _fit(networks, true.expand(VIEWS, 8), seen)
    assert _away(networks, code, true) < 0.5 * _away(networks, seen[0], true)


def test_masks_of_another_object_have_no_say(networks: Networks) -> None:
    true, seen = _true_and_seen()
    drawn = true.repeat(VIEWS, 1)
    drawn[::4] = -true
    code = _fit(networks, drawn, seen)
    assert _away(networks, code, true) < 0.6 * _away(networks, seen[0], true)


def test_every_shape_is_one_of_the_photographs_groups(networks: Networks) -> None:
    photos, _ = _photographed(networks, torch.randn(VIEWS, 8))
    codes = photographed_shapes(networks, photos, 100)
    assert codes.shape == (2, 8), "a quarter as many as photographs, and three quarters of them"
    assert codes.isfinite().all()
