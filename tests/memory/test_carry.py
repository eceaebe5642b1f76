"""Carrying fitted to masks: which source is found, what is held, and what does not mix."""

from dataclasses import dataclass, replace

import pytest
import torch
from remembering import carried_surface, plain_code, remembered_cars, remembering_model
from torch import Tensor

from shapecycle import rasterize as rz
from shapecycle.camera import Pose, View, window_around
from shapecycle.graphics_code import GraphicsCode
from shapecycle.memory import carry as carry_module
from shapecycle.memory.carry import Carried, carry
from shapecycle.model import Model


@pytest.fixture(scope="module")
def model() -> Model:
    return remembering_model(4)


@dataclass(frozen=True)
class Scene:
    """Masks of carried sources, and the windows that show them."""

    code: GraphicsCode
    mask: Tensor
    view: View


def _scene(model: Model, rows: list[int], *, moves: Tensor | None = None) -> Scene:
    """Draw the masks of sources on their own codes, handles moved."""
    codes = torch.stack([remembered_cars(4)[row].code for row in rows])
    code = plain_code(codes)
    surface = carried_surface(model, rows)
    code = replace(code, surface=surface if moves is None else replace(surface, moves=moves))
    masks, windows = [], []
    for k, row in enumerate(rows):
        with torch.no_grad():
            templates = model.networks.renderer.vertices(code[k].shape)
        camera = code[k].pose.place(model.surfaces.vertices(code[k], templates))
        window = window_around(camera, fov_y=model.networks.fov_y, margin=0.1)
        view = model.networks.view(window)
        clip = view.clip(camera)
        topology = rz.Topology.from_faces(model.memory.sources[row].faces)
        seen = rz.rasterize(clip, topology, view.size)
        masks.append(rz.antialias(seen.mask[:, None].float(), clip, topology, seen))
        windows.append(window)
    return Scene(code, torch.cat(masks), model.networks.view(torch.cat(windows)))


def _carried(
    model: Model, scene: Scene, *, pose: Pose | None = None, turns: bool = True
) -> Carried:
    sources = model.surfaces.sources
    assert sources is not None
    code = scene.code
    return carry(
        model.networks, sources, model.surfaces.handles, code.shape, pose or code.pose,
        scene.mask, scene.view, turns=turns,
    )  # fmt: skip


def test_a_source_s_own_mask_finds_it_and_leaves_it_as_it_is(model: Model) -> None:
    rows = [0, 1, 2, 3]
    found = _carried(model, _scene(model, rows))
    assert found.row.tolist() == rows
    assert found.misfit.max() < 0.01
    torch.testing.assert_close(found.apart, torch.zeros(4))
    assert found.moves.abs().max() < 0.05


def test_handles_follow_the_mask(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    at = model.surfaces.handles.rows
    with torch.no_grad():
        template = model.networks.renderer.vertices(remembered_cars(4)[1].code[None])
    # Higher and narrower.
    moves = template[:, at] * torch.tensor([-0.15, 0.25, -0.1])
    scene = _scene(model, [1], moves=moves)
    fitted = _carried(model, scene)
    monkeypatch.setattr(carry_module, "RUNGS", ((0, 1),))
    monkeypatch.setattr(carry_module, "LAST_STEPS", 0)
    still = _carried(model, scene)
    assert not still.moves.any()
    assert fitted.misfit < 0.5 * still.misfit


def test_where_moving_is_dear_handles_stay_and_the_mask_is_missed(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = _scene(model, [1])
    other = replace(scene, mask=scene.mask.flip(2))
    easy = _carried(model, other)
    monkeypatch.setattr(carry_module, "MOVING", 1e4)
    dear = _carried(model, other)
    assert dear.moves.square().mean() < 0.1 * easy.moves.square().mean()
    assert dear.misfit > easy.misfit


def test_places_are_found_again_while_given_angles_are_held(model: Model) -> None:
    scene = _scene(model, [2])
    away = Pose(scene.code.pose.angles, scene.code.pose.translation + torch.tensor([0.05, 0, 0]))
    found = _carried(model, scene, pose=away, turns=False)
    torch.testing.assert_close(found.pose.angles, away.angles)
    right = scene.code.pose.translation
    assert (found.pose.translation - right).norm() < 0.7 * (away.translation - right).norm()


def test_a_real_shape_is_turned_right(model: Model) -> None:
    scene = _scene(model, [2])
    right = scene.code.pose
    away = Pose(right.angles + torch.tensor([0.1, 0.0, 0.0]), right.translation)
    found = _carried(model, scene, pose=away)
    assert (found.pose.angles - right.angles).norm() < 0.7 * 0.1


def test_moves_are_mirror_symmetric_where_shapes_are(model: Model) -> None:
    scene = _scene(model, [2])
    # One half of the mask is gone.
    found = _carried(model, replace(scene, mask=scene.mask * (torch.arange(32) < 16)))
    assert found.moves.abs().max() > 1e-3
    torch.testing.assert_close(
        model.surfaces.handles.mirrored(found.moves), found.moves, atol=1e-6, rtol=0
    )


def test_pictures_do_not_mix(model: Model) -> None:
    moves = 0.03 * torch.ones(3, len(model.surfaces.handles), 3)
    moves[:, ::2] *= -1
    scene = _scene(model, [3, 0, 1], moves=moves)
    together = _carried(model, scene)
    for k in range(3):
        window = scene.view.window[k : k + 1]
        one = Scene(scene.code[k], scene.mask[k : k + 1], replace(scene.view, window=window))
        alone = _carried(model, one)
        assert alone.row[0] == together.row[k]
        # Where a handle changes nothing, rounding decides which way Adam moves it; and far and near
        # look alike.
        torch.testing.assert_close(alone.misfit[0], together.misfit[k], atol=2e-3, rtol=0)
        place, among = alone.pose.translation[0], together.pose.translation[k]
        torch.testing.assert_close(place[:2] / place[2], among[:2] / among[2], atol=5e-3, rtol=0)


def test_one_source_is_enough(model: Model) -> None:
    alone = remembering_model(1, networks=model.networks)
    found = _carried(alone, _scene(alone, [0]))
    assert found.row.tolist() == [0]
    assert found.moves.shape == (1, len(alone.surfaces.handles), 3)


def test_nothing_of_the_fit_carries_gradients(model: Model) -> None:
    found = _carried(model, _scene(model, [0]))
    assert not any(x.requires_grad for x in (found.moves, found.pose.translation, found.misfit))
    assert all(p.grad is None for p in model.networks.parameters())
