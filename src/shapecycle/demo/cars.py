"""Procedural cars: the shapes of the demo's world, with a material for every face.

A car is drawn from the ranges of its kind (``KINDS``), in metres, standing on y = 0 with its
front at +z. The body is lofted through cross-sections along its length, the cabin through
layers up to the roof, the wheels are turned; lamps, grille and plates lie on the body's ends.
Every solid is closed, and the whole is its own mirror image about x = 0.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from shapecycle.mesh import Mesh

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

SHAPE_SEEDS = range(0, 400)
"""The demo's training shapes; no picture shows any of these cars."""
TRAIN_PICTURE_SEEDS = range(11_200, 11_260)
"""The cars of the demo's training pictures: a stretch that holds every kind, about by weight."""
HELD_OUT_SEEDS = range(20_800, 20_808)
"""The cars of the validation pictures, in neither training set: a stretch of eight kinds."""

Range = tuple[float, float]


@dataclass(frozen=True)
class Kind:
    """Ranges a kind of car is drawn from; metres, or fractions of the length or height."""

    length: Range
    width: Range
    height: Range
    hood: Range
    """From the nose to the windscreen's foot, as a fraction of the length."""
    deck: Range
    """From the rear window's foot to the tail, as a fraction of the length."""
    windscreen: Range
    """Horizontal run of the windscreen."""
    rear_window: Range
    """Horizontal run of the rear window."""
    belt: Range = (0.60, 0.66)
    """Height of the windows' lower edge, as a fraction of the height."""
    nose: Range = (0.76, 0.90)
    """Height of the hood's front edge, as a fraction of the belt's."""
    tail: Range = (0.96, 1.04)
    """Height of the tail, as a fraction of the belt's."""
    wheel: Range = (0.29, 0.34)
    clearance: Range = (0.16, 0.21)
    softness: Range = (0.35, 0.75)
    """How rounded all edges are; 0 is a crate, 1 a bar of soap."""
    tumblehome: Range = (0.14, 0.24)
    """How much narrower the roof is than the belt, as a fraction of the width."""
    windows: tuple[int, int] = (2, 3)
    """Fewest and most windows on a side."""
    glazed: Range = (0.9, 0.95)
    """How far back the side windows reach, as a fraction of the cabin."""
    flare: Range = (0.0, 0.025)
    rails: float = 0.0
    """Probability of roof rails; the next three likewise."""
    spoiler: float = 0.1
    spare_wheel: float = 0.0
    bed: float = 0.0
    weight: float = 1.0
    """How often the kind is met, relative to the others."""


