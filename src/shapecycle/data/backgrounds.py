"""Masks of objects that lie on a background of one colour."""

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
SPECK = 0.001
"""Area, as a share of the picture, of pieces and openings that are noise."""


def on_background(
    colours: Float32[np.ndarray, "3 h w"], background: Float[np.ndarray, "3"] | None = None
) -> Float32[np.ndarray, "h w"] | None:
    """Return the mask of an object on a background of one colour; None if it is not of one.

    What has the background's colour and is joined to the rim is outside, and so is what the object
    surrounds, where it has that colour closely; specks are neither.

    Args:
        colours: sRGB, in [0, 1].
        background: Its colour; by default the median of the rim.
    """
    height, width = colours.shape[1:]
    reach = max(1, round(RING * min(height, width)))
    is_rim = np.ones((height, width), dtype=bool)
    is_rim[reach:-reach, reach:-reach] = False
    rim = colours[:, is_rim]
    colour = np.median(rim, axis=1) if background is None else np.asarray(background)
    away = np.abs(colours - colour[:, None, None]).max(0)
    on_rim = away[is_rim]
    if (on_rim < OFF).mean() < EVEN:
        return None
    # Noise of the camera, and of JPEG, is seen on the rim.
    noise = float(np.quantile(on_rim[on_rim < OFF], 0.98))
    threshold = max(0.02, 1.5 * noise)
    near: Bool[np.ndarray, "h w"] = away < threshold
    pieces, _ = ndimage.label(near)
    outside = np.isin(pieces, np.unique(pieces[is_rim & near])) & near
    openings = _without_specks(near & ~outside & (away < STRICT * threshold + noise), SPECK)
    inside = _without_specks(~(outside | openings), SPECK)
    if not inside.any():
        return None
    return _matted(colours, colour, inside)


def _matted(
    colours: Float32[np.ndarray, "3 h w"],
    background: Float[np.ndarray, "3"],
    inside: Bool[np.ndarray, "h w"],
) -> Float32[np.ndarray, "h w"]:
    """Return coverage: along the outline a pixel mixes the background with the object nearby."""
    core = ndimage.binary_erosion(inside, iterations=BAND)
    alpha = inside.astype(np.float32)
    if not core.any():
        return alpha
    band = ndimage.binary_dilation(inside) & ~core
    row, column = ndimage.distance_transform_edt(~core, return_distances=False, return_indices=True)
    own = colours[:, row, column] - background[:, None, None]
    mixed = colours - background[:, None, None]
    share = (own * mixed).sum(0) / np.maximum((own * own).sum(0), 1e-4)
    alpha[band] = share[band].clip(0, 1)
    return alpha


def _without_specks(mask: Bool[np.ndarray, "h w"], share: float) -> Bool[np.ndarray, "h w"]:
    pieces, count = ndimage.label(mask)
    if count == 0:
        return mask
    areas = np.bincount(pieces.ravel())
    large = areas >= max(4, share * mask.size)
    large[0] = False
    kept: Bool[np.ndarray, "h w"] = large[pieces]
    return kept
