"""What the chairs of the pictures look like: wood or paint, fabric or leather, plastic, metal."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from reflectance import Colour, Reflectance, hue_colour, principled

from shapecycle.demo import chairs

WOODS: tuple[Colour, ...] = (
    (0.80, 0.66, 0.48),
    (0.72, 0.55, 0.35),
    (0.62, 0.40, 0.24),
    (0.52, 0.28, 0.16),
    (0.36, 0.23, 0.15),
    (0.16, 0.12, 0.10),
    (0.84, 0.80, 0.73),
)
"""Beech, oak, teak, cherry, walnut, stained black, whitewashed."""
LEATHERS: tuple[Colour, ...] = (
    (0.11, 0.10, 0.10),
    (0.30, 0.17, 0.10),
    (0.55, 0.33, 0.18),
    (0.82, 0.76, 0.66),
    (0.42, 0.09, 0.08),
)
"""Black, brown, tan, cream, oxblood."""
METALS: tuple[tuple[Colour, float, float], ...] = (
    ((0.86, 0.86, 0.88), 0.12, 1.0),
    ((0.66, 0.66, 0.68), 0.38, 1.0),
    ((0.86, 0.68, 0.38), 0.22, 1.0),
    ((0.09, 0.09, 0.09), 0.45, 0.0),
    ((0.88, 0.88, 0.86), 0.40, 0.0),
)
"""Colour, roughness and metallic of chrome, brushed steel, brass, black and white powder coat."""
GREYS = (0.90, 0.62, 0.35, 0.13)
REPEATS_PER_UNIT = 6
"""How often a pattern repeats across an object of diagonal 1."""


def sample_chair_look(generator: np.random.Generator) -> Callable[[chairs.Part], Reflectance]:
    """Draw the reflectance of every part of one chair; equal materials look the same."""
    wood = _wood(generator)
    frame = wood if generator.random() < 0.72 else _paint(generator)
    padding = _fabric(generator) if generator.random() < 0.6 else _leather(generator)
    shell = _wood(generator) if generator.random() < 0.25 else _plastic(generator)
    colour, roughness, metallic = METALS[int(generator.choice(5, p=(0.32, 0.18, 0.08, 0.32, 0.1)))]
    looks = {
        "frame": frame,
        "padding": padding,
        "shell": shell,
        "metal": principled(colour, roughness, metallic, 0.0),
        "rubber": principled(chairs.ALBEDO["rubber"], 0.6, 0.0, 0.0),
    }
    return lambda part: looks[part.material]


def _wood(generator: np.random.Generator) -> Reflectance:
    colour = _varied(WOODS[int(generator.integers(len(WOODS)))], 0.05, generator)
    gloss = float(generator.random() < 0.35)
    roughness = generator.uniform(0.30, 0.55)
    return _patterned(colour, roughness, gloss, _grain(generator))


def _paint(generator: np.random.Generator) -> Reflectance:
    colour = _any_colour(generator, grey=0.45, saturation=(0.25, 0.8), value=(0.35, 0.9))
    return principled(colour, generator.uniform(0.25, 0.5), 0.0, 0.4)


def _plastic(generator: np.random.Generator) -> Reflectance:
    colour = _any_colour(generator, grey=0.5, saturation=(0.4, 0.9), value=(0.45, 0.92))
    return principled(colour, generator.uniform(0.22, 0.45), 0.0, 0.2)


def _leather(generator: np.random.Generator) -> Reflectance:
    colour = _varied(LEATHERS[int(generator.integers(len(LEATHERS)))], 0.04, generator)
    return principled(colour, generator.uniform(0.35, 0.5), 0.0, 0.1)


def _fabric(generator: np.random.Generator) -> Reflectance:
    colour = _any_colour(generator, grey=0.35, saturation=(0.15, 0.65), value=(0.3, 0.85))
    pattern = _stripes(generator) if generator.random() < 0.25 else _weave(generator)
    return _patterned(colour, 0.9, 0.0, pattern)


def _patterned(
    colour: Colour, roughness: float, clearcoat: float, pattern: Float[np.ndarray, "h w 1"]
) -> Reflectance:
    repeated = np.tile(pattern, (REPEATS_PER_UNIT, 1, 1))
    return principled(colour, roughness, 0.0, clearcoat, pattern=repeated)


def _grain(generator: np.random.Generator) -> Float[np.ndarray, "h w 1"]:
    """Streaks along a board: wavy across, slow along, the same at both ends."""
    along = np.arange(128)[None, :] / 128 * 2 * np.pi
    across = np.arange(128)[:, None] / 128 * 2 * np.pi
    bend = 0.8 * np.sin(along + generator.uniform(0, 6)) + 0.3 * np.sin(2 * along)
    streaks = sum(
        generator.uniform(0.4, 1.0) / k**0.3 * np.sin(k * across + bend + generator.uniform(0, 6))
        for k in (2, 3, 5, 9, 17, 30)
    )
    strength = generator.uniform(0.05, 0.16)
    return np.asarray(1 + strength * streaks)[..., None]


def _weave(generator: np.random.Generator) -> Float[np.ndarray, "h w 1"]:
    """Fine speckles."""
    return 1 + generator.uniform(0.05, 0.25) * generator.uniform(-1, 1, (64, 64, 1))


def _stripes(generator: np.random.Generator) -> Float[np.ndarray, "h w 1"]:
    """Bands along the longer side of a cushion, lighter and darker."""
    count, share = int(generator.integers(1, 4)), generator.uniform(0.25, 0.6)
    band = (np.arange(96) * count / 96) % 1 < share
    return np.broadcast_to(
        np.where(band, 1.0, generator.uniform(0.3, 0.7))[:, None, None], (96, 4, 1)
    )


def _any_colour(
    generator: np.random.Generator,
    grey: float,
    saturation: tuple[float, float],
    value: tuple[float, float],
) -> Colour:
    """Grey with a probability, else of any hue."""
    if generator.random() < grey:
        level = float(GREYS[int(generator.integers(len(GREYS)))])
        return _varied((level, level, level), 0.05, generator)
    colour = hue_colour(
        generator.random(), generator.uniform(*saturation), generator.uniform(*value)
    )
    return _clipped(colour)


def _varied(colour: Colour, spread: float, generator: np.random.Generator) -> Colour:
    """A colour a little lighter or darker, and a little off its hue."""
    shade, tint = generator.uniform(-spread, spread), generator.uniform(-1, 1, 3) * 0.3 * spread
    return _clipped(np.array(colour) + shade + tint)


def _clipped(colour: np.ndarray) -> Colour:
    red, green, blue = np.clip(colour, 0.04, 0.95).tolist()
    return red, green, blue
