"""What cars are made of."""

from typing import Literal

Material = Literal["paint", "glass", "tyre", "metal", "headlight", "taillight", "trim"]
MATERIALS: tuple[Material, ...] = (
    "paint",
    "glass",
    "tyre",
    "metal",
    "headlight",
    "taillight",
    "trim",
)
ALBEDO: dict[Material, tuple[float, float, float]] = {
    "glass": (0.13, 0.15, 0.18),
    "tyre": (0.12, 0.12, 0.12),
    "metal": (0.75, 0.75, 0.77),
    "headlight": (0.90, 0.90, 0.86),
    "taillight": (0.66, 0.08, 0.08),
    "trim": (0.17, 0.17, 0.18),
}
"""sRGB albedo of every material but the paint, whose colour is the picture's to choose."""
PAINT, GLASS, TYRE, METAL, HEADLIGHT, TAILLIGHT, TRIM = range(7)
"""Indices into ``MATERIALS``."""
