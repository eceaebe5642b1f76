"""What the cars of the pictures look like: their paint, and what is not painted."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from reflectance import Colour, Reflectance, hue_colour, principled

from shapecycle.demo import cars

HUES = (0.99, 0.01, 0.05, 0.12, 0.28, 0.40, 0.50, 0.57, 0.60, 0.64, 0.78, 0.93)
"""Paint hues in turns: reds and blues are the most frequent."""


@dataclass(frozen=True)
class Paint:
    """How a car's paint looks; colours are sRGB in [0, 1]."""

    colour: Colour
    roof: Colour
    roughness: float
    metallic: float
    clearcoat: float


def sample_car_look(generator: np.random.Generator) -> Callable[[cars.Part], Reflectance]:
    """Draw the reflectance of every part of one car."""
    paint = sample_paint(generator)
    return lambda part: material_of(part, paint)


def sample_paint(generator: np.random.Generator) -> Paint:
    """Draw a paint: two thirds colours, one third white, silver, grey or black."""
    if generator.random() < 0.33:
        grey = generator.choice([0.92, 0.72, 0.45, 0.16]) + generator.uniform(-0.05, 0.05)
        colour = np.full(3, grey) + generator.uniform(-0.015, 0.015, 3)
    else:
        hue = generator.choice(HUES) + generator.normal(0, 0.025)
        saturation, value = generator.uniform(0.4, 0.92), generator.uniform(0.35, 0.9)
        colour = hue_colour(hue, saturation, value)
    roof = colour
    if generator.random() < 0.15:
        roof = np.full(3, generator.choice([0.9, 0.12]))
    finish = generator.choice(["gloss", "metallic", "satin"], p=[0.5, 0.3, 0.2])
    return Paint(
        colour=tuple(np.clip(colour, 0.03, 0.97).tolist()),
        roof=tuple(np.clip(roof, 0.03, 0.97).tolist()),
        roughness=generator.uniform(*((0.4, 0.6) if finish == "satin" else (0.12, 0.28))),
        metallic=generator.uniform(0.3, 0.6) if finish == "metallic" else 0.0,
        clearcoat=0.0 if finish == "satin" else 1.0,
    )


def material_of(part: cars.Part, paint: Paint) -> Reflectance:
    """The reflectance of a part."""
    if part.material == "paint":
        colour = paint.roof if part.name == "cabin" else paint.colour
        return principled(colour, paint.roughness, paint.metallic, paint.clearcoat)
    colour = cars.ALBEDO[part.material]
    roughness, metallic, clearcoat = {
        "glass": (0.10, 0.0, 0.0),
        "tyre": (0.75, 0.0, 0.0),
        "metal": (0.25, 0.8, 0.0),
        "headlight": (0.25, 0.0, 1.0),
        "taillight": (0.25, 0.0, 1.0),
        "trim": (0.6, 0.0, 0.0),
    }[part.material]
    return principled(colour, roughness, metallic, clearcoat)