# fmt: off
KINDS: dict[str, Kind] = {
    "sedan": Kind(
        length=(4.3, 4.95), width=(1.70, 1.88), height=(1.38, 1.50), hood=(0.23, 0.29),
        deck=(0.10, 0.17), windscreen=(0.60, 0.85), rear_window=(0.50, 0.80), weight=1.4,
    ),
    "hatchback": Kind(
        length=(3.6, 4.3), width=(1.62, 1.82), height=(1.40, 1.56), hood=(0.19, 0.25),
        deck=(0.015, 0.03), windscreen=(0.55, 0.85), rear_window=(0.22, 0.55), spoiler=0.3,
        weight=1.4,
    ),
    "estate": Kind(
        length=(4.4, 4.95), width=(1.70, 1.88), height=(1.42, 1.54), hood=(0.23, 0.27),
        deck=(0.012, 0.025), windscreen=(0.60, 0.85), rear_window=(0.15, 0.45), windows=(3, 3),
        rails=0.6,
    ),
    "coupe": Kind(
        length=(4.0, 4.65), width=(1.76, 1.95), height=(1.18, 1.34), hood=(0.27, 0.36),
        deck=(0.03, 0.11), windscreen=(0.65, 0.90), rear_window=(0.80, 1.25), nose=(0.76, 0.90),
        belt=(0.63, 0.69),
        wheel=(0.31, 0.36), clearance=(0.11, 0.15), windows=(1, 2), glazed=(0.70, 0.82),
        softness=(0.5, 0.9), flare=(0.02, 0.05), spoiler=0.4,
    ),
    "city": Kind(
        length=(2.6, 3.4), width=(1.48, 1.66), height=(1.42, 1.58), hood=(0.10, 0.17),
        deck=(0.015, 0.03), windscreen=(0.45, 0.75), rear_window=(0.15, 0.45), windows=(1, 2),
        wheel=(0.26, 0.30), softness=(0.6, 1.0), weight=0.8,
    ),
    "suv": Kind(
        length=(4.2, 4.95), width=(1.80, 2.00), height=(1.62, 1.84), hood=(0.21, 0.26),
        deck=(0.012, 0.03), windscreen=(0.50, 0.75), rear_window=(0.18, 0.50), nose=(0.84, 0.94),
        wheel=(0.35, 0.40), clearance=(0.22, 0.29), flare=(0.02, 0.05), rails=0.6, spoiler=0.3,
        weight=1.2,
    ),
    "jeep": Kind(
        length=(3.6, 4.4), width=(1.66, 1.86), height=(1.75, 1.95), hood=(0.26, 0.32),
        deck=(0.01, 0.02), windscreen=(0.10, 0.30), rear_window=(0.02, 0.12), belt=(0.58, 0.64),
        nose=(0.92, 0.99), tail=(0.99, 1.0), wheel=(0.37, 0.42), clearance=(0.27, 0.36),
        softness=(0.08, 0.3), tumblehome=(0.05, 0.11), flare=(0.05, 0.09), spare_wheel=0.75,
    ),
    "pickup": Kind(
        length=(4.9, 5.6), width=(1.80, 2.02), height=(1.68, 1.90), hood=(0.21, 0.26),
        deck=(0.28, 0.38), windscreen=(0.45, 0.70), rear_window=(0.05, 0.25), belt=(0.60, 0.65),
        nose=(0.88, 0.97), tail=(0.98, 1.02), wheel=(0.36, 0.41), clearance=(0.24, 0.34),
        softness=(0.2, 0.55), windows=(1, 2), flare=(0.02, 0.06), bed=1.0, spoiler=0.0, weight=1.2,
    ),
    "van": Kind(
        length=(4.5, 5.5), width=(1.80, 2.02), height=(1.90, 2.35), hood=(0.09, 0.15),
        deck=(0.008, 0.02), windscreen=(0.55, 0.95), rear_window=(0.04, 0.2), belt=(0.48, 0.55),
        nose=(0.78, 0.92), wheel=(0.32, 0.36), windows=(1, 1), glazed=(0.25, 0.34),
        softness=(0.25, 0.6), tumblehome=(0.06, 0.13),
    ),
    "people_carrier": Kind(
        length=(4.2, 4.9), width=(1.76, 1.95), height=(1.62, 1.82), hood=(0.12, 0.19),
        deck=(0.012, 0.025), windscreen=(0.75, 1.10), rear_window=(0.15, 0.45), belt=(0.54, 0.60),
        windows=(3, 3), softness=(0.5, 0.9), rails=0.4, weight=0.8,
    ),
    "minibus": Kind(
        length=(5.2, 6.6), width=(1.90, 2.10), height=(2.20, 2.65), hood=(0.01, 0.05),
        deck=(0.006, 0.012), windscreen=(0.15, 0.50), rear_window=(0.03, 0.12), belt=(0.46, 0.54),
        nose=(0.92, 1.0), wheel=(0.36, 0.42), windows=(4, 6), softness=(0.25, 0.6),
        tumblehome=(0.03, 0.09), glazed=(0.95, 0.97), spoiler=0.0, weight=0.7,
    ),
    "classic": Kind(
        length=(3.7, 4.4), width=(1.54, 1.72), height=(1.42, 1.58), hood=(0.22, 0.29),
        deck=(0.08, 0.16), windscreen=(0.30, 0.50), rear_window=(0.55, 0.95), nose=(0.82, 0.92),
        tail=(0.84, 0.94), belt=(0.60, 0.66), softness=(0.85, 1.0), tumblehome=(0.22, 0.32),
        flare=(0.03, 0.07), windows=(1, 2), glazed=(0.80, 0.90), weight=0.8,
    ),
}
# fmt: on


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


@dataclass(frozen=True, eq=False)
class Part:
    """Faces of one material.

    Attributes:
        name: What it is: "body", "cabin", "wheel", "headlamp", ...
        material: One of ``MATERIALS``.
        vertices: Positions in the frame of ``car_mesh``.
        faces: Counter-clockwise seen from outside. A solid of several materials comes as one
            part per material; these are closed only together.
    """

    name: str
    material: Material
    vertices: Float[np.ndarray, "v 3"]
    faces: Int[np.ndarray, "f 3"]


@dataclass(frozen=True, eq=False)
class _Solid:
    """A closed surface with an index into ``MATERIALS`` per face."""

    name: str
    vertices: np.ndarray
    faces: np.ndarray
    materials: np.ndarray


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


def car_mesh(car: Car) -> Mesh:
    """Build the whole car as one untextured mesh of closed, overlapping solids.

    Args:
        car: The car to build.

    Returns:
        About 4,000 triangles; centred, bounding-box diagonal 1, +y up, front +z.
    """
    solids = _placed_solids(car)
    starts = np.cumsum([0, *(len(s.vertices) for s in solids)])[:-1]
    vertices = np.concatenate([s.vertices for s in solids])
    faces = np.concatenate([s.faces + start for s, start in zip(solids, starts, strict=True)])
    return Mesh(vertices.astype(np.float32), faces)


