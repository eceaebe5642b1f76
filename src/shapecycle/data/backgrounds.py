"""Masks of objects that lie on a background of one colour."""

from math import ceil, sqrt

import numpy as np
from jaxtyping import Bool, Float, Float32
from scipy import ndimage  # type: ignore[import-untyped]

RING = 0.02
"""Width of the picture's rim that shows the background, as a share of its shorter side."""
EVEN = 0.9
"""Share of the rim that must have the background's colour."""
OFF = 0.06
"""Distance of sRGB colours, in each channel about, up to which a pixel of the rim has it."""
STRICT = 0.5
"""Part of the threshold below which what the object surrounds is an opening, not a part of it."""
BAND = 3
"""Pixels inside the outline that may be mixtures with the background."""
WORKED_ON = 12_500_000
"""Pixels of the largest picture whose own are looked at: more would take gigabytes."""
SPECK = 0.001
"""Area, as a share of the picture, of pieces and openings that are noise."""


def on_background(
    colours: Float32[np.ndarray, "3 h w"], background: Float[np.ndarray, "3"] | None = None
) -> Float32[np.ndarray, "h w"] | None:
    """Return the mask of an object on a background of one colour; None if it is not of one.

    What has the background's colour and is joined to the rim is outside, and so is what the object
    surrounds, where it has that colour closely; specks are neither.

    Args:
        colours: sRGB, in [0, 1]; of more than ``WORKED_ON`` pixels a reduced copy is looked at.
        background: Its colour; by default the median of the rim.
    """
    height, width = colours.shape[1:]
    if (factor := ceil(sqrt(height * width / WORKED_ON))) > 1 and min(height, width) >= factor:
        alpha = on_background(_shrunk(colours, factor), background)
        return None if alpha is None else _enlarged(alpha, factor, height, width)
    reach = max(1, round(RING * min(height, width)))
    is_rim = np.ones((height, width), dtype=bool)
    is_rim[reach:-reach, reach:-reach] = False
    rim = colours[:, is_rim]
    colour = (np.median(rim, axis=1) if background is None else background).astype(np.float32)
    # Of most pictures no more than the rim is looked at.
    on_rim = np.abs(rim - colour[:, None]).max(0)
    if (on_rim < OFF).mean() < EVEN:
        return None
    away = _distance(colours, colour)
    # Noise of the camera, and of JPEG, is seen on the rim.
    noise = float(np.quantile(on_rim[on_rim < OFF], 0.98))
    threshold = max(0.02, 1.5 * noise)
    near: Bool[np.ndarray, "h w"] = away < threshold
    pieces, count = ndimage.label(near)
    is_joined = np.zeros(count + 1, dtype=bool)
    is_joined[pieces[is_rim & near]] = True
    outside = is_joined[pieces]
    del pieces
    openings = _without_specks(near & ~outside & (away < STRICT * threshold + noise), SPECK)
    del away, near
    inside = _without_specks(~(outside | openings), SPECK)
    del outside, openings
    if not inside.any():
        return None
    return _matted(colours, colour, inside)


def _matted(
    colours: Float32[np.ndarray, "3 h w"],
    background: Float32[np.ndarray, "3"],
    inside: Bool[np.ndarray, "h w"],
) -> Float32[np.ndarray, "h w"]:
    """Return coverage: along the outline a pixel mixes the background with the object nearby."""
    core = ndimage.binary_erosion(inside, iterations=BAND)
    alpha = inside.astype(np.float32)
    if not core.any():
        return alpha
    band = ndimage.binary_dilation(inside) & ~core
    row, column = ndimage.distance_transform_edt(~core, return_distances=False, return_indices=True)
    own = colours[:, row[band], column[band]] - background[:, None]
    mixed = colours[:, band] - background[:, None]
    share = (own * mixed).sum(0) / np.maximum((own * own).sum(0), 1e-4)
    alpha[band] = share.clip(0, 1)
    return alpha


def _shrunk(colours: Float32[np.ndarray, "3 h w"], factor: int) -> Float32[np.ndarray, "3 k l"]:
    """Return the means of squares; what is left over below and to the right stays out."""
    height, width = (size // factor for size in colours.shape[1:])
    total = np.zeros((3, height, width), np.float32)
    for row in range(factor):
        for column in range(factor):
            part = colours[:, row : height * factor : factor, column : width * factor : factor]
            total += part
    return total / factor**2


def _enlarged(
    alpha: Float32[np.ndarray, "k l"], factor: int, height: int, width: int
) -> Float32[np.ndarray, "h w"]:
    """Return every number as a square; the last ones reach to the edge."""
    rows, columns = (
        np.minimum(np.arange(size) // factor, few - 1)
        for size, few in zip((height, width), alpha.shape, strict=True)
    )
    return alpha[rows[:, None], columns]


def _distance(
    colours: Float32[np.ndarray, "3 h w"], colour: Float32[np.ndarray, "3"]
) -> Float32[np.ndarray, "h w"]:
    """Return how far colours are from one, in the channel where they are farthest."""
    away, apart = np.zeros(colours.shape[1:], np.float32), np.empty(colours.shape[1:], np.float32)
    # One channel at a time: pictures may have 50 million pixels.
    for one, own in zip(colours, colour, strict=True):
        np.abs(np.subtract(one, own, out=apart), out=apart)
        np.maximum(away, apart, out=away)
    return away


def _without_specks(mask: Bool[np.ndarray, "h w"], share: float) -> Bool[np.ndarray, "h w"]:
    pieces, count = ndimage.label(mask)
    if count == 0:
        return mask
    # Counting makes 8 bytes of each number.
    some = np.array_split(pieces, max(1, len(pieces) // 256))
    areas = sum(np.bincount(rows.ravel(), minlength=count + 1) for rows in some)
    large = np.asarray(areas) >= max(4, share * mask.size)
    large[0] = False
    kept: Bool[np.ndarray, "h w"] = large[pieces]
    return kept
