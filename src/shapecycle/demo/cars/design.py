"""A car's measures, and drawing them at random from the ranges of its kind."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from shapecycle.demo.cars.kinds import KINDS, Kind


@dataclass(frozen=True)
class Body:
    """The lower shell: everything under the windows. Metres."""

    length: float
    width: float
    clearance: float
    nose_height: float
    belt_height: float
    tail_height: float
    softness: float
    rake_front: float
    """How far the nose leans back at belt height; the tail likewise."""
    rake_rear: float
    bow_front: float
    """How far the corners lie behind the nose's middle; the tail likewise."""
    bow_rear: float
    bumper: float
    flare: float
    bed_depth: float
    """Depth of the open load bed; 0 without one."""


@dataclass(frozen=True)
class Cabin:
    """The upper shell, between windows' foot and roof. Metres; z is positive to the front."""

    front_foot: float
    front_head: float
    rear_foot: float
    rear_head: float
    height: float
    """The roof's height above the ground."""
    tumblehome: float
    roundness: float
    windows: tuple[tuple[float, float], ...]
    """Where side windows start and end, 0 at the windscreen and 1 at the rear window."""
    rear_glass: bool


@dataclass(frozen=True)
class Wheels:
    """Four equal wheels. Metres."""

    radius: float
    width: float
    front: float
    """The front axle's z; the rear's likewise."""
    rear: float
    rim: float
    """The rim's radius as a fraction of the wheel's."""
    spokes: Literal[0, 4, 5, 10]


@dataclass(frozen=True)
class Details:
    """What is bolted on. Lengths are fractions of the body's width or height."""

    lamp_width: float
    lamp_height: float
    rear_lamp_width: float
    rear_lamp_height: float
    grille_width: float
    grille_height: float
    bumper_trim: bool
    cladding: bool
    rails: bool
    spoiler: bool
    spare_wheel: bool


@dataclass(frozen=True)
class Car:
    """One car, in metres: +y up, front +z, standing on y = 0, symmetric about x = 0."""

    kind: str
    body: Body
    cabin: Cabin
    wheels: Wheels
    details: Details


def sample_car(seed: int | np.random.Generator, kind: str | None = None) -> Car:
    """Draw a car.

    Args:
        seed: A number (the same number gives the same car) or a generator to draw from.
        kind: A key of ``KINDS``; drawn by weight when None.

    Returns:
        The car, in metres.

    Raises:
        ValueError: If ``kind`` is not a key of ``KINDS``.
    """
    generator = np.random.default_rng(seed) if isinstance(seed, int) else seed
    weights = np.array([k.weight for k in KINDS.values()])
    drawn = str(generator.choice(list(KINDS), p=weights / weights.sum()))
    name = drawn if kind is None else kind
    if name not in KINDS:
        raise ValueError(f"unknown kind {name!r}; known kinds: {', '.join(KINDS)}")
    ranges = KINDS[name]

    height = generator.uniform(*ranges.height)
    body = _sample_body(ranges, height, generator)
    wheels = _sample_wheels(ranges, body, generator)
    cabin = _sample_cabin(ranges, body, height, generator)
    return Car(name, body, cabin, wheels, _sample_details(ranges, generator))


def _sample_body(ranges: Kind, height: float, generator: np.random.Generator) -> Body:
    belt = height * generator.uniform(*ranges.belt)
    softness = generator.uniform(*ranges.softness)
    return Body(
        length=generator.uniform(*ranges.length),
        width=generator.uniform(*ranges.width),
        clearance=generator.uniform(*ranges.clearance),
        nose_height=belt * generator.uniform(*ranges.nose),
        belt_height=belt,
        tail_height=belt * generator.uniform(*ranges.tail),
        softness=softness,
        rake_front=generator.uniform(-0.02, 0.14) * (0.3 + softness),
        rake_rear=generator.uniform(-0.02, 0.12) * (0.3 + softness),
        bow_front=generator.uniform(0.05, 0.22) * softness,
        bow_rear=generator.uniform(0.03, 0.14) * softness,
        bumper=generator.uniform(0.02, 0.09),
        flare=generator.uniform(*ranges.flare),
        bed_depth=0.45 if generator.random() < ranges.bed else 0.0,
    )


