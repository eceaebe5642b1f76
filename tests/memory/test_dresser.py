"""Dressing surfaces: what photographs show lies where it was seen, and others complete it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from remembering import plain_code, remembering_model
from torch import Tensor

from shapecycle.camera import Pose, window_around
from shapecycle.data.photos import Photo
from shapecycle.graphics_code import GraphicsCode, Surface, Texture
from shapecycle.memory.donors import Donor
from shapecycle.memory.dresser import Clothes
from shapecycle.memory.memory import Memory
from shapecycle.model import Model

RED, BLUE = torch.tensor([0.8, 0.1, 0.1]), torch.tensor([0.1, 0.2, 0.9])


def _photographed(model: Model, colour: Tensor, azimuth: float, side: int = 64) -> Donor:
    """A photograph of the first source in one colour, as the model itself draws it."""
    source = model.memory.sources[0]
    handles = len(model.surfaces.handles)
    surface = Surface(
        torch.tensor([source.fingerprint]),
        torch.zeros(1, handles, 3),
        torch.cat([colour[:, None, None].expand(3, 8, 8), torch.ones(1, 8, 8)])[None],
    )
    code = plain_code(source.code[None])
    pose = Pose(torch.tensor([[azimuth, 0.3, 0.0]]), code.pose.translation)
    code = replace(code, surface=surface, pose=pose)
    picture = torch.from_numpy(model.draw(code, side, framed=True)[0]).permute(2, 0, 1)
    placed = pose.place(next(iter(model.surfaces(code))).vertices)
    window = window_around(placed, fov_y=model.networks.fov_y, margin=0.15)[0]
    texels = torch.zeros(1, 4, 16, 16)
    bare = replace(code, surface=None, texture=Texture(code.texture.code, texels))
    return Donor(f"{azimuth}", bare, picture.contiguous(), window)


@pytest.fixture(scope="module")
def model() -> Model:
    bare = remembering_model(2)
    donors = [_photographed(bare, RED, 0.6), _photographed(bare, BLUE, 3.8)]
    memory = Memory(bare.memory.sources, tuple(donors))
    return Model(bare.networks, bare.provenance, memory)


def test_a_surface_wears_the_colours_of_the_photograph_where_they_were_seen(model: Model) -> None:
    fingerprint = model.memory.sources[0].fingerprint
    donors = model.memory.donors
    code = GraphicsCode.stack([one.code for one in donors])
    pictures = torch.stack([one.picture for one in donors if one.picture is not None])
    windows = torch.stack([one.window for one in donors if one.window is not None])
    texels = model.dresser.fetched(fingerprint, code, pictures, windows)
    for one, colour in zip(texels, (RED, BLUE), strict=True):
        seen = one[3] > 0.9
        assert 0.05 < seen.float().mean() < 0.9
        hue = one[:3, seen].mean(1)
        torch.testing.assert_close(hue / hue.sum(), colour / colour.sum(), atol=0.05, rtol=0)


def test_what_one_photograph_does_not_show_others_do_in_its_paint() -> None:
    shown = torch.zeros(2, 1, 64)
    shown[0, :, :40], shown[1, :, 30:] = 1, 1
    colours = torch.stack([RED, BLUE])[:, :, None].expand(2, 3, 64)
    clothes = Clothes(torch.cat([colours, shown], 1).half(), [RED, BLUE], [5, 7], 8)
    worn = clothes.worn(0, RED)
    assert worn[3].min() > 0.99
    torch.testing.assert_close(worn[:3], colours[0], atol=0.01, rtol=0)


def test_a_photograph_without_a_prevailing_colour_completes_no_other() -> None:
    shown = torch.zeros(2, 1, 64)
    shown[0, :, :40], shown[1, :, 30:] = 1, 1
    colours = torch.stack([RED, 0.1 * BLUE])[:, :, None].expand(2, 3, 64)
    clothes = Clothes(torch.cat([colours, shown], 1).half(), [RED, None], [5, 7], 8)
    assert clothes.worn(0, RED)[3].mean() == pytest.approx(40 / 64)


def test_sampled_appearances_of_carried_surfaces_are_dressed(model: Model) -> None:
    source = model.memory.sources[0]
    surface = Surface(
        torch.tensor([source.fingerprint, 0]), torch.zeros(2, len(model.surfaces.handles), 3)
    )
    shape = source.code[None].expand(2, -1)
    code = model.sample_appearance(shape, torch.Generator().manual_seed(0), surface=surface)
    assert code.surface is not None
    assert code.surface.texels is not None
    assert code.surface.texels[0, 3].mean() > 0.3
    assert not code.surface.texels[1, 3].any(), "the template has no texture of its own"


def test_a_given_texture_is_fitted_to_surfaces_that_were_not_seen(model: Model) -> None:
    sources, donor = model.memory.sources, model.memory.donors[0]
    assert donor.picture is not None
    photo = Photo(Path("red"), donor.picture.numpy())
    handles = len(model.surfaces.handles)
    surfaces = [Surface(torch.tensor([x.fingerprint]), torch.zeros(1, handles, 3)) for x in sources]
    own = replace(surfaces[0], texels=torch.zeros(1, 4, 8, 8))
    seen = replace(donor.code, surface=own)
    other = replace(plain_code(sources[1].code[None]), surface=surfaces[1])
    worn = model.dressed_as(other, photo, seen).surface
    assert worn is not None
    assert worn.texels is not None
    assert worn.texels[0, 3].mean() > 0.05


def test_donors_without_photographs_dress_the_template_alone(model: Model) -> None:
    bare = [replace(one, picture=None, window=None) for one in model.memory.donors]
    older = Model(model.networks, model.provenance, Memory(model.memory.sources, tuple(bare)))
    assert model.dresser.has_clothes
    assert not older.dresser.has_clothes
    source = model.memory.sources[0]
    surface = Surface(
        torch.tensor([source.fingerprint]), torch.zeros(1, len(model.surfaces.handles), 3)
    )
    code = older.sample_appearance(source.code[None], torch.Generator(), surface=surface)
    assert code.surface is not None
    assert code.surface.texels is None


def test_photographs_come_back_from_a_file(model: Model) -> None:
    restored = Memory.of(model.memory.tensors())
    for ours, theirs in zip(model.memory.donors, restored.donors, strict=True):
        assert ours.picture is not None
        assert theirs.picture is not None
        assert (ours.picture[3] - theirs.picture[3]).abs().max() < 0.02
        seen = ours.picture[3] > 0.9
        assert (ours.picture - theirs.picture)[:3, seen].abs().mean() < 0.05
        torch.testing.assert_close(ours.window, theirs.window)


def test_what_a_picture_does_not_show_is_completed_in_its_paint_and_what_it_shows_stays(
    model: Model,
) -> None:
    fingerprint = model.memory.sources[0].fingerprint
    donor = model.memory.donors[1]
    assert donor.picture is not None
    assert donor.window is not None
    shown = model.dresser.fetched(fingerprint, donor.code, donor.picture[None], donor.window[None])
    whole = model.dresser.completed(fingerprint, shown)
    is_known = shown[0, 3] == 1
    torch.testing.assert_close(whole[0, :, is_known], shown[0, :, is_known])
    charts = model.surfaces.atlas(fingerprint, shown.shape[-1]).seen.mask[0]
    assert whole[0, 3, charts].mean() > shown[0, 3, charts].mean() + 0.2
    filled = charts & (shown[0, 3] == 0) & (whole[0, 3] > 0.9)
    hue = whole[0, :3, filled].mean(1)
    torch.testing.assert_close(hue / hue.sum(), BLUE / BLUE.sum(), atol=0.1, rtol=0)