def car_parts(car: Car) -> tuple[Part, ...]:
    """Split the car of ``car_mesh`` by material, in the same frame.

    Args:
        car: The car to build.

    Returns:
        Parts whose faces together are exactly those of ``car_mesh``.
    """
    parts = []
    for solid in _placed_solids(car):
        for index in np.unique(solid.materials):
            used, faces = np.unique(solid.faces[solid.materials == index], return_inverse=True)
            vertices = solid.vertices[used].astype(np.float32)
            parts.append(Part(solid.name, MATERIALS[index], vertices, faces.reshape(-1, 3)))
    return tuple(parts)


def write_shapes(folder: Path, seeds: Iterable[int]) -> list[Path]:
    """Write untextured cars as binary PLY files named ``car_<seed>.ply``.

    Args:
        folder: Where to; made if missing.
        seeds: One car each.

    Returns:
        The files written, in the order of the seeds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for seed in seeds:
        file = folder / f"car_{seed:05d}.ply"
        write_ply(file, car_mesh(sample_car(seed)))
        files.append(file)
    return files


def write_ply(file: Path, mesh: Mesh) -> None:
    """Write positions and triangles as a binary little-endian PLY file.

    Args:
        file: Where to.
        mesh: What; its normals and texture are left out.
    """
    header = (
        "ply\nformat binary_little_endian 1.0\n"
        f"element vertex {len(mesh.vertices)}\n"
        "property float x\nproperty float y\nproperty float z\n"
        f"element face {len(mesh.faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    faces = np.empty(len(mesh.faces), dtype=[("count", "u1"), ("indices", "<i4", 3)])
    faces["count"] = 3
    faces["indices"] = mesh.faces
    file.write_bytes(header.encode() + mesh.vertices.astype("<f4").tobytes() + faces.tobytes())


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


def _placed_solids(car: Car) -> list[_Solid]:
    """All solids, moved to the origin and scaled to a bounding-box diagonal of 1."""
    solids = [_body_solid(car), _cabin_solid(car), *_wheel_solids(car), *_end_solids(car)]
    solids += _bolted_solids(car)
    lowest = np.min([s.vertices.min(0) for s in solids], axis=0)
    highest = np.max([s.vertices.max(0) for s in solids], axis=0)
    centre = (lowest + highest) / 2
    centre[0] = 0.0
    scale = 1 / np.linalg.norm(highest - lowest)
    return [_Solid(s.name, (s.vertices - centre) * scale, s.faces, s.materials) for s in solids]


def _rounding(distance: np.ndarray, radius: float) -> np.ndarray:
    """A quarter circle: 1 at distance 0 from the end, 0 from ``radius`` on."""
    inward = 1 - np.clip(distance / radius, 0, 1)
    return 1 - np.sqrt(1 - inward**2)


def _top_height(car: Car, z: np.ndarray) -> np.ndarray:
    """Height of the body's upper edge along its length."""
    body, cabin = car.body, car.cabin
    half = body.length / 2
    along = [-half, cabin.rear_foot, cabin.front_foot, half]
    height = [body.tail_height, body.belt_height * 1.01, body.belt_height, body.nose_height]
    top = np.interp(z, along, height)
    hood = np.clip((half - z) / max(half - cabin.front_foot, 0.2), 0, 1)
    top = top + 0.12 * body.softness * (body.belt_height - body.nose_height + 0.1) * 4 * hood * (
        1 - hood
    )
    front = (0.03 + 0.16 * body.softness) * _rounding(half - z, 0.10 + 0.30 * body.softness)
    rear = (0.02 + 0.10 * body.softness) * _rounding(half + z, 0.06 + 0.18 * body.softness)
    return np.asarray(top - front - rear)


def _bottom_height(car: Car, z: np.ndarray) -> np.ndarray:
    """Height of the floor, which rises towards both ends."""
    half = car.body.length / 2
    rise = 0.09 * _rounding(half - np.abs(z), 0.45)
    return np.asarray(car.body.clearance + rise)


def _arch_height(car: Car, z: np.ndarray) -> np.ndarray:
    """Height of the body's lower edge on its sides: the floor, lifted over the wheels."""
    wheels = car.wheels
    radius = wheels.radius * 1.13
    nearest = np.minimum(np.abs(z - wheels.front), np.abs(z - wheels.rear))
    arch = wheels.radius + np.sqrt(np.maximum(radius**2 - nearest**2, 0))
    lifted = np.where(nearest < radius, arch, 0.0)
    floor = _bottom_height(car, z)
    return np.clip(lifted, floor, np.maximum(_top_height(car, z) - 0.10, floor))


def _plan_half_width(car: Car, z: np.ndarray) -> np.ndarray:
    """Half the body's greatest width along its length."""
    body = car.body
    half = body.length / 2
    soft = body.softness
    front = (0.03 + 0.20 * soft) * _rounding(half - z, 0.10 + 0.65 * soft)
    rear = (0.03 + 0.12 * soft) * _rounding(half + z, 0.08 + 0.50 * soft)
    return np.asarray(body.width / 2 - front - rear)


