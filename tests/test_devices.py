"""Tensors of two devices do not meet: the meta device refuses the processor's as a GPU does."""

import pytest
import torch
from tiny_world import small_car, tiny_model

from shapecycle.cycles.random_scenes import ShapePool
from shapecycle.cycles.shape_autoencoder import shape_terms
from shapecycle.networks import Translator

ELSEWHERE = torch.device("meta")


def test_another_device_refuses_tensors_of_the_processor() -> None:
    with pytest.raises(RuntimeError, match="device"):
        torch.ones(2, device=ELSEWHERE) * torch.ones(2)


def test_shapes_are_sampled_and_read_where_the_networks_are() -> None:
    generator = torch.Generator().manual_seed(0)
    pool = ShapePool([small_car(0)] * 2, generator=generator, device=ELSEWHERE)
    model = Translator(tiny_model()).to(ELSEWHERE)
    shapes = pool.sample(4, 64, 1.0)
    losses, vertices = shape_terms(model, shapes, generator)
    found = (shapes.points, shapes.normals, shapes.vertices, vertices, *losses.values())
    assert {value.device for value in found} == {ELSEWHERE}


def test_the_templates_faces_follow_the_networks() -> None:
    drawer = Translator(tiny_model()).drawer
    assert drawer.topology.device == torch.device("cpu")
    # Indexing with the processor's indices is one mixture that the meta device lets pass.
    assert drawer.to(ELSEWHERE).topology.device == ELSEWHERE
