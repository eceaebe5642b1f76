"""The shadow on the ground: where it lies, and where it is darkest."""

from math import radians

import pytest
import torch
import trimesh
from torch import Tensor

from shapecycle import rasterize as rz
from shapecycle.camera import Pose, View
from shapecycle.code_to_image.ground import DARK, ground_shadow, under

SIDE = 96
VIEW = View(torch.tensor([[0.0, 0.0, 1.0]]), (SIDE, SIDE), radians(50))


def _shadow(shape: trimesh.Trimesh, azimuth: float = 0.0, elevation: float = 90.0) -> Tensor:
    vertices = torch.from_numpy(shape.vertices).float()[None]
    topology = rz.Topology.from_faces(torch.from_numpy(shape.faces).long())
    pose = Pose(
        torch.tensor([[radians(azimuth), radians(elevation), 0.0]]),
        torch.tensor([[0.0, 0.0, -2.5]]),
    )
    return ground_shadow(vertices, topology, pose, VIEW)[0, 0]


BOX = trimesh.creation.box((0.5, 0.2, 0.3))


def test_from_above_it_lies_under_the_object_and_fades_around_it() -> None:
    shadow = _shadow(BOX)
    middle, corner = shadow[SIDE // 2, SIDE // 2], shadow[0, 0]
    assert middle == pytest.approx(DARK, abs=0.02)
    assert corner == 0
    row = shadow[SIDE // 2, SIDE // 2 :]
    assert (row.diff() <= 1e-6).all(), "darker nowhere farther out"
    assert row.argmin() > 10


def test_it_turns_with_the_object() -> None:
    shadow = _shadow(BOX)
    torch.testing.assert_close(_shadow(BOX, azimuth=180), shadow.flip(0).flip(1), atol=0.02, rtol=0)
    wide, deep = (shadow > 0.4).any(0).sum(), (shadow > 0.4).any(1).sum()
    assert wide > deep
    turned = _shadow(BOX, azimuth=90) > 0.4
    assert turned.any(1).sum() > turned.any(0).sum()


def test_what_is_higher_above_the_ground_is_less_dark_below() -> None:
    foot = trimesh.creation.box((0.05, 0.05, 0.05))
    table = trimesh.creation.box((0.6, 0.05, 0.6))
    foot.apply_translation((0.0, -0.3, 0.0))
    shadow = _shadow(trimesh.util.concatenate([foot, table]))
    under_foot, under_edge = shadow[SIDE // 2, SIDE // 2], shadow[SIDE // 2, SIDE // 2 + 8]
    assert under_foot > 2 * under_edge > 0


def test_seen_level_or_from_below_there_is_no_ground_above_the_horizon() -> None:
    shadow = _shadow(BOX, elevation=0.0)
    assert not shadow[: SIDE // 2].any()


def test_laid_under_a_picture_it_changes_nothing_that_is_opaque() -> None:
    picture = torch.rand(1, 4, 8, 8)
    picture[:, :3] *= picture[:, 3:]
    picture[:, :, :4] = torch.tensor([0.2, 0.3, 0.4, 1.0])[None, :, None, None]
    laid = under(picture, torch.full((1, 1, 8, 8), 0.5))
    assert torch.equal(laid[:, :, :4], picture[:, :, :4])
    assert torch.equal(laid[:, :3], picture[:, :3])
    assert (laid[:, 3] >= picture[:, 3]).all()
    assert laid[:, 3].max() <= 1
