"""A chair's measures and styles, and drawing them at random from the ranges of its kind."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from shapecycle.demo.chairs.kinds import (
    KINDS,
    STRETCHERS,
    ArmStyle,
    BackStyle,
    BaseStyle,
    Kind,
    LegMaterial,
    SeatStyle,
    Stretchers,
)

Style = TypeVar("Style", bound=str)


@dataclass(frozen=True)
class Seat:
    """What is sat on. Metres."""

    style: SeatStyle
    height: float
    """Of the upper side, without the cushion."""
    width: float
    depth: float
    thickness: float
    squareness: float
    taper: float
    relief: float
    """Depth of a dish, height of a cushion, or how far a shell's sides rise."""


@dataclass(frozen=True)
class Back:
    """What is leant against: a surface above the seat's rear, and what lies in it. Metres."""

    style: BackStyle
    height: float
    """Of the top above the seat."""
    foot: float
    """Where the lowest rail or panel begins, as a fraction of the height."""
    lean: float
    wrap: float
    """How far the middle lies behind the sides."""
    flare: float
    """Width at the top over that at the seat."""
    count: int
    """Slats, spindles or strips."""
    crest: float
    """Height of the uppermost rail."""
    bow: float
    """How far that rail rises in its middle."""


@dataclass(frozen=True)
class Base:
    """What the seat stands on. Metres."""

    style: BaseStyle
    material: LegMaterial
    girth: float
    """Half the thickness of a leg at its top."""
    slimming: float
    """Its thickness at the floor over that at the top."""
    splay: float
    """How far feet stand out sideways, metres per metre of height; ``rake`` likewise rearwards."""
    rake: float
    apron: float
    """Height of the boards under the seat; 0 without."""
    stretchers: Stretchers
    turning: int
    """Which profile the legs are turned to, and how many spokes a star has."""


@dataclass(frozen=True)
class Arms:
    """What the arms lie on. Metres."""

    style: ArmStyle
    height: float
    """Above the seat."""
    width: float


@dataclass(frozen=True)
class Chair:
    """One chair, in metres: +y up, front +z, standing on y = 0, symmetric about x = 0."""

    kind: str
    seat: Seat
    back: Back
    base: Base
    arms: Arms


def sample_chair(seed: int | np.random.Generator, kind: str | None = None) -> Chair:
    """Draw a chair.

    Args:
        seed: A number (the same number gives the same chair) or a generator to draw from.
        kind: A key of ``KINDS``; drawn by weight when None.

    Returns:
        The chair, in metres.

    Raises:
        ValueError: If ``kind`` is not a key of ``KINDS``.
    """
    generator = np.random.default_rng(seed) if isinstance(seed, int) else seed
    drawn = _drawn({name: k.weight for name, k in KINDS.items()}, generator)
    name = drawn if kind is None else kind
    if name not in KINDS:
        raise ValueError(f"unknown kind {name!r}; known kinds: {', '.join(KINDS)}")
    ranges = KINDS[name]

    base = _sample_base(ranges, generator)
    seat = _sample_seat(ranges, generator)
    back = _sample_back(ranges, generator)
    arms = _sample_arms(ranges, seat, generator)
    if arms.style == "panels" and back.style != "padded":
        # Upholstered sides go with an upholstered back; bars go with bars.
        arms = replace(arms, style="posts")
    return Chair(name, seat, back, base, arms)


def _drawn(
    shares: Mapping[Style, int] | Mapping[Style, float], generator: np.random.Generator
) -> Style:
    """One of the keys, by weight."""
    weights = np.array(list(shares.values()), dtype=float)
    return list(shares)[int(generator.choice(len(weights), p=weights / weights.sum()))]


def _sample_seat(ranges: Kind, generator: np.random.Generator) -> Seat:
    style = _drawn(ranges.seats, generator)
    relief: dict[SeatStyle, float] = {
        "flat": 0.0,
        "dished": generator.uniform(0.008, 0.016),
        "cushioned": generator.uniform(*ranges.cushion),
        "shell": generator.uniform(0.01, 0.055),
    }
    return Seat(
        style=style,
        height=generator.uniform(*ranges.seat_height),
        width=generator.uniform(*ranges.seat_width),
        depth=generator.uniform(*ranges.seat_depth),
        thickness=generator.uniform(*ranges.seat_thickness),
        squareness=generator.uniform(*ranges.squareness),
        taper=generator.uniform(*ranges.taper),
        relief=relief[style],
    )


def _sample_back(ranges: Kind, generator: np.random.Generator) -> Back:
    style = _drawn(ranges.backs, generator)
    count = {"slats": (3, 7), "spindles": (5, 9), "bow": (5, 9), "ladder": (2, 5), "strips": (5, 7)}
    return Back(
        style=style,
        height=generator.uniform(*ranges.back_height),
        foot=generator.uniform(0.14, 0.32),
        lean=generator.uniform(*ranges.lean),
        wrap=generator.uniform(0.005, 0.05),
        flare=generator.uniform(0.96, 1.14),
        count=int(generator.integers(*count.get(style, (3, 5)), endpoint=True)),
        crest=generator.uniform(0.05, 0.10),
        bow=generator.uniform(0.0, 0.03),
    )


def _sample_base(ranges: Kind, generator: np.random.Generator) -> Base:
    style = _drawn(ranges.bases, generator)
    material = _drawn(ranges.legs, generator)
    if style == "turned":
        material = "frame"
    elif style in ("star", "pedestal", "sled", "cantilever"):
        material = "metal"
    splayed = style in ("splayed", "turned")
    return Base(
        style=style,
        material=material,
        girth=generator.uniform(*ranges.girth) * (1.0 if material == "frame" else 0.66),
        slimming=generator.uniform(0.55, 0.95) if material == "frame" else 1.0,
        splay=generator.uniform(0.07, 0.20) if splayed else generator.uniform(0.0, 0.02),
        rake=generator.uniform(0.08, 0.22) if splayed else generator.uniform(0.0, 0.12),
        apron=generator.uniform(0.045, 0.08) if generator.random() < 0.6 else 0.0,
        stretchers=_drawn(STRETCHERS, generator),
        turning=int(generator.integers(3)),
    )


def _sample_arms(ranges: Kind, seat: Seat, generator: np.random.Generator) -> Arms:
    cushion = seat.relief if seat.style == "cushioned" else 0.0
    return Arms(
        style=_drawn(ranges.arms, generator),
        height=cushion + generator.uniform(0.17, 0.23),
        width=generator.uniform(0.035, 0.06),
    )
