"""Depth and normals of pictures, against what geometry says."""

from math import radians

import pytest
import torch
import trimesh

from shapecycle import rasterize as rz
from shapecycle.camera import Pose, View
from shapecycle.code_to_image.channels import channels

VIEW = View(torch.tensor([[0.0, 0.0, 1.0]]), (65, 65), radians(40))


def _ball() -> tuple[torch.Tensor, rz.Topology]:
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.3)
    return torch.from_numpy(ball.vertices).float()[None], rz.Topology.from_faces(
        torch.from_numpy(ball.faces).long()
    )


@pytest.mark.parametrize("azimuth", [0.0, 1.3])
def test_the_middle_of_a_ball_is_a_radius_nearer_than_its_centre_and_faces_the_camera(
    azimuth: float,
) -> None:
    vertices, topology = _ball()
    pose = Pose(torch.tensor([[azimuth, 0.2, 0.1]]), torch.tensor([[0.0, 0.0, -2.0]]))
    drawn = channels(vertices, topology, pose, VIEW)
    assert float(drawn.depth[0, 0, 32, 32]) == pytest.approx(1.7, abs=0.005)
    torch.testing.assert_close(
        drawn.normals[0, :, 32, 32], torch.tensor([0.0, 0.0, 1.0]), atol=0.03, rtol=0
    )


def test_nothing_has_no_depth_and_normals_have_length_one() -> None:
    vertices, topology = _ball()
    pose = Pose(torch.zeros(1, 3), torch.tensor([[0.0, 0.0, -2.0]]))
    drawn = channels(vertices, topology, pose, VIEW)
    is_there = drawn.depth[0, 0] > 0
    assert not drawn.depth[0, 0, 0, 0]
    assert not drawn.normals[0, :, 0, 0].any()
    lengths = drawn.normals[0].norm(dim=0)[is_there]
    torch.testing.assert_close(lengths, torch.ones_like(lengths))


def test_normals_lean_the_way_the_surface_does() -> None:
    vertices, topology = _ball()
    pose = Pose(torch.zeros(1, 3), torch.tensor([[0.0, 0.0, -2.0]]))
    normals = channels(vertices, topology, pose, VIEW).normals[0]
    assert normals[0, 32, 40] > 0.2 > -0.2 > normals[0, 32, 24], "x is to the right"
    assert normals[1, 24, 32] > 0.2 > -0.2 > normals[1, 40, 32], "y is up, row 0 on top"