def _half_width(car: Car, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Half the body's width at a height: tucked in below, rounded at the shoulder."""
    body, wheels = car.body, car.wheels
    waist = 0.55 * body.belt_height + 0.05
    below = np.clip((waist - y) / waist, 0, 1)
    above = np.clip((y - waist) / (body.belt_height - waist), 0, 1)
    half = _plan_half_width(car, z) - 0.10 * below**2 - (0.02 + 0.05 * body.softness) * above**2

    axle = np.where(np.abs(z - wheels.front) < np.abs(z - wheels.rear), wheels.front, wheels.rear)
    reach = np.hypot(z - axle, y - wheels.radius) / wheels.radius
    near = np.clip((1.45 - reach) / 0.3, 0, 1)
    half = half + body.flare * near**2 * (3 - 2 * near)

    shoulder = _shoulder(car)
    over = np.clip((y - (_top_height(car, z) - shoulder)) / shoulder, 0, 1)
    return np.asarray(half - shoulder * (1 - np.sqrt(1 - over**2)))


def _shoulder(car: Car) -> float:
    """Radius of the edge between the body's side and its top."""
    return 0.02 + 0.09 * car.body.softness


def _bend(car: Car, points: np.ndarray) -> np.ndarray:
    """Lean, bow and bulge the two ends; what lies on the body is bent with it."""
    body = car.body
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    half = body.length / 2
    height = np.clip((y - body.clearance) / (body.belt_height - body.clearance), 0, 1)
    across = np.minimum((2 * x / body.width) ** 2, 1.2)
    bumper = body.bumper * np.exp(-(((height - 0.28) / 0.28) ** 2))
    front = np.clip((z - half + 0.6) / 0.6, 0, 1) ** 2
    rear = np.clip((-z - half + 0.6) / 0.6, 0, 1) ** 2
    forward = front * (bumper - body.rake_front * height - body.bow_front * across)
    backward = rear * (bumper - body.rake_rear * height - body.bow_rear * across)
    return np.stack([x, y, z + forward - backward], axis=-1)


def _stations(car: Car) -> np.ndarray:
    """Where the body is cut into cross-sections: dense at its ends, arches and bed."""
    wheels, half = car.wheels, car.body.length / 2
    soft = 0.12 + 0.4 * car.body.softness
    ends = half - soft * np.array([0.0, 0.04, 0.15, 0.4, 0.8])
    turn = np.cos(np.linspace(0, np.pi, 7)) * wheels.radius * 1.13
    # The arch meets the sill in a step: two cuts a few millimetres apart make it upright.
    turn = np.concatenate([turn * 0.999, [turn[0] + 0.004, turn[-1] - 0.004]])
    cuts = [ends, -ends, wheels.front + turn, wheels.rear + turn, np.linspace(-0.6, 0.6, 3) * half]
    cuts.append(np.array([car.cabin.front_foot]))
    if car.body.bed_depth:
        front, rear = car.cabin.rear_foot - 0.12, 0.1 - half
        cuts.append(np.array([front + 0.01, front - 0.01, rear + 0.01, rear - 0.01]))
    stations = np.unique(np.concatenate(cuts).round(4))
    inside = stations[(stations >= -half) & (stations <= half)]
    return np.asarray(inside[np.concatenate([[True], np.diff(inside) > 0.003])])


def _body_solid(car: Car) -> _Solid:
    body = car.body
    z = _stations(car)
    floor, sill, top = _bottom_height(car, z), _arch_height(car, z), _top_height(car, z)
    shoulder = np.minimum(_shoulder(car), (top - sill) * 0.45)
    inner = np.full_like(z, body.width / 2 - car.wheels.width - 0.10)
    inner = np.minimum(inner, _plan_half_width(car, z) - 0.15)

    heights = _side_heights(car, z, sill + 0.03, top - shoulder)
    heights += [top - shoulder * (1 - np.sin(a)) for a in np.radians([35, 65])]
    sides = [(_half_width(car, y, z), y) for y in heights]
    lip = _half_width(car, sill + 0.03, z) - 0.03
    edge = _half_width(car, top - 1e-6, z)

    in_bed = (z < car.cabin.rear_foot - 0.12) & (z > 0.1 - body.length / 2)
    bed = top - np.where(in_bed, min(body.bed_depth, body.belt_height - body.clearance - 0.2), 0)
    wall = np.minimum(edge - 0.02, body.width / 2 - 0.13)
    crown = np.where(in_bed, 0.0, 0.02 + 0.03 * body.softness)
    zero = np.zeros_like(z)
    outline = [
        (zero, floor - 0.01),
        (inner, floor),
        (inner + 0.01, sill),
        (lip, sill),
        *sides,
        (edge, top),
        (wall, top + 0.2 * crown),
        (wall - 0.02, bed + 0.25 * crown),
        (wall * 0.5, bed + 0.8 * crown),
        (zero, bed + crown),
    ]
    rings = np.stack([np.stack([x, y, z], axis=1) for x, y in outline], axis=1)

    rear_pole, front_pole = _end_centre(rings[0]), _end_centre(rings[-1])
    shrunk = (0.25, 0.55, 0.82)
    caps_rear = [rear_pole + (rings[0] - rear_pole) * s for s in shrunk]
    caps_front = [front_pole + (rings[-1] - front_pole) * s for s in shrunk[::-1]]
    rows = np.concatenate([caps_rear, rings, caps_front])

    materials = np.full((len(rows) - 1, len(outline) - 1), PAINT)
    materials[3:-3, :3] = TRIM
    if car.details.cladding:
        materials[3:-3, 3:5] = TRIM
    if body.bed_depth:
        middle = (rows[:-1, 0, 2] + rows[1:, 0, 2]) / 2
        materials[(middle < car.cabin.rear_foot - 0.11) & (middle > 0.1 - body.length / 2), 11:] = (
            TRIM
        )
    solid = _half_loft("body", rows, rear_pole, front_pole, materials, (PAINT, PAINT))
    return _mirrored_whole(_bent(car, solid))


def _side_heights(car: Car, z: np.ndarray, low: np.ndarray, high: np.ndarray) -> list[np.ndarray]:
    """Heights of the side's rows: level along the car, and pushed up only over the arches."""
    level = _bottom_height(car, z) + 0.03
    return [
        np.maximum(level + (high - level) * f, low + (high - low) * f * (0.35 + 0.65 * f))
        for f in (0, 0.33, 0.66, 1)
    ]


def _end_centre(ring: np.ndarray) -> np.ndarray:
    """The middle of a cross-section, on the plane of symmetry."""
    y = ring[:, 1]
    return np.array([0.0, (y.min() + y.max()) / 2, ring[0, 2]])


def _cabin_solid(car: Car) -> _Solid:
    """Layers of one outline, from just under the belt to the roof's middle."""
    columns = _cabin_columns(car.cabin)
    levels = np.array([-0.06, 0.05, 0.35, 0.65, 0.86, 0.93, 0.98, 1.0])
    rows = np.stack([_cabin_layer(car, columns, t) for t in levels])
    roof = np.array([0.0, car.cabin.height + 0.015, rows[-1, :, 2].mean()])
    mid_roof = roof + (rows[-1] - roof) * 0.55
    mid_roof[:, 1] = car.cabin.height + 0.01
    floor = np.array([0.0, car.body.belt_height - 0.25, rows[0, :, 2].mean()])
    rows = np.concatenate([rows, mid_roof[None]])

    materials = np.full((len(rows) - 1, len(columns) - 1), PAINT)
    glazed = np.array([c.glazed for c in columns[:-1]])
    materials[1:4, glazed] = GLASS
    solid = _half_loft("cabin", rows, floor, roof, materials, (TRIM, PAINT))
    return _mirrored_whole(_bent(car, solid))


@dataclass(frozen=True)
class _Column:
    """A point of the cabin's outline: across 0..1 of its half width, along 0..1 to the rear."""

    across: float
    along: float
    glazed: bool = False
    """Whether glass lies between this column and the next."""


def _cabin_columns(cabin: Cabin) -> list[_Column]:
    columns = [_Column(0.0, 0.0, True), _Column(0.5, 0.0, True), _Column(0.88, 0.0)]
    columns.append(_Column(0.975, 0.008))
    for start, end in cabin.windows:
        columns += [_Column(1.0, start, True), _Column(1.0, end)]
    if cabin.windows[-1][1] < 0.6:
        columns += [_Column(1.0, 0.65)]
    columns += [_Column(1.0, 0.97), _Column(0.97, 0.994), _Column(0.84, 1.0, cabin.rear_glass)]
    return [*columns, _Column(0.45, 1.0, cabin.rear_glass), _Column(0.0, 1.0)]


def _cabin_layer(car: Car, columns: list[_Column], level: float) -> np.ndarray:
    """Positions of the cabin's outline at a level: 0 is the belt, 1 the roof."""
    cabin, body = car.cabin, car.body
    up = np.clip(level, 0, 1)
    across = np.array([c.across for c in columns])
    along = np.array([c.along for c in columns])

    height = cabin.height - body.belt_height
    start = 1 - min(2.2 * cabin.roundness / height, 0.9)
    curve = float(np.sqrt(1 - np.clip((up - start) / (1 - start), 0, 1) ** 2))
    inset = cabin.roundness * (1 - curve)

    belly = 0.06 * body.softness * 4 * up * (1 - up)
    front = cabin.front_foot + (cabin.front_head - cabin.front_foot) * up + belly - 1.5 * inset
    rear = cabin.rear_foot + (cabin.rear_head - cabin.rear_foot) * up - belly + 1.5 * inset
    bow = (0.05 + 0.12 * body.softness) * across**2
    towards_front = np.clip(1 - 2 * along, -1, 1)
    z = front + (rear - front) * along - bow * towards_front * np.abs(towards_front)

    foot = _half_width(car, np.full_like(z, body.belt_height - 0.12), z) - 0.03
    foot = foot - 0.5 * _shoulder(car)
    x = across * (foot * (1 - cabin.tumblehome * up**1.15) - inset)
    belt = _top_height(car, z)
    roof = cabin.height - 0.05 * body.softness * (2 * along - 1) ** 2 - 0.02 * across**4
    return np.stack([x, belt + (roof - belt) * level, z], axis=1)


def _wheel_solids(car: Car) -> list[_Solid]:
    wheels = car.wheels
    turned = _turned_wheel(wheels)
    outside = car.body.width / 2 + 0.6 * car.body.flare - 0.035
    solids = []
    for axle in (wheels.front, wheels.rear):
        plan = float(_plan_half_width(car, np.array([axle]))[0]) - car.body.width / 2
        hub = np.array([outside + plan - wheels.width / 2, wheels.radius, axle])
        right = _Solid("wheel", turned.vertices + hub, turned.faces, turned.materials)
        solids += [right, _mirror(right)]
    return solids


def _turned_wheel(wheels: Wheels) -> _Solid:
    """A wheel about the x axis, its outside to +x, centred on the origin."""
    half, radius, rim = wheels.width / 2, wheels.radius, wheels.rim * wheels.radius
    profile = np.array(
        [
            (-half, 0.90 * radius),
            (-0.72 * half, radius),
            (0.72 * half, radius),
            (half, 0.90 * radius),
            (half, rim),
            (half - 0.03, 0.92 * rim),
            (half - 0.02, 0.25 * rim),
        ]
    )
    sectors = 20
    angle = np.arange(sectors) * 2 * np.pi / sectors
    ring = np.stack([np.zeros(sectors), np.cos(angle), np.sin(angle)], axis=1)
    rows = ring[None] * profile[:, 1, None, None]
    rows[..., 0] = profile[:, 0, None]

    materials = np.full((len(profile) - 1, sectors), TYRE)
    materials[4] = METAL
    materials[5] = METAL
    if wheels.spokes:
        share = sectors // wheels.spokes
        materials[5, np.arange(sectors) % share >= (share + 1) // 2] = TRIM
    poles = np.array([-half, 0, 0.0]), np.array([half - 0.01, 0, 0.0])
    return _loft("wheel", rows, poles[0], poles[1], materials, (TYRE, METAL), closed=True)


def _end_solids(car: Car) -> list[_Solid]:
    """Lamps, grille, plates and bumper strips, all lying on the body's ends."""
    body, details = car.body, car.details
    top = body.nose_height - 0.05 - 0.14 * body.softness
    low, half = body.clearance + 0.06, body.width / 2
    span = top - low
    outer = half * (0.93 - 0.16 * body.softness)

    lamp = np.array([top - span * (0.10 + details.lamp_height), top - span * 0.08])
    inner = outer - details.lamp_width * body.width
    solids = _pair(car, "headlamp", HEADLIGHT, (inner, outer), lamp)
    grille_top = top - 0.08 * span
    grille = np.array([grille_top - details.grille_height * span, grille_top])
    reach = min(details.grille_width * half, inner - 0.04)
    solids.append(_patch(car, "grille", TRIM, (-reach, reach), grille, +1))
    intake = np.array([low + 0.04, low + 0.04 + 0.18 * span])
    solids.append(_patch(car, "intake", TRIM, (-0.6 * half, 0.6 * half), intake, +1))

    top = body.tail_height - 0.04 - 0.10 * body.softness
    span = top - low
    outer = half * (0.95 - 0.10 * body.softness)
    lamp = np.array([top - span * (0.05 + details.rear_lamp_height), top - span * 0.05])
    inner = outer - details.rear_lamp_width * body.width
    solids += _pair(car, "tail lamp", TAILLIGHT, (inner, outer), lamp, -1)
    plate = np.array([top - 0.5 * span, top - 0.5 * span + 0.13])
    solids.append(_patch(car, "plate", HEADLIGHT, (-0.26, 0.26), plate, -1))
    strip = np.array([low + 0.02, low + 0.02 + 0.22 * span])
    if details.bumper_trim:
        for end in (-1, 1):
            solids.append(_patch(car, "bumper", TRIM, (-0.8 * half, 0.8 * half), strip, end, 0.035))
    return solids


def _pair(
    car: Car,
    name: str,
    material: int,
    across: tuple[float, float],
    height: np.ndarray,
    end: int = 1,
) -> list[_Solid]:
    right = _patch(car, name, material, across, height, end)
    return [right, _mirror(right)]


def _patch(
    car: Car,
    name: str,
    material: int,
    across: tuple[float, float],
    height: np.ndarray,
    end: int,
    proud: float = 0.022,
) -> _Solid:
    """A thin slab that follows the body's front (``end`` 1) or rear (-1)."""
    x, y = np.meshgrid(np.linspace(*across, 4), np.linspace(height[0], height[1], 3))
    z = _end_surface(car, x, y, end)
    outer = np.stack([x, y, z + end * proud], axis=-1)
    inner = np.stack([x, y, z - end * 0.05], axis=-1)
    # Draw the rim in a little, so that the slab has a soft edge.
    middle = outer.mean((0, 1))
    outer[..., :2] = middle[:2] + (outer[..., :2] - middle[:2]) * 0.94
    return _bent(car, _slab(name, inner, outer, material))


def _end_surface(car: Car, x: np.ndarray, y: np.ndarray, end: int) -> np.ndarray:
    """Where the unbent body's front or rear lies at given x and y, by bisection."""
    half = car.body.length / 2
    inside = np.full_like(x, half - 0.6)
    outside = np.full_like(x, half)
    for _ in range(12):
        middle = (inside + outside) / 2
        z = end * middle
        within = (np.abs(x) < _half_width(car, y, z)) & (y < _top_height(car, z))
        inside, outside = np.where(within, middle, inside), np.where(within, outside, middle)
    return np.asarray(end * inside)


def _bolted_solids(car: Car) -> list[_Solid]:
    """Mirrors, and roof rails, spoiler and spare wheel where the car has them."""
    cabin, details = car.cabin, car.details
    columns = _cabin_columns(cabin)
    door = next(i for i, c in enumerate(columns) if c.across == 1.0)
    foot = _cabin_layer(car, columns, 0.12)[door]
    arm = _block("mirror", foot + np.array([0.07, 0.03, -0.10]), (0.11, 0.065, 0.05), PAINT)
    solids = [arm, _mirror(arm)]

    roof = _cabin_layer(car, columns, 1.0)
    if details.rails:
        side = roof[np.array([c.across == 1.0 for c in columns])]
        middle = np.array([side[:, 0].mean() - 0.02, side[:, 1].mean() + 0.035, side[:, 2].mean()])
        rail = _block("rail", middle, (0.02, 0.022, np.ptp(side[:, 2]) * 0.46), METAL)
        solids += [rail, _mirror(rail)]
    if details.spoiler:
        solids.append(_spoiler(car))
    if details.spare_wheel:
        solids.append(_spare_wheel(car))
    return solids


def _spoiler(car: Car) -> _Solid:
    """A blade over the tail, or over the rear window of a car without a deck."""
    cabin, body = car.cabin, car.body
    has_deck = cabin.rear_foot + body.length / 2 > 0.2
    half = body.width / 2
    if has_deck:
        height, z, across = body.tail_height + 0.02, 0.14 - body.length / 2, 0.68 * half
    else:
        height, z = cabin.height - 0.05, cabin.rear_head - 0.05
        across = half * (1 - cabin.tumblehome) * 0.72
    return _block("spoiler", np.array([0.0, height, z]), (across, 0.028, 0.14), PAINT)


def _spare_wheel(car: Car) -> _Solid:
    wheels = car.wheels
    turned = _turned_wheel(wheels)
    x, y, z = turned.vertices.T
    # Turn the wheel's outside from +x to -z.
    turned_back = np.stack([z, y, -x], axis=1) * 0.86
    height = car.body.clearance + 0.62 * (car.cabin.height - car.body.clearance) * 0.8
    hub = np.array([0.0, height, -car.body.length / 2 - wheels.width * 0.32])
    return _Solid("spare wheel", turned_back + hub, turned.faces, turned.materials)


def _bent(car: Car, solid: _Solid) -> _Solid:
    return _Solid(solid.name, _bend(car, solid.vertices), solid.faces, solid.materials)


def _half_loft(
    name: str,
    rows: np.ndarray,
    first_pole: np.ndarray,
    last_pole: np.ndarray,
    materials: np.ndarray,
    pole_materials: tuple[int, int],
) -> _Solid:
    """The +x half of a solid, open at x = 0."""
    return _loft(name, rows, first_pole, last_pole, materials, pole_materials, closed=False)


def _loft(
    name: str,
    rows: np.ndarray,
    first_pole: np.ndarray,
    last_pole: np.ndarray,
    materials: np.ndarray,
    pole_materials: tuple[int, int],
    *,
    closed: bool,
) -> _Solid:
    """Skin a stack of outlines and close both ends with fans.

    Args:
        name: The solid's name.
        rows: Outlines (r c 3) with equally many points.
        first_pole: Centre of the fan under the first outline; ``last_pole`` over the last.
        last_pole: See ``first_pole``.
        materials: Material of each quadrilateral, (r-1, c-1) or (r-1, c) when closed.
        pole_materials: Materials of the two fans.
        closed: Whether each outline's last point is followed by its first.

    Returns:
        The skin, outside to the left of first-to-last column, seen along the rows.
    """
    count, across = rows.shape[:2]
    index = np.arange(count * across).reshape(count, across)
    if closed:
        index = np.concatenate([index, index[:, :1]], axis=1)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    skin = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], axis=2).reshape(-1, 3)
    first = np.full(index.shape[1] - 1, count * across)
    below = np.stack([first, index[0, 1:], index[0, :-1]], axis=1)
    above = np.stack([first + 1, index[-1, :-1], index[-1, 1:]], axis=1)
    faces = np.concatenate([skin, below, above])
    labels = np.concatenate(
        [
            np.repeat(materials.reshape(-1), 2),
            np.full(len(below), pole_materials[0]),
            np.full(len(above), pole_materials[1]),
        ]
    )
    vertices = np.concatenate([rows.reshape(-1, 3), first_pole[None], last_pole[None]])
    return _outward(_Solid(name, vertices, faces, labels))


