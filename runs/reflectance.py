"""Reflectances of path-traced pictures, as dictionaries for Mitsuba."""

from typing import Any

import mitsuba as mi
import numpy as np
from jaxtyping import Float

Reflectance = dict[str, Any]
Colour = tuple[float, float, float]


def principled(
    colour: Colour,
    roughness: float,
    metallic: float,
    clearcoat: float,
    *,
    pattern: Float[np.ndarray, "h w 1"] | None = None,
) -> Reflectance:
    """A principled reflectance.

    Args:
        colour: sRGB in [0, 1].
        roughness: 0 is a mirror.
        metallic: 1 for a bare metal.
        clearcoat: Strength of a gloss over all.
        pattern: What the linear colour is multiplied by over the texture coordinates' unit
            square, which repeats; even where None.
    """
    encoded = np.array(colour)
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    base: dict[str, Any] = {"type": "rgb", "value": linear.tolist()}
    if pattern is not None:
        image = np.clip(linear * pattern, 0, 1).astype(np.float32)
        base = {"type": "bitmap", "bitmap": mi.Bitmap(image), "raw": True}
    return {
        "type": "principled",
        "base_color": base,
        "roughness": roughness,
        "metallic": metallic,
        "specular": 0.5,
        "clearcoat": clearcoat,
        "clearcoat_gloss": 0.95,
    }


def hue_colour(hue: float, saturation: float, value: float) -> np.ndarray:
    """An sRGB colour of a hue in turns; red is 0."""
    wheel = np.clip(np.abs((hue * 6 + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    return np.asarray(value * (1 - saturation * (1 - wheel)))
