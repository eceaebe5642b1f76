"""Carried shapes: what stays where it is, what is symmetric, and what they are drawn from."""

from pathlib import Path

import torch
from tiny_world import few_samples, tiny_trainer

from shapecycle.code_to_image.template import octasphere
from shapecycle.cycles.carried_shapes import CarriedShapes, controls_of
from shapecycle.geometry.thin_plate import ThinPlateSpline


def test_controls_are_spread_evenly_and_alike_on_both_sides() -> None:
    template = octasphere(8)
    controls = controls_of(template, 60)
    assert 60 <= len(controls) <= 61
    assert len(set(controls.tolist())) == len(controls)
    assert set(template.mirror[controls].tolist()) == set(controls.tolist())
    away = torch.cdist(template.vertices, template.vertices[controls]).amin(1)
    assert away.max() < 0.45, "a sixtieth of the sphere is a disc of radius .26"


def test_a_field_from_a_template_to_itself_leaves_a_shape_as_it_is(world: Path) -> None:
    with few_samples():
        trainer = tiny_trainer(world, "cpu")
    shapes, template = trainer.scenes.shapes, octasphere(8)
    place = 0.4 * template.vertices[controls_of(template)][None]
    carried = CarriedShapes(torch.tensor([1]), ThinPlateSpline.fit(place, place))
    before = shapes.vertices.clone()
    carried.add_to(shapes)
    torch.testing.assert_close(shapes.vertices[:-1], before)
    torch.testing.assert_close(shapes.vertices[-1], before[1], atol=1e-4, rtol=0)
    torch.testing.assert_close(shapes.normals[-1], shapes.normals[1], atol=1e-2, rtol=0)
    assert len(shapes) == len(before), "it is no training shape"


def test_half_of_what_is_drawn_is_carried_and_has_its_source_faces(world: Path) -> None:
    with few_samples():
        trainer = tiny_trainer(world, "cpu")
    shapes = trainer.scenes.shapes
    trainer.begin("shapes")
    assert len(shapes.points) == len(shapes), "nothing can be read yet"
    trainer.begin("random cycle")
    assert trainer.carried is not None
    assert torch.equal(shapes.mesh[len(shapes) :], trainer.carried.source)
    known = {tuple(faces.flatten().tolist()) for faces in shapes.topology.faces}
    drawn = shapes.sample(64, 16, 0.0)
    assert {tuple(faces.flatten().tolist()) for faces in drawn.topology.faces} <= known
    extent = torch.cat([drawn.points, drawn.vertices], 1).abs().amax()
    assert extent < 1
    carried = trainer.carried
    trainer.begin("all cycles")
    assert trainer.carried is carried