def _sample_wheels(ranges: Kind, body: Body, generator: np.random.Generator) -> Wheels:
    # The fender must close over the wheel: low noses take smaller wheels.
    fender = 0.5 * (body.nose_height + body.belt_height)
    radius = min(1.06 * generator.uniform(*ranges.wheel), (fender - 0.06) / 2.13)
    nose_to_axle = radius + max(0.22, body.length * generator.uniform(0.085, 0.115))
    axle_to_tail = radius + max(0.18, body.length * generator.uniform(0.09, 0.145))
    return Wheels(
        radius=radius,
        width=radius * generator.uniform(0.62, 0.8),
        front=body.length / 2 - nose_to_axle,
        rear=axle_to_tail - body.length / 2,
        rim=generator.uniform(0.58, 0.70),
        spokes=(0, 4, 5, 10)[int(generator.integers(4))],
    )


def _sample_cabin(ranges: Kind, body: Body, height: float, generator: np.random.Generator) -> Cabin:
    front = body.length * (0.5 - generator.uniform(*ranges.hood))
    rear = body.length * (generator.uniform(*ranges.deck) - 0.5)
    run_front = generator.uniform(*ranges.windscreen)
    run_rear = generator.uniform(*ranges.rear_window)
    # A short cabin keeps a roof: both screens may take at most three fifths of it.
    steepen = min(1.0, 0.6 * (front - rear) / (run_front + run_rear))
    return Cabin(
        front_foot=front,
        front_head=front - run_front * steepen,
        rear_foot=rear,
        rear_head=rear + run_rear * steepen,
        height=height,
        tumblehome=generator.uniform(*ranges.tumblehome),
        roundness=0.03 + body.softness * generator.uniform(0.06, 0.14),
        windows=_sample_windows(ranges, generator),
        rear_glass=ranges.windows != (1, 1) or bool(generator.random() < 0.6),
    )


def _sample_windows(
    ranges: Kind, generator: np.random.Generator
) -> tuple[tuple[float, float], ...]:
    count = int(generator.integers(ranges.windows[0], ranges.windows[1] + 1))
    pillar = generator.uniform(0.025, 0.05)
    start, end = generator.uniform(0.035, 0.06), generator.uniform(*ranges.glazed)
    widths = generator.uniform(0.85, 1.15, count)
    widths[-1] *= 0.75
    widths *= (end - start - pillar * (count - 1)) / widths.sum()
    starts = start + np.concatenate([[0.0], np.cumsum(widths[:-1] + pillar)])
    return tuple((float(a), float(a + w)) for a, w in zip(starts, widths, strict=True))


def _sample_details(ranges: Kind, generator: np.random.Generator) -> Details:
    tall_rear_lamps = bool(generator.random() < 0.4)
    return Details(
        lamp_width=generator.uniform(0.13, 0.24),
        lamp_height=generator.uniform(0.10, 0.20),
        rear_lamp_width=generator.uniform(0.08, 0.12)
        if tall_rear_lamps
        else generator.uniform(0.15, 0.25),
        rear_lamp_height=generator.uniform(0.30, 0.42)
        if tall_rear_lamps
        else generator.uniform(0.12, 0.2),
        grille_width=generator.uniform(0.2, 0.48),
        grille_height=generator.uniform(0.1, 0.26),
        bumper_trim=bool(generator.random() < 0.4),
        cladding=bool(generator.random() < 0.35),
        rails=bool(generator.random() < ranges.rails),
        spoiler=bool(generator.random() < ranges.spoiler),
        spare_wheel=bool(generator.random() < ranges.spare_wheel),
    )