def _outward(solid: _Solid) -> _Solid:
    """Turn all faces over if they enclose a negative volume."""
    centred = solid.vertices - solid.vertices.mean(0) * [0, 1, 1]
    a, b, c = (centred[solid.faces[:, k]] for k in range(3))
    if np.einsum("ij,ij->", a, np.cross(b, c)) >= 0:
        return solid
    return _Solid(solid.name, solid.vertices, solid.faces[:, ::-1], solid.materials)


def _mirror(solid: _Solid) -> _Solid:
    """The mirror image about x = 0."""
    return _Solid(solid.name, solid.vertices * [-1, 1, 1], solid.faces[:, ::-1], solid.materials)


def _mirrored_whole(half: _Solid) -> _Solid:
    """Join a half with its mirror image, sharing the vertices on x = 0."""
    on_plane = half.vertices[:, 0] == 0
    count = len(half.vertices)
    twin = np.where(on_plane, np.arange(count), count + np.cumsum(~on_plane) - 1)
    vertices = np.concatenate([half.vertices, half.vertices[~on_plane] * [-1, 1, 1]])
    faces = np.concatenate([half.faces, twin[half.faces][:, ::-1]])
    return _Solid(half.name, vertices, faces, np.tile(half.materials, 2))


def _slab(name: str, inner: np.ndarray, outer: np.ndarray, material: int) -> _Solid:
    """Close two equal grids of points (r c 3) into a slab."""
    rows, columns = inner.shape[:2]
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    sheet = np.concatenate([np.stack([a, b, c], -1), np.stack([a, c, d], -1)]).reshape(-1, 3)
    rim = np.concatenate([index[0, :-1], index[:-1, -1], index[-1, :0:-1], index[:0:-1, 0]])
    ahead, shift = np.roll(rim, -1), rows * columns
    wall = np.concatenate(
        [
            np.stack([rim, ahead, ahead + shift], axis=1),
            np.stack([rim, ahead + shift, rim + shift], axis=1),
        ]
    )
    faces = np.concatenate([sheet[:, ::-1], sheet + shift, wall])
    vertices = np.concatenate([inner.reshape(-1, 3), outer.reshape(-1, 3)])
    solid = _Solid(name, vertices, faces, np.full(len(faces), material))
    a, b, c = (vertices[faces[:, k]] - vertices.mean(0) for k in range(3))
    if np.einsum("ij,ij->", a, np.cross(b, c)) < 0:
        return _Solid(name, vertices, faces[:, ::-1], solid.materials)
    return solid


def _block(
    name: str, centre: np.ndarray, half_size: tuple[float, float, float], material: int
) -> _Solid:
    """A box with bevelled edges along z, symmetric about its centre."""
    corner = np.array([(1, 0.5), (0.6, 1), (-0.6, 1), (-1, 0.5), (-1, -0.5), (-0.6, -1), (0.6, -1)])
    outline = np.concatenate([corner, [(1, -0.5)]])
    rows = np.zeros((4, len(outline), 3))
    for row, (z, size) in zip(rows, ((-1, 0.8), (-0.8, 1), (0.8, 1), (1, 0.8)), strict=True):
        row[:, :2], row[:, 2] = outline * size, z
    materials = np.full((3, len(outline)), material)
    poles = np.array([0, 0, -1.0]), np.array([0, 0, 1.0])
    unit = _loft(name, rows, poles[0], poles[1], materials, (material, material), closed=True)
    return _Solid(name, unit.vertices * half_size + centre, unit.faces, unit.materials)
