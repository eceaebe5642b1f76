"""Surfaces of codes: the template's and carried ones, alone and together, and their textures."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from remembering import carried_surface, memory_of, plain_code, remembering_model, shape_codes
from torch import Tensor

from shapecycle.camera import View, window_around
from shapecycle.errors import DataError
from shapecycle.geometry.boxes import to_unit_box
from shapecycle.graphics_code import GraphicsCode, Surface
from shapecycle.memory import surfaces as surfaces_module
from shapecycle.model import Model

SIDE = 64


@pytest.fixture(autouse=True)
def _small_atlases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surfaces_module, "ATLAS_SIDE", SIDE)


@pytest.fixture(scope="module")
def model() -> Model:
    return remembering_model(3)


def _carried(model: Model, rows: list[int], *, seed: int = 4) -> GraphicsCode:
    code = plain_code(shape_codes(len(rows), seed))
    return replace(code, surface=carried_surface(model, rows))


def _moves(model: Model, count: int, size: float = 0.03) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return size * torch.randn(count, len(model.surfaces.handles), 3, generator=generator)


def test_without_a_surface_the_template_is_decoded(model: Model) -> None:
    code = plain_code(shape_codes(2))
    renderer = model.networks.renderer
    with torch.no_grad():
        (found,) = model.surfaces(code)
        torch.testing.assert_close(found.vertices, renderer.vertices(code.shape))
        torch.testing.assert_close(found.albedo, renderer.albedo(code.texture))
    assert found.source is None
    assert found.items == [0, 1]
    assert found.faces.uv is renderer.uv


def test_the_template_with_handles_at_rest_is_the_template(model: Model) -> None:
    code = plain_code(shape_codes(2))
    rest = Surface(torch.zeros(2, dtype=torch.long), torch.zeros_like(_moves(model, 2)))
    np.testing.assert_array_equal(model.draw(replace(code, surface=rest), 32), model.draw(code, 32))


def test_handles_move_the_template_and_the_source_alike(model: Model) -> None:
    code = _carried(model, [1])
    assert code.surface is not None
    surface = replace(code.surface, moves=_moves(model, 1))
    with torch.no_grad():
        template = model.networks.renderer.vertices(code.shape)
    decoder = model.surfaces
    for source in (surface.source, torch.zeros(1, dtype=torch.long)):
        still = replace(code, surface=replace(code.surface, source=source))
        moved = replace(code, surface=replace(surface, source=source))
        before = decoder.vertices(still, template)
        wanted = to_unit_box(decoder.handles.moved(before, template, surface.moves))[0]
        torch.testing.assert_close(decoder.vertices(moved, template), wanted)
        assert (wanted - before).norm(dim=2).mean() > 0.005


def test_a_source_on_its_own_code_is_the_shape_that_was_remembered(model: Model) -> None:
    source = model.memory.sources[1]
    code = replace(plain_code(source.code[None]), surface=carried_surface(model, [1]))
    mesh = model.mesh(code)
    wanted = to_unit_box(source.vertices[None])[0][0]
    np.testing.assert_allclose(mesh.vertices, wanted.numpy(), atol=1e-4)
    np.testing.assert_array_equal(mesh.faces, source.faces.numpy())
    np.testing.assert_array_equal(mesh.uv, source.uv.numpy())
    np.testing.assert_array_equal(mesh.uv_faces, source.uv_faces.numpy())
    assert mesh.texture is not None
    assert mesh.texture.shape == (SIDE, SIDE, 3)


def test_codes_of_several_sources_are_drawn_in_their_order_and_do_not_mix(model: Model) -> None:
    code = GraphicsCode.stack(
        [_carried(model, [2, 0]), plain_code(shape_codes(1)), _carried(model, [2], seed=7)]
    )
    pictures, meshes = model.draw(code, 32), model.meshes(code)
    assert len(pictures) == len(meshes) == 4
    for k, (picture, mesh) in enumerate(zip(pictures, meshes, strict=True)):
        np.testing.assert_allclose(model.draw(code[k], 32)[0], picture, atol=0.02)
        alone = model.mesh(code[k])
        np.testing.assert_allclose(alone.vertices, mesh.vertices, atol=1e-5)
        np.testing.assert_array_equal(alone.faces, mesh.faces)
    assert [len(mesh.faces) for mesh in meshes] == [
        len(model.memory.sources[2].faces),
        len(model.memory.sources[0].faces),
        len(model.networks.renderer.topology.faces),
        len(model.memory.sources[2].faces),
    ]


def test_on_the_template_a_carried_code_is_as_if_it_had_never_been_carried(model: Model) -> None:
    code = plain_code(shape_codes(1))
    carried = replace(code, surface=carried_surface(model, [0]))
    np.testing.assert_array_equal(model.draw(carried.on_template(), 32), model.draw(code, 32))
    assert np.abs(model.draw(carried, 32) - model.draw(code, 32)).max() > 0.1


@pytest.mark.parametrize("sources", [0, 1])
def test_an_unknown_source_is_named_with_the_way_out(model: Model, sources: int) -> None:
    code = _carried(model, [2])
    other = Model(model.networks, model.provenance, memory_of(sources, 0))
    name = f"{model.memory.sources[2].fingerprint:016x}"
    for verb in (other.draw, other.mesh):
        with pytest.raises(DataError, match=rf"{name}(.|\n)*surface=None"):
            verb(code)
    for bare in (replace(code, surface=None), code.on_template()):
        assert other.draw(bare, 32).shape == (1, 32, 32, 4)


def test_a_model_without_memory_has_no_sources_and_completes_nothing() -> None:
    model = remembering_model(0)
    assert model.surfaces.sources is None
    assert model.donors is None
    assert not model.memory


# Textures


def _seen_from(model: Model, code: GraphicsCode, side: int) -> tuple[Tensor, View]:
    """Draw a code in its window: the straight-alpha picture, and what it shows."""
    with torch.no_grad():
        (found,) = model.surfaces(code)
        window = window_around(code.pose.place(found.vertices), fov_y=model.networks.fov_y,
                               margin=0.1)  # fmt: skip
        view = model.networks.view(window, side)
        drawn = model.networks.renderer.draw_surface(
            found.vertices, found.albedo, code.pose, code.light, view, faces=found.faces
        )
    colour = drawn[:, :3] / drawn[:, 3:].clamp(min=1e-3)
    return torch.cat([colour.clamp(0, 1), drawn[:, 3:]], 1), view


def _painted(model: Model, row: int, side: int) -> GraphicsCode:
    """Return a source on its own code, its texels painted all over in broad patches."""
    code = plain_code(model.memory.sources[row].code[None])
    surface = carried_surface(model, [row])
    coarse = 0.2 + 0.6 * torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(9))
    paint = torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear")
    texels = torch.cat([paint, torch.ones(1, 1, side, side)], 1)
    return replace(code, surface=replace(surface, texels=texels))


def test_texels_of_its_own_are_a_carried_surfaces_colours(model: Model) -> None:
    code = _painted(model, 0, 32)
    assert code.surface is not None
    assert code.surface.texels is not None
    texture = model.mesh(code).texture
    assert texture is not None
    decoder = model.surfaces
    mask = decoder.atlas(model.memory.sources[0].fingerprint, 32).seen.mask[0].numpy()
    paint = code.surface.texels[0, :3].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(texture[mask], paint[mask], atol=1e-6)


def test_unseen_texels_leave_the_template_s_colours(model: Model) -> None:
    code = _painted(model, 0, SIDE)
    surface = code.surface
    assert surface is not None
    assert surface.texels is not None
    unseen = replace(surface, texels=surface.texels * torch.tensor([1, 1, 1, 0])[:, None, None])
    bare = replace(surface, texels=None)
    np.testing.assert_allclose(
        model.draw(replace(code, surface=unseen), 32),
        model.draw(replace(code, surface=bare), 32),
        atol=1e-5,
    )


def test_what_a_photograph_shows_of_a_carried_surface_is_drawn_again_there(model: Model) -> None:
    code = _painted(model, 0, 128)
    picture, view = _seen_from(model, code, 64)
    with torch.no_grad():
        texels = model.surfaces.texels(code, picture, view, 128)
    assert code.surface is not None
    again = replace(
        code,
        texture=replace(code.texture, code=code.texture.code + 3),
        surface=replace(code.surface, texels=texels),
    )
    redrawn, _ = _seen_from(model, again, 64)
    bare, _ = _seen_from(model, replace(again, surface=replace(code.surface, texels=None)), 64)
    # Well inside the outline, where surfaces face the camera.
    inside = -torch.nn.functional.max_pool2d(-picture[:, 3:], 5, 1, 2)[0, 0] > 0.99
    fit, off = ((drawn[0, :3] - picture[0, :3]).abs().mean(0)[inside] for drawn in (redrawn, bare))
    assert off.mean() > 0.07
    assert fit.mean() < 0.2 * off.mean()
    assert fit.median() < 0.02


def test_fine_stripes_are_drawn_again_nearly_as_strong(model: Model) -> None:
    code = _painted(model, 0, 128)
    stripes = 0.3 + 0.4 * (torch.arange(128) // 4 % 2)
    assert code.surface is not None
    texels = torch.cat([stripes.expand(1, 3, 128, 128), torch.ones(1, 1, 128, 128)], 1)
    code = replace(code, surface=replace(code.surface, texels=texels))

    def seen_finely(one: GraphicsCode) -> Tensor:
        return torch.nn.functional.avg_pool2d(_seen_from(model, one, 128)[0], 2)

    picture, view = seen_finely(code), _seen_from(model, code, 64)[1]
    inside = -torch.nn.functional.max_pool2d(-picture[:, 3:], 5, 1, 2)[0, 0] > 0.99
    off = []
    for corrected in (0, surfaces_module.CORRECTED):
        with torch.no_grad():
            found = model.surfaces.texels(code, picture, view, 128, corrected=corrected)
        again = replace(code, surface=replace(code.surface, texels=found))
        off.append((seen_finely(again)[0, :3] - picture[0, :3]).abs().mean(0)[inside].mean())
    assert off[1] < 0.6 * off[0]


def test_nothing_is_seen_of_what_is_hidden_or_outside_the_picture(model: Model) -> None:
    code = _painted(model, 0, SIDE)
    picture, view = _seen_from(model, code, 64)
    decoder = model.surfaces
    with torch.no_grad():
        texels = decoder.texels(code, picture, view, SIDE)
        empty = decoder.texels(code, picture * torch.tensor([1, 1, 1, 0])[:, None, None], view,
                               SIDE)  # fmt: skip
        template = model.networks.renderer.vertices(code.shape)
        placed = code.pose.place(decoder.vertices(code, template))
    points, normals = decoder.atlas(model.memory.sources[0].fingerprint, SIDE).points(placed)
    weight = texels[0, 3].flatten()
    mask = decoder.atlas(model.memory.sources[0].fingerprint, SIDE).seen.mask.flatten()
    is_turned = ((normals * points).sum(1) > 0) & mask
    assert is_turned.float().mean() > 0.1
    assert not weight[is_turned].any()
    assert weight[mask].max() > 0.9
    assert not empty[:, 3].any()


# From one code to another


def _steps(model: Model, first: GraphicsCode, last: GraphicsCode) -> list[float]:
    """Return how far vertices move, on average, in each of ten steps between two codes."""
    way = [model.mesh(first.interpolated(last, k / 10)).vertices for k in range(11)]
    return [float(np.linalg.norm(b - a, axis=1).mean()) for a, b in pairwise(way)]


def _with_moves(model: Model, code: GraphicsCode) -> GraphicsCode:
    assert code.surface is not None
    return replace(code, surface=replace(code.surface, moves=_moves(model, len(code))))


def test_there_is_no_jump_between_carried_surfaces(model: Model) -> None:
    first = plain_code(model.memory.sources[0].code[None])
    first = _with_moves(model, replace(first, surface=carried_surface(model, [0])))
    # Not so far that the tiny decoder turns inside out on the way.
    second, third = (0.6 * first.shape + 0.4 * model.memory.sources[k].code[None] for k in (1, 2))
    for last in (
        replace(first, shape=second),
        replace(first, shape=second, surface=carried_surface(model, [1])),
        first.with_shape_of(plain_code(third)),
    ):
        steps = _steps(model, first, last)
        assert min(steps) > 0
        assert max(steps) <= 2 * np.mean(steps)


def test_there_is_no_jump_on_the_template(model: Model) -> None:
    first = plain_code(shape_codes(1, 1))
    for last in (plain_code(shape_codes(1, 2)), _carried(model, [1], seed=2)):
        steps = _steps(model, first, last)
        assert max(steps) <= 2 * np.mean(steps)
    begin, end = (model.mesh(first.interpolated(last, share)) for share in (0.0, 1.0))
    np.testing.assert_allclose(begin.vertices, model.mesh(first).vertices, atol=1e-6)
    np.testing.assert_allclose(end.vertices, model.mesh(last.on_template()).vertices, atol=1e-6)


def test_colours_change_without_a_jump_from_what_was_seen_of_one_surface(model: Model) -> None:
    first = _painted(model, 0, SIDE)
    last = _painted(model, 1, SIDE)
    way = [model.mesh(first.interpolated(last, k / 10)).texture for k in range(11)]
    steps = [np.abs(b - a).mean() for a, b in pairwise(x for x in way if x is not None)]
    assert len(steps) == 10
    assert 0 < max(steps) <= 2 * np.mean(steps)


def test_halfway_between_two_shapes_the_source_is_carried_to_the_shape_between(
    model: Model,
) -> None:
    first, last = _carried(model, [1], seed=2), _carried(model, [0], seed=3)
    half = first.interpolated(last, 0.5)
    wanted = replace(first, shape=(first.shape + last.shape) / 2)
    np.testing.assert_allclose(model.mesh(half).vertices, model.mesh(wanted).vertices, atol=1e-5)


@pytest.mark.parametrize("size", [0.0, 0.03])
def test_a_code_and_its_json_are_one_surface(model: Model, size: float) -> None:
    code = _painted(model, 0, SIDE)
    assert code.surface is not None
    code = replace(code, surface=replace(code.surface, moves=_moves(model, 1, size)))
    again = GraphicsCode.from_json(code.to_json())
    np.testing.assert_allclose(model.mesh(again).vertices, model.mesh(code).vertices, atol=1e-5)
    np.testing.assert_allclose(model.draw(again, 32), model.draw(code, 32), atol=0.01)


@pytest.mark.usefixtures("unchecked")
def test_handles_of_another_model_are_refused_by_name(model: Model) -> None:
    code = plain_code(shape_codes(1))
    foreign = Surface(torch.zeros(1, dtype=torch.long), torch.ones(1, 7, 3))
    with pytest.raises(ValueError, match=r"surface\.moves"):
        model.draw(replace(code, surface=foreign), 32)
