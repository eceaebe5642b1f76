"""Paint: what counts as paint, and that only paint changes."""

import pytest
import torch
from torch import Tensor

from shapecycle.memory.paint import coarse, prevailing_colour, repainted

RED, BLUE, GREY = (
    torch.tensor(colour) for colour in ((0.8, 0.1, 0.1), (0.1, 0.2, 0.9), (0.7, 0.7, 0.7))
)


def _texel(colour: Tensor) -> Tensor:
    return torch.cat([colour, torch.ones(1)])[:, None]


@pytest.mark.parametrize("ours", [RED, GREY])
def test_paint_takes_the_other_colour(ours: Tensor) -> None:
    painted = repainted(_texel(ours), ours, BLUE)
    torch.testing.assert_close(painted[:3, 0], BLUE, atol=1e-4, rtol=0)


def test_shades_of_a_paint_stay_what_they_are_in_the_same_paint() -> None:
    shades = torch.linspace(0, 1, 21) * RED[:, None]
    texels = torch.cat([shades, torch.ones(1, 21)])
    torch.testing.assert_close(repainted(texels, RED, RED), texels, atol=0.03, rtol=0)


@pytest.mark.parametrize(("ours", "theirs"), [(None, RED), (RED, None)])
def test_where_no_colour_prevails_nothing_is_painted(
    ours: Tensor | None, theirs: Tensor | None
) -> None:
    texels = torch.rand(4, 5, 5)
    assert torch.equal(repainted(texels, ours, theirs), texels)


def test_a_dark_shade_of_a_hue_is_paint_and_a_dark_shade_of_grey_is_not() -> None:
    dark_red, dark_grey = 0.45 * RED, 0.45 * GREY
    assert repainted(_texel(dark_red), RED, BLUE)[2, 0] > 0.25
    torch.testing.assert_close(repainted(_texel(dark_grey), GREY, BLUE)[:3, 0], dark_grey)


def test_the_prevailing_colour_is_that_of_most_and_not_the_mean() -> None:
    known = torch.cat([torch.cat([RED.expand(60, 3), BLUE.expand(40, 3)]), torch.ones(100, 1)], 1)
    found = prevailing_colour(known)
    assert found is not None
    torch.testing.assert_close(found, RED)


def test_nothing_known_has_no_colour() -> None:
    assert prevailing_colour(torch.zeros(9, 4)) is None


def test_coarse_texels_weigh_colours_by_how_well_they_were_seen() -> None:
    texels = torch.zeros(1, 4, 32, 32)
    texels[:, 0, :, ::2], texels[:, 3, :, ::2] = 1.0, 1.0
    torch.testing.assert_close(coarse(texels)[0, :, 0], torch.ones(256), atol=1e-3, rtol=0)
