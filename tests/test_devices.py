"""Tensors of two devices do not meet: the meta device refuses the processor's as a GPU does."""

import pytest
import torch
from tiny_world import small_car, tiny_model

from shapecycle.data.shape_sampler import ShapeSampler
from shapecycle.geometry.sampling import sample_surface
from shapecycle.losses.geometry import chamfer_loss, dihedral_penalty
from shapecycle.model_networks import Networks

ELSEWHERE = torch.device("meta")


def test_another_device_refuses_tensors_of_the_processor() -> None:
    with pytest.raises(RuntimeError, match="device"):
        torch.ones(2, device=ELSEWHERE) * torch.ones(2)


def test_shapes_are_sampled_and_read_where_the_networks_are() -> None:
    generator = torch.Generator().manual_seed(0)
    sampler = ShapeSampler.of([small_car(0)] * 2, generator=generator, device=ELSEWHERE)
    networks = Networks(tiny_model()).to(ELSEWHERE)
    shapes = sampler.sample(4, 64, 1.0)
    vertices = networks.renderer.vertices(networks.read(shapes.points))
    topology = networks.renderer.topology
    points, normals = sample_surface(vertices, topology.faces, 64, generator)
    losses = chamfer_loss(points, normals, shapes.points, shapes.normals)
    penalty = dihedral_penalty(vertices, topology.edges)
    found = (shapes.points, shapes.normals, shapes.vertices, vertices, *losses, penalty)
    assert {value.device for value in found} == {ELSEWHERE}


def test_the_templates_faces_follow_the_networks() -> None:
    renderer = Networks(tiny_model()).renderer
    assert renderer.topology.device == torch.device("cpu")
    # Indexing with the processor's indices is one mixture that the meta device lets pass.
    assert renderer.to(ELSEWHERE).topology.device == ELSEWHERE
