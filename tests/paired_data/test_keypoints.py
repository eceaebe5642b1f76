"""Keypoints: the same places on all surfaces, and seen only from where they can be."""

from math import radians

import pytest
import torch
import trimesh
from remembering import carried_surface, plain_code, remembering_model, shape_codes

from shapecycle import rasterize as rz
from shapecycle.camera import Pose, View
from shapecycle.code_to_image.channels import channels
from shapecycle.model import Model
from shapecycle.paired_data.keypoints import Keypoints, seen_keypoints


@pytest.fixture(scope="module")
def model() -> Model:
    return remembering_model(2)


def test_on_the_template_they_are_its_vertices(model: Model) -> None:
    keypoints = Keypoints(model.surfaces, 6)
    surfaces = next(iter(model.surfaces(plain_code(shape_codes(3)))))
    assert torch.equal(keypoints.places(surfaces), surfaces.vertices[:, keypoints.rows])


def test_on_a_carried_surface_they_are_near_those_of_its_template(model: Model) -> None:
    keypoints = Keypoints(model.surfaces, 6)
    source = model.memory.sources[0]
    code = plain_code(source.code[None])
    bare = next(iter(model.surfaces(code)))
    code.__dict__["surface"] = carried_surface(model, [0])
    carried = next(iter(model.surfaces(code)))
    on_template, on_source = keypoints.places(bare), keypoints.places(carried)
    assert on_source.shape == on_template.shape
    nearest = torch.cdist(on_template, carried.vertices).amin(2)
    assert ((on_source - on_template).norm(dim=2) < nearest + 0.15).all()


def test_a_point_is_seen_from_its_side_alone_and_where_it_is_drawn() -> None:
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.3)
    vertices = torch.from_numpy(ball.vertices).float()[None]
    topology = rz.Topology.from_faces(torch.from_numpy(ball.faces).long())
    view = View(torch.tensor([[0.0, 0.0, 1.0]]), (64, 64), radians(40))
    pose = Pose(torch.zeros(1, 3), torch.tensor([[0.0, 0.0, -2.0]]))
    depth = channels(vertices, topology, pose, view).depth
    places = torch.tensor([[[0.0, 0.0, 0.3], [0.0, 0.0, -0.3], [0.1, 0.0, 0.28], [9.0, 0.0, 0.0]]])
    (front, back, right, outside) = seen_keypoints(places, pose, depth, view)[0]
    torch.testing.assert_close(front, torch.tensor([32.0, 32.0, 1.0]))
    assert not back[2]
    assert right[2]
    assert right[0] > 36
    assert not outside[2]
