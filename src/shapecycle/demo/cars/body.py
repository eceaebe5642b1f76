"""The body, lofted through cross-sections along the car's length."""

import numpy as np

from shapecycle.demo.cars.design import Car
from shapecycle.demo.cars.materials import PAINT, TRIM
from shapecycle.demo.cars.profile import (
    arch_height,
    bent,
    bottom_height,
    half_width,
    plan_half_width,
    shoulder_radius,
    top_height,
)
from shapecycle.demo.solids import Solid, half_loft, mirrored_whole


def body_solid(car: Car) -> Solid:
    """The lower shell, arches and load bed with it."""
    body = car.body
    z = _stations(car)
    floor, sill, top = bottom_height(car, z), arch_height(car, z), top_height(car, z)
    shoulder = np.minimum(shoulder_radius(car), (top - sill) * 0.45)
    inner = np.full_like(z, body.width / 2 - car.wheels.width - 0.10)
    inner = np.minimum(inner, plan_half_width(car, z) - 0.15)

    heights = _side_heights(car, z, sill + 0.03, top - shoulder)
    heights += [top - shoulder * (1 - np.sin(a)) for a in np.radians([35, 65])]
    sides = [(half_width(car, y, z), y) for y in heights]
    lip = half_width(car, sill + 0.03, z) - 0.03
    edge = half_width(car, top - 1e-6, z)

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
    solid = half_loft("body", rows, rear_pole, front_pole, materials, (PAINT, PAINT))
    return mirrored_whole(bent(car, solid))


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


def _side_heights(car: Car, z: np.ndarray, low: np.ndarray, high: np.ndarray) -> list[np.ndarray]:
    """Heights of the side's rows: level along the car, and pushed up only over the arches."""
    level = bottom_height(car, z) + 0.03
    return [
        np.maximum(level + (high - level) * f, low + (high - low) * f * (0.35 + 0.65 * f))
        for f in (0, 0.33, 0.66, 1)
    ]


def _end_centre(ring: np.ndarray) -> np.ndarray:
    """The middle of a cross-section, on the plane of symmetry."""
    y = ring[:, 1]
    return np.array([0.0, (y.min() + y.max()) / 2, ring[0, 2]])
