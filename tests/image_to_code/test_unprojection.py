"""Unprojection: what a picture shows of a known surface is found again, and no more."""

from math import radians

import pytest
import torch
from tiny_world import tiny_model

from shapecycle.camera import Pose, View, window_around
from shapecycle.code_to_image.compositing import unpremultiplied
from shapecycle.code_to_image.renderer import Renderer
from shapecycle.geometry.vectors import unit
from shapecycle.image_to_code.unprojection import unproject
from shapecycle.model_networks import Networks

FOV_Y = radians(50)
SIDE = 32


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    torch.manual_seed(0)
    return Networks(tiny_model()).renderer


@pytest.fixture(scope="module")
def scene(renderer: Renderer) -> dict[str, torch.Tensor]:
    """A smoothly coloured ball, drawn from a slant, and where its texels are."""
    vertices = renderer.deformation.template.vertices[None] * 0.3
    at, _ = renderer.surface(vertices, SIDE)
    albedo = (at + 0.5).clamp(0.1, 0.9).mT.reshape(1, 3, SIDE, SIDE)
    pose = Pose(torch.tensor([[0.6, 0.3, 0.05]]), torch.tensor([[0.1, -0.05, -1.6]]))
    light = torch.zeros(1, 9, 3)
    light[:, 0], light[:, 1:4] = 2.5, 0.3
    placed = pose.place(vertices)
    window = window_around(placed, fov_y=FOV_Y, margin=0.1)
    view = View(window, (96, 96), FOV_Y)
    points, normals = renderer.surface(placed, SIDE)
    return {
        "rgba": unpremultiplied(renderer.draw_surface(vertices, albedo, pose, light, view)),
        "depth": renderer.depth(vertices, pose, view),
        "points": points,
        "normals": normals,
        "light": light,
        "albedo": albedo,
        "window": window,
    }


def _unprojected(scene: dict[str, torch.Tensor], **changes: torch.Tensor) -> torch.Tensor:
    parts = scene | changes
    return unproject(
        parts["rgba"],
        parts["points"],
        parts["normals"],
        parts["depth"],
        parts["light"],
        View(parts["window"], (SIDE, SIDE), FOV_Y),
    )


def _facing(scene: dict[str, torch.Tensor]) -> torch.Tensor:
    towards = -(scene["normals"] * unit(scene["points"], dim=2)).sum(2)
    return towards.view(1, SIDE, SIDE)


def test_what_faces_the_camera_is_seen_in_its_own_colour(scene: dict[str, torch.Tensor]) -> None:
    texels = _unprojected(scene)
    weight = texels[:, 3]
    assert weight.min() >= 0
    assert weight.max() <= 1
    faces_us = _facing(scene) > 0.7
    assert weight[faces_us].mean() > 0.9
    error = (texels[:, :3] - scene["albedo"]).abs().amax(1)
    assert error[weight > 0.9].max() < 0.04
    assert error[weight > 0.9].mean() < 0.01


def test_what_is_turned_away_is_not_seen(scene: dict[str, torch.Tensor]) -> None:
    weight = _unprojected(scene)[:, 3]
    assert weight[_facing(scene) < 0.1].max() == 0


def test_what_is_behind_something_is_not_seen(scene: dict[str, torch.Tensor]) -> None:
    depth = scene["depth"].clone()
    depth[..., :48] = depth[..., :48] - 0.2  # a screen before the left half
    before, after = _unprojected(scene)[:, 3], _unprojected(scene, depth=depth)[:, 3]
    assert after.sum() < 0.65 * before.sum()
    on_the_right = scene["points"][..., 0].view(1, SIDE, SIDE) > 0.15
    torch.testing.assert_close(after[on_the_right], before[on_the_right])


def test_what_the_mask_leaves_out_is_not_seen(scene: dict[str, torch.Tensor]) -> None:
    rgba = scene["rgba"].clone()
    rgba[:, 3] = 0
    assert _unprojected(scene, rgba=rgba)[:, 3].max() == 0


def test_what_lies_outside_the_window_is_not_seen(scene: dict[str, torch.Tensor]) -> None:
    aside = scene["window"] + torch.tensor([[2.0, 0.0, 0.0]])
    assert _unprojected(scene, window=aside)[:, 3].max() == 0


def test_light_is_divided_out(scene: dict[str, torch.Tensor]) -> None:
    brighter = _unprojected(scene, light=scene["light"] * 0.5)
    seen = brighter[:, 3] > 0.9
    assert (brighter[:, :3] - scene["albedo"]).mean(1)[seen].min() > 0.05
