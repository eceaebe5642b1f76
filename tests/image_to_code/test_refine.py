"""Refinement: silhouettes fit better, and the rest stays near where it was."""

import pytest
import torch
from tiny_world import lively_networks
from torch import Tensor

from shapecycle.camera import Pose, View, window_around
from shapecycle.image_to_code.refine import refine
from shapecycle.losses.image import silhouette_loss
from shapecycle.model_networks import Networks


@pytest.fixture(scope="module")
def model() -> Networks:
    return lively_networks()


def _scene(model: Networks) -> tuple[Tensor, Pose, Tensor, View]:
    """Two codes, their poses, their masks, and the window they are seen in."""
    generator = torch.Generator().manual_seed(3)
    shape = torch.randn(2, 8, generator=generator)
    pose = Pose(
        torch.tensor([[0.4, 0.2, 0.0], [-1.9, 0.5, 0.0]]),
        torch.tensor([[0.0, 0.0, -1.5], [0.1, 0.05, -1.8]]),
    )
    vertices = model.renderer.vertices(shape).detach()
    view = model.view(window_around(pose.place(vertices), fov_y=model.fov_y, margin=0.2))
    return shape, pose, model.renderer.silhouette(vertices, pose, view).detach(), view


def _loss(model: Networks, shape: Tensor, pose: Pose, mask: Tensor, view: View) -> Tensor:
    drawn = model.renderer.silhouette(model.renderer.vertices(shape), pose, view)
    return silhouette_loss(drawn, mask).detach()


def _away(shape: Tensor, pose: Pose) -> tuple[Tensor, Pose]:
    generator = torch.Generator().manual_seed(4)
    noise = torch.randn(shape.shape, generator=generator)
    shift = torch.tensor([[0.06, -0.05, 0.1]])
    return shape + 0.5 * noise, Pose(pose.angles, pose.translation + shift)


def test_refining_fits_the_silhouette_better_and_stays_close(model: Networks) -> None:
    shape, pose, mask, view = _scene(model)
    start, place = _away(shape, pose)
    code, moved = refine(model.renderer, start, place, mask, view, spread=torch.ones(8), steps=25)
    before, after = _loss(model, start, place, mask, view), _loss(model, code, moved, mask, view)
    assert (after < 0.8 * before).all()
    assert (code - start).abs().max() < 3, "within a few training deviations"
    assert torch.equal(moved.angles, place.angles)
    assert not code.requires_grad
    assert not moved.angles.requires_grad


def test_what_fits_already_stays(model: Networks) -> None:
    shape, pose, mask, view = _scene(model)
    code, moved = refine(model.renderer, shape, pose, mask, view, spread=torch.ones(8), steps=15)
    assert _loss(model, code, moved, mask, view).max() < 0.02
    assert (moved.translation - pose.translation).norm(dim=1).max() < 0.2


def test_no_steps_change_nothing(model: Networks) -> None:
    shape, pose, mask, view = _scene(model)
    code, moved = refine(model.renderer, shape, pose, mask, view, spread=torch.ones(8), steps=0)
    torch.testing.assert_close(code, shape)
    torch.testing.assert_close(moved.angles, pose.angles)
    torch.testing.assert_close(moved.translation, pose.translation)


def test_a_shape_that_never_varied_in_training_is_not_bent(model: Networks) -> None:
    shape, pose, mask, view = _scene(model)
    start, place = _away(shape, pose)
    code, _ = refine(model.renderer, start, place, mask, view, spread=torch.zeros(8), steps=5)
    torch.testing.assert_close(code, start)


def test_the_decoder_is_left_as_it_was(model: Networks) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    shape, pose, mask, view = _scene(model)
    refine(model.renderer, *_away(shape, pose), mask, view, spread=torch.ones(8), steps=2)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, before[name], atol=0, rtol=0)
    assert all(parameter.grad is None for parameter in model.parameters())
