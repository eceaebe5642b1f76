"""Places: the same points on all surfaces, from pixels and back."""

from dataclasses import replace

import pytest
import torch
from remembering import carried_surface, plain_code, remembering_model, shape_codes
from torch import Tensor

from shapecycle.camera import View
from shapecycle.code_to_image.renderer import depth
from shapecycle.graphics_code import GraphicsCode
from shapecycle.memory import places as places_module
from shapecycle.memory import surfaces as surfaces_module
from shapecycle.memory.places import Places, lifted
from shapecycle.model import Model
from shapecycle.paired_data.keypoints import seen_keypoints

SIDE = 64


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surfaces_module, "ATLAS_SIDE", SIDE)
    monkeypatch.setattr(places_module, "ATLAS_SIDE", 4 * SIDE)
    monkeypatch.setattr(places_module, "SIDE", 2 * SIDE)


@pytest.fixture(scope="module")
def model() -> Model:
    return remembering_model(2)


def _codes(model: Model) -> tuple[GraphicsCode, GraphicsCode]:
    template = plain_code(shape_codes(1))
    source = plain_code(model.memory.sources[1].code[None])
    return template, replace(source, surface=carried_surface(model, [1]))


def _view(model: Model) -> View:
    return View(torch.tensor([[0.0, 0.0, 1.0]]), (96, 128), model.networks.fov_y)


def _depth(model: Model, code: GraphicsCode) -> Tensor:
    with torch.no_grad():
        (found,) = model.surfaces(code)
    return depth(code.pose.place(found.vertices), found.faces.topology, _view(model))


@pytest.mark.parametrize("which", [0, 1])
def test_pixels_are_lifted_to_where_they_are_drawn(which: int, model: Model) -> None:
    code = _codes(model)[which]
    away = _depth(model, code)
    rows, columns = (away[0, 0] > 0).nonzero()[::37].unbind(1)
    pixels = torch.stack([columns, rows], 1) + 0.5
    points, is_on = lifted(model.surfaces, code, pixels, _view(model))
    assert is_on.all()
    again = seen_keypoints(points[None], code.pose, away, _view(model))[0]
    torch.testing.assert_close(again[:, :2], pixels, atol=1e-3, rtol=0)
    assert again[:, 2].all()


def test_pixels_beside_the_object_or_the_picture_show_nothing(model: Model) -> None:
    code = _codes(model)[0]
    pixels = torch.tensor([[0.5, 0.5], [-3.0, 40.0], [200.0, 40.0]])
    assert not lifted(model.surfaces, code, pixels, _view(model))[1].any()


@pytest.mark.parametrize("which", [0, 1])
def test_a_place_is_where_it_was_marked(which: int, model: Model) -> None:
    code = _codes(model)[which]
    with torch.no_grad():
        (found,) = model.surfaces(code)
    points = found.vertices[0, :: max(1, found.vertices.shape[1] // 20)]
    again = Places.at(model.surfaces, code, points).on(model.surfaces, code)
    # Up to the distance between texels.
    assert (again - points).norm(dim=1).median() < 0.02


def test_places_of_one_template_are_those_of_another(model: Model) -> None:
    first, second = (plain_code(0.3 * code[None]) for code in shape_codes(2))
    with torch.no_grad():
        here, there = (
            model.networks.renderer.vertices(code.shape)[0, ::9] for code in (first, second)
        )
    found = Places.at(model.surfaces, first, here).on(model.surfaces, second)
    assert (found - there).norm(dim=1).median() < 0.3 * (here - there).norm(dim=1).median()
