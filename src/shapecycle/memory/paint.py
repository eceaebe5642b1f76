"""Paint: the colour that prevails in a texture, and another one in its place."""

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.pooling import pooled
from shapecycle.rasterize import linear_from_srgb, srgb_from_linear

COMPARED_SIDE = 16
"""Texels along a side by which textures are compared."""
LIKE = 0.08
"""Distance of sRGB colours up to which they count as one, about."""
DARK = 0.08
"""Linear grey up to which a colour may be that of tyres and windows."""
LITTLE = 0.2
"""Share of what is known below which a colour does not prevail."""
OTHER_HUE = 0.3
"""Part of a colour, beside shades of the prevailing one, from which it is another paint."""
SHADED = 0.5
"""Shade of a grey paint up to which it is none, but glass, rubber or metal."""
SHADED_HUE = 0.1
"""The same of a paint of one pure hue, which tells it from those."""
SHADES = 0.2
"""Over which that changes, for greys."""


def coarse(texels: Float[Tensor, "b 4 s s"]) -> Float[Tensor, "b t 4"]:
    """Return weighted means over few large texels."""
    side = min(COMPARED_SIDE, texels.shape[-1])
    weight = pooled(texels[:, 3:], side)
    colour = pooled(texels[:, 3:] * texels[:, :3], side) / weight.clamp(min=1e-6)
    return torch.cat([colour, weight], 1).flatten(2).mT


def prevailing_colour(known: Float[Tensor, "t 4"]) -> Float[Tensor, "3"] | None:
    """Return the colour around which most lies of what is known and not dark; None if little does.

    The mode, not the mean; and what is dark, such as tyres and windows, is dark in any paint.
    """
    colours, weight = known[:, :3], known[:, 3]
    bright = weight * (linear_from_srgb(colours).mean(1) > DARK)
    if bright.sum() <= LITTLE * weight.sum():
        return None
    near = (-((colours[:, None] - colours).square().sum(2)) / (2 * LIKE**2)).exp()
    return colours[((near @ bright) * (bright > 0)).argmax()]


def repainted(
    texels: Float[Tensor, "4 *s"],
    ours: Float[Tensor, "3"] | None,
    theirs: Float[Tensor, "3"] | None,
) -> Float[Tensor, "4 *s"]:
    """Give what is painted in one colour another one, shades and all; nothing where one is None."""
    if ours is None or theirs is None:
        return texels
    column = (3, *[1] * (texels.ndim - 1))
    colours = linear_from_srgb(texels[:3])
    own, other = (linear_from_srgb(one).view(column) for one in (ours, theirs))
    shade = (colours * own).sum(0) / (own * own).sum()
    # `norm` over the first axis takes five times as long on processors.
    off = (colours - shade * own).square().sum(0).sqrt() / (shade.abs() * own.norm() + 0.04)
    hue = float((ours.max() - ours.min()) / ours.max().clamp(min=1e-3))
    least = SHADED + hue * (SHADED_HUE - SHADED)
    is_paint = ((shade - least) / (SHADES * least / SHADED)).clamp(0, 1) * (
        -((off / OTHER_HUE) ** 2)
    ).exp()
    mixed = colours + is_paint * (shade * other - colours)
    return torch.cat([srgb_from_linear(mixed.clamp(0, 1)), texels[3:]])
