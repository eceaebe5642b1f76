"""Carried shapes: what stays where it is, what is symmetric, and what they are drawn from."""

from pathlib import Path

import torch
from tiny_world import few_samples, tiny_trainer

from shapecycle.code_to_image.template import octasphere, spread_out
from shapecycle.cycles.carried_shapes import CarriedShapes
from shapecycle.data.shape_sampler import ShapeSampler
from shapecycle.geometry.boxes import to_unit_box


def _sampler(world: Path) -> ShapeSampler:
    """Return training shapes with a template of 8 segments laid roughly on each."""
    with few_samples():
        shapes = tiny_trainer(world, "cpu").scenes.shapes
    template = octasphere(8)
    extent = shapes.vertices.amax(1, keepdim=True)
    shapes.lay(to_unit_box(template.vertices * extent)[0], template.mirror)
    return shapes


def test_controls_are_spread_evenly_and_alike_on_both_sides() -> None:
    template = octasphere(8)
    controls = spread_out(template, 60)
    assert 60 <= len(controls) <= 61
    assert len(set(controls.tolist())) == len(controls)
    assert set(template.mirror[controls].tolist()) == set(controls.tolist())
    away = torch.cdist(template.vertices, template.vertices[controls]).amin(1)
    assert away.max() < 0.45, "a sixtieth of the sphere is a disc of radius .26"


def test_a_shape_carried_to_itself_stays_as_it_is(world: Path) -> None:
    shapes = _sampler(world)
    before, laid = shapes.vertices.clone(), shapes.templates
    assert laid is not None
    carried = CarriedShapes.towards(shapes, octasphere(8), laid[1:2])
    assert carried.source[0] == 1, "the most alike is itself"
    carried.add_to(shapes)
    own = len(before)
    torch.testing.assert_close(shapes.vertices[:own], before)
    torch.testing.assert_close(shapes.vertices[own], before[1], atol=1e-4, rtol=0)
    torch.testing.assert_close(shapes.normals[own], shapes.normals[1], atol=1e-2, rtol=0)
    assert shapes.templates is not None
    torch.testing.assert_close(shapes.templates[own], laid[1], atol=1e-4, rtol=0)
    assert len(shapes) == own, "it is no training shape"


def test_what_is_carried_has_its_template_where_it_was_carried_to(world: Path) -> None:
    shapes = _sampler(world)
    assert shapes.templates is not None
    target = shapes.templates[:1] * torch.tensor([0.8, 1.3, 1.0])
    CarriedShapes.towards(shapes, octasphere(8), target).add_to(shapes)
    away = (shapes.templates[len(shapes) :] - target).norm(dim=2)
    assert away.mean() < 0.03


def test_half_of_what_is_drawn_is_carried_and_has_its_source_faces(world: Path) -> None:
    shapes = _sampler(world)
    assert shapes.templates is not None
    carried = CarriedShapes.towards(shapes, octasphere(8), shapes.templates[:2])
    carried.add_to(shapes)
    assert torch.equal(shapes.mesh[len(shapes) :], carried.source)
    known = {tuple(faces.flatten().tolist()) for faces in shapes.topology.faces}
    drawn = shapes.sample(64, 16, 0.0)
    assert {tuple(faces.flatten().tolist()) for faces in drawn.topology.faces} <= known
    assert torch.cat([drawn.points, drawn.vertices], 1).abs().amax() < 1


def test_a_template_is_warped_and_mirrored_with_its_shape(world: Path) -> None:
    shapes = _sampler(world)
    # Vertices of the raw mesh as a template: afterwards they must still be where the mesh is.
    shapes.lay(shapes.vertices.clone(), torch.arange(shapes.vertices.shape[1]))
    drawn = shapes.sample(8, 16, 1.0)
    assert drawn.templates is not None
    torch.testing.assert_close(drawn.templates, drawn.vertices, atol=1e-5, rtol=0)
