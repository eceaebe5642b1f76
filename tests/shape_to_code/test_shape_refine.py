"""Refinement of what was read: surfaces fit better, each on its own."""

import pytest
import torch
from tiny_world import lively_networks
from torch import Tensor

from shapecycle.geometry.sampling import sample_surface
from shapecycle.losses.geometry import chamfer_loss
from shapecycle.model_networks import Networks
from shapecycle.shape_to_code.refine import refine

SPREAD = torch.ones(8)


@pytest.fixture(scope="module")
def model() -> Networks:
    return lively_networks()


def _surfaces(model: Networks, code: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        vertices = model.renderer.vertices(code)
    faces = model.renderer.topology.faces
    return sample_surface(vertices, faces, 2000, torch.Generator().manual_seed(seed))


def _codes(seed: int = 3) -> tuple[Tensor, Tensor]:
    """Return true codes and codes some way off."""
    generator = torch.Generator().manual_seed(seed)
    true = torch.randn(2, 8, generator=generator)
    return true, true + 0.7 * torch.randn(2, 8, generator=generator)


def _distance(model: Networks, code: Tensor, points: Tensor, normals: Tensor) -> float:
    return float(chamfer_loss(*_surfaces(model, code, 9), points, normals)[0])


def test_refining_brings_the_surface_nearer(model: Networks) -> None:
    true, start = _codes()
    surface = _surfaces(model, true, 1)
    code = refine(model.renderer, start, *surface, spread=SPREAD)
    least = _distance(model, true, *surface)
    before, after = (_distance(model, x, *surface) - least for x in (start, code))
    assert after < 0.5 * before
    assert not code.requires_grad


def test_each_surface_is_refined_on_its_own(model: Networks) -> None:
    true, start = _codes()
    points, normals = _surfaces(model, true, 1)
    both = refine(model.renderer, start, points, normals, spread=SPREAD, steps=3)
    # Others are fitted beside it now; the points compared are drawn for each in turn.
    other = refine(
        model.renderer,
        torch.stack([start[0], start[0]]),
        torch.stack([points[0], points[0]]),
        torch.stack([normals[0], normals[0]]),
        spread=SPREAD,
        steps=3,
    )
    torch.testing.assert_close(other[0], both[0], atol=1e-4, rtol=1e-3)


def test_no_steps_change_nothing(model: Networks) -> None:
    true, start = _codes()
    code = refine(model.renderer, start, *_surfaces(model, true, 1), spread=SPREAD, steps=0)
    torch.testing.assert_close(code, start)


def test_the_decoder_is_left_as_it_was(model: Networks) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    true, start = _codes()
    refine(model.renderer, start, *_surfaces(model, true, 1), spread=SPREAD, steps=2)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, before[name], atol=0, rtol=0)
    assert all(parameter.grad is None for parameter in model.parameters())
