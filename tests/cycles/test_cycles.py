"""The cycles: what must come back, who learns from it, and who does not."""

from collections.abc import Iterator

import pytest
import torch
from tiny_world import FOV_Y, few_samples, small_car, tiny_model
from torch import nn

from shapecycle.camera import window_around
from shapecycle.config import SceneSettings
from shapecycle.cycles.image_cycle import image_terms
from shapecycle.cycles.random_scenes import ShapePool, WarpedShapes
from shapecycle.cycles.shape_autoencoder import shape_terms, silhouette_terms
from shapecycle.cycles.shape_cycle import draw_dressed
from shapecycle.graphics_code import GraphicsCode, Texture
from shapecycle.networks import Translator
from shapecycle.priors.light import sample_light
from shapecycle.priors.pose import sample_pose


@pytest.fixture
def model() -> Translator:
    torch.manual_seed(0)
    return Translator(tiny_model())


@pytest.fixture(scope="module")
def shapes() -> WarpedShapes:
    with few_samples():
        generator = torch.Generator().manual_seed(0)
        pool = ShapePool([small_car(0), small_car(1)], generator=generator, device="cpu")
        return pool.sample(4, 256, 1.0)


def _learnt(parts: dict[str, nn.Module]) -> Iterator[str]:
    """Name the parts that got a gradient."""
    for name, part in parts.items():
        if any(p.grad is not None and p.grad.abs().sum() > 0 for p in part.parameters()):
            yield name


def _parts(model: Translator) -> dict[str, nn.Module]:
    return {
        "reader": model.reader,
        "seer": model.seer,
        "texture_head": model.seer.texture_head,
        "deformation": model.drawer.deformation,
        "texture_decoder": model.drawer.texture_decoder,
    }


def test_shapes_teach_reader_and_deformation(model: Translator, shapes: WarpedShapes) -> None:
    generator = torch.Generator().manual_seed(0)
    terms, vertices = shape_terms(model, shapes, generator)
    pose = sample_pose(4, SceneSettings(), generator, torch.device("cpu"))
    window = window_around(pose.place(shapes.vertices), fov_y=FOV_Y, margin=0.1)
    terms |= silhouette_terms(model, vertices, shapes, pose, model.view(window))
    assert all(value.ndim == 0 and value.isfinite() for value in terms.values())
    torch.stack(list(terms.values())).sum().backward()
    assert set(_learnt(_parts(model))) == {"reader", "deformation"}


def test_shapes_are_learnt_by_descending_their_terms(
    model: Translator, shapes: WarpedShapes
) -> None:
    generator = torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    distances = []
    for _ in range(40):
        terms, _ = shape_terms(model, shapes, generator)
        distances.append(terms["shape_distance"].item())
        optimiser.zero_grad()
        (terms["shape_distance"] + 0.1 * terms["shape_normals"]).backward()
        optimiser.step()
    assert distances[-1] < 0.7 * distances[0]


def test_photographs_are_redrawn_and_teach_eyes_and_decoders(model: Translator) -> None:
    rgba = torch.rand(3, 4, 32, 32, generator=torch.Generator().manual_seed(0))
    rgba[:, 3] = 0
    rgba[:, 3, 8:24, 8:24] = 1
    window = torch.tensor([[0.0, 0.0, 0.7]] * 3)
    terms, redrawn = image_terms(model, rgba, window)
    assert set(terms) == {"image_cycle_colour", "image_cycle_silhouette", "image_cycle_structure"}
    assert redrawn.drawing.shape == (3, 4, 32, 32)
    assert redrawn.code.texture.texels is not None
    assert not redrawn.code.texture.texels.requires_grad, "colours do not pull geometry"
    torch.stack(list(terms.values())).sum().backward()
    assert {"seer", "deformation", "texture_decoder"} <= set(_learnt(_parts(model)))
    assert "reader" not in set(_learnt(_parts(model)))


def test_drawings_teach_colour_and_leave_geometry_alone(
    model: Translator, shapes: WarpedShapes
) -> None:
    generator = torch.Generator().manual_seed(0)
    pose = sample_pose(4, SceneSettings(), generator, torch.device("cpu"))
    texture = torch.randn(4, tiny_model().texture_code_size, generator=generator)
    code = GraphicsCode(
        model.read(shapes.points), Texture(texture), pose, sample_light(4, generator)
    )
    window = window_around(
        pose.place(model.drawer.vertices(code.shape)).detach(), fov_y=FOV_Y, margin=0.1
    )
    scene, drawing, albedo = draw_dressed(model, code, shapes, model.view(window))
    (drawing.square().mean() + albedo.square().mean()).backward()
    assert set(_learnt(_parts(model))) == {"texture_decoder"}
    for tensor in (scene.rgba, scene.vertices, scene.albedo, scene.code.shape, scene.code.light):
        assert not tensor.requires_grad, "no messages can be hidden in what is seen again"
    coverage = scene.rgba[:, 3:]
    torch.testing.assert_close(scene.rgba[:, :3] * coverage, drawing[:, :3], atol=0.02, rtol=0)
