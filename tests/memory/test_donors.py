"""Completing textures: what fills exactly, what is never changed, and which donor is asked."""

import pytest
import torch
from remembering import donor_of, remembering_model, smooth_colours, whole_donor
from tiny_world import small_car
from torch import Tensor

from shapecycle.memory import donors as donors_module
from shapecycle.memory.donors import Donor, Donors, both_sides

SIDE = 64
CPU = torch.device("cpu")


def _seen(colours: Tensor, rows: slice) -> Tensor:
    """Return texels of which some rows are seen, the others black."""
    weight = torch.zeros(1, *colours.shape[1:])
    weight[:, rows] = 1
    return torch.cat([colours * weight, weight])[None]


def _donor(colours: Tensor, rows: slice = slice(None)) -> Donor:
    return donor_of("photo", _seen(colours, rows)[0])


def _symmetric(seed: int, side: int = SIDE) -> Tensor:
    colours = smooth_colours(seed, side)
    return (colours + colours.flip(-1)) / 2


UPPER, LOWER = slice(0, SIDE // 2), slice(SIDE // 2, SIDE)


def test_the_same_photograph_seen_whole_fills_exactly() -> None:
    colours = _symmetric(0, 128)
    filled = Donors([_donor(colours)], CPU).complete(_seen(colours, slice(0, 64)))
    torch.testing.assert_close(filled[0, :3, 64:], colours[:, 64:], atol=1e-4, rtol=0)
    torch.testing.assert_close(filled[0, 3, 64:], torch.ones(64, 128))


def test_nothing_that_is_known_is_filled() -> None:
    texels = _seen(_symmetric(0), UPPER)
    texels[:, 3, :, : SIDE // 4] *= 0.5
    filled = Donors([whole_donor(1)], CPU).complete(texels)
    known = both_sides(texels)[:, 3]
    assert (filled[:, 3] + known).max() < 1 + 1e-5
    assert not filled[:, 3][known == 1].any()
    assert filled[:, 3][known == 0].min() > 0.9


def test_what_the_mirror_image_shows_is_known() -> None:
    colours = smooth_colours(0, SIDE)
    texels = _seen(colours, slice(None))
    texels[..., SIDE // 2 :] = 0
    laid = both_sides(texels)
    torch.testing.assert_close(laid, laid.flip(-1))
    torch.testing.assert_close(laid[..., : SIDE // 2], texels[..., : SIDE // 2])
    assert not Donors([whole_donor(1)], CPU).complete(texels)[:, 3].any()


def test_what_was_seen_stays_above_its_mirror_image() -> None:
    texels = _seen(smooth_colours(0, SIDE), slice(None))
    torch.testing.assert_close(both_sides(texels), texels)


def test_a_donor_that_shows_nothing_more_fills_nothing() -> None:
    colours = _symmetric(0)
    filled = Donors([_donor(colours, UPPER)], CPU).complete(_seen(colours, UPPER))
    assert not filled[:, 3].any()


def test_a_donor_that_shows_nothing_at_all_fills_nothing() -> None:
    blank = donor_of("photo", torch.zeros(4, SIDE, SIDE))
    filled = Donors([blank], CPU).complete(_seen(_symmetric(0), UPPER))
    assert not filled[:, 3].any()
    assert filled.isfinite().all()


def test_a_texture_that_is_seen_whole_is_not_filled() -> None:
    texels = _seen(smooth_colours(0, SIDE), slice(None))
    assert not Donors([whole_donor(1)], CPU).complete(texels)[:, 3].any()


def test_without_any_donor_nothing_is_filled() -> None:
    model = remembering_model(0, donors=0)
    code = model.sample_appearance(model.read(small_car(0), refine_steps=0),
                                   torch.Generator().manual_seed(0))  # fmt: skip
    picture = model.draw(code, 48, framed=True)[0]
    texture = model.see(picture, refine_steps=0).code.texture
    assert texture.texels is not None
    assert texture.fill is None


def test_a_picture_is_completed_by_the_donors_of_a_model() -> None:
    model = remembering_model(0, donors=2)
    code = model.sample_appearance(model.read(small_car(0), refine_steps=0),
                                   torch.Generator().manual_seed(0))  # fmt: skip
    picture = model.draw(code, 48, framed=True)[0]
    texture = model.see(picture, refine_steps=0).code.texture
    assert texture.texels is not None
    assert texture.fill is not None
    assert texture.fill.shape == texture.texels.shape
    known = both_sides(texture.texels)[:, 3]
    torch.testing.assert_close(
        texture.fill[:, 3] + known, torch.ones_like(known), atol=1e-4, rtol=0
    )


def test_the_donor_that_agrees_with_what_is_known_is_asked() -> None:
    colours = _symmetric(0)
    alike = _donor((colours + 0.01 * _symmetric(7)).clamp(0, 1))
    others = [whole_donor(k) for k in (3, 4)]
    filled = Donors([others[0], alike, others[1]], CPU).complete(_seen(colours, UPPER))
    assert (filled[0, :3, LOWER] - colours[:, LOWER]).abs().mean() < 0.02


@pytest.mark.parametrize("at", [0, 1])
def test_the_order_of_donors_does_not_matter(at: int) -> None:
    donors = [whole_donor(k) for k in (3, 4)]
    texels = _seen(_symmetric(0), UPPER)
    first = Donors(donors, CPU).complete(texels)
    torch.testing.assert_close(Donors([donors[at], donors[1 - at]], CPU).complete(texels), first)


def test_a_donor_in_other_light_is_brought_to_the_colours_of_the_picture() -> None:
    colours = _symmetric(0)
    tinted = colours * torch.tensor([0.7, 1.0, 0.8])[:, None, None] + 0.05
    filled = Donors([_donor(tinted)], CPU).complete(_seen(colours, UPPER))
    before = (tinted - colours)[:, LOWER].abs().mean()
    assert (filled[0, :3, LOWER] - colours[:, LOWER]).abs().mean() < 0.3 * before


def test_two_donors_complete_what_one_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    colours = _symmetric(0)
    third = SIDE // 3
    texels = _seen(colours, slice(0, third))
    some = _donor(colours, slice(0, 2 * third))
    rest = _donor(colours, slice(2 * third - 4, SIDE))
    donors = Donors([some, rest], CPU)
    by_both, by_one = donors.complete(texels), Donors([some], CPU).complete(texels)
    assert by_one[0, 3].mean() < 0.4
    assert by_both[0, 3].mean() > 0.6
    assert (by_both[0, :3, third:] - colours[:, third:]).abs().mean() < 0.02
    monkeypatch.setattr(donors_module, "ROUNDS", 1)
    assert donors.complete(texels)[0, 3].mean() < 0.7 * by_both[0, 3].mean(), "in two rounds"


def test_completing_commutes_with_mirroring() -> None:
    texels = _seen(smooth_colours(0, SIDE), UPPER)
    texels[..., SIDE // 2 + 5 :] = 0
    donors = Donors([_donor(_symmetric(k)) for k in (1, 2)], CPU)
    there = donors.complete(texels.flip(-1))
    torch.testing.assert_close(there, donors.complete(texels).flip(-1), atol=1e-4, rtol=0)


def test_textures_are_completed_one_by_one() -> None:
    texels = torch.cat([_seen(_symmetric(0), UPPER), _seen(_symmetric(1), LOWER)])
    donors = Donors([whole_donor(k) for k in range(3)], CPU)
    torch.testing.assert_close(donors.complete(texels)[1:], donors.complete(texels[1:]))


def test_texels_of_any_size_are_completed_alike() -> None:
    donors = Donors([whole_donor(1), whole_donor(2)], CPU)
    fine, coarse = (
        donors.complete(_seen(_symmetric(0, side), slice(0, side // 2))) for side in (128, 64)
    )
    shrunk = torch.nn.functional.avg_pool2d(fine, 2)
    assert (shrunk - coarse).abs()[..., 36:, :].mean() < 0.02


# Dressing shapes


def _car_texels(paint: tuple[float, float, float], shade: Tensor) -> Tensor:
    """Texels of a painted body, half of it in shade, above black tyres."""
    colours = torch.tensor(paint)[:, None, None] * shade
    colours = colours.expand(3, SIDE, SIDE).clone()
    colours[:, LOWER] = 0.08
    return torch.cat([colours, torch.ones(1, SIDE, SIDE)])


def test_paint_takes_the_other_colour_and_tyres_stay_black() -> None:
    shade = torch.ones(SIDE, SIDE)
    red, blue = _car_texels((0.8, 0.1, 0.1), shade), _car_texels((0.1, 0.2, 0.9), shade)
    donors = Donors([donor_of("red", red), donor_of("blue", blue)], CPU)
    painted = donors.repainted(red, 1)
    torch.testing.assert_close(painted[:3, UPPER], blue[:3, UPPER], atol=0.02, rtol=0)
    torch.testing.assert_close(painted[:3, LOWER], red[:3, LOWER], atol=0.01, rtol=0)
    torch.testing.assert_close(painted[3], red[3])


def test_a_dark_car_has_no_paint_to_change() -> None:
    dark = _car_texels((0.2, 0.2, 0.2), torch.ones(SIDE, SIDE))
    blue = _car_texels((0.1, 0.2, 0.9), torch.ones(SIDE, SIDE))
    donors = Donors([donor_of("dark", dark), donor_of("blue", blue)], CPU)
    torch.testing.assert_close(donors.repainted(dark, 1), dark)


def test_a_donor_is_completed_by_others_and_not_by_itself() -> None:
    colours = _symmetric(0, 128)
    half = donor_of("half", _seen(colours, slice(0, 64))[0])
    whole = donor_of("whole", _seen(colours, slice(None))[0])
    donors = Donors([half, whole], CPU)
    texels = donors.whole(0)
    torch.testing.assert_close(texels[:3, 64:], colours[:, 64:], atol=1e-3, rtol=0)
    assert texels[3].min() > 0.99


def test_poses_are_near_those_of_donors() -> None:
    donors = Donors([whole_donor(k, 16) for k in range(3)], CPU)
    pose = donors.sample_pose(200, torch.Generator().manual_seed(0))
    true = donors.donors[0].code.pose
    assert (pose.angles - true.angles).std(0)[0] == pytest.approx(0.105, rel=0.3)
    assert (pose.translation[:, 2] < 0).all()
    light = donors.sample_light(5, torch.Generator().manual_seed(0))
    torch.testing.assert_close(light[0], donors.donors[0].code.light[0])
