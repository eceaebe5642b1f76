"""The form of a car's body: how high and how wide it is where, and how its ends are bent."""

import numpy as np

from shapecycle.demo.cars.design import Car
from shapecycle.demo.solids import Solid


def _rounding(distance: np.ndarray, radius: float) -> np.ndarray:
    """A quarter circle: 1 at distance 0 from the end, 0 from ``radius`` on."""
    inward = 1 - np.clip(distance / radius, 0, 1)
    return 1 - np.sqrt(1 - inward**2)


def top_height(car: Car, z: np.ndarray) -> np.ndarray:
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


def bottom_height(car: Car, z: np.ndarray) -> np.ndarray:
    """Height of the floor, which rises towards both ends."""
    half = car.body.length / 2
    rise = 0.09 * _rounding(half - np.abs(z), 0.45)
    return np.asarray(car.body.clearance + rise)


def arch_height(car: Car, z: np.ndarray) -> np.ndarray:
    """Height of the body's lower edge on its sides: the floor, lifted over the wheels."""
    wheels = car.wheels
    radius = wheels.radius * 1.13
    nearest = np.minimum(np.abs(z - wheels.front), np.abs(z - wheels.rear))
    arch = wheels.radius + np.sqrt(np.maximum(radius**2 - nearest**2, 0))
    lifted = np.where(nearest < radius, arch, 0.0)
    floor = bottom_height(car, z)
    return np.clip(lifted, floor, np.maximum(top_height(car, z) - 0.10, floor))


def plan_half_width(car: Car, z: np.ndarray) -> np.ndarray:
    """Half the body's greatest width along its length."""
    body = car.body
    half = body.length / 2
    soft = body.softness
    front = (0.03 + 0.20 * soft) * _rounding(half - z, 0.10 + 0.65 * soft)
    rear = (0.03 + 0.12 * soft) * _rounding(half + z, 0.08 + 0.50 * soft)
    return np.asarray(body.width / 2 - front - rear)


def half_width(car: Car, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Half the body's width at a height: tucked in below, rounded at the shoulder."""
    body, wheels = car.body, car.wheels
    waist = 0.55 * body.belt_height + 0.05
    below = np.clip((waist - y) / waist, 0, 1)
    above = np.clip((y - waist) / (body.belt_height - waist), 0, 1)
    half = plan_half_width(car, z) - 0.10 * below**2 - (0.02 + 0.05 * body.softness) * above**2

    axle = np.where(np.abs(z - wheels.front) < np.abs(z - wheels.rear), wheels.front, wheels.rear)
    reach = np.hypot(z - axle, y - wheels.radius) / wheels.radius
    near = np.clip((1.45 - reach) / 0.3, 0, 1)
    half = half + body.flare * near**2 * (3 - 2 * near)

    shoulder = shoulder_radius(car)
    over = np.clip((y - (top_height(car, z) - shoulder)) / shoulder, 0, 1)
    return np.asarray(half - shoulder * (1 - np.sqrt(1 - over**2)))


def shoulder_radius(car: Car) -> float:
    """Radius of the edge between the body's side and its top."""
    return 0.02 + 0.09 * car.body.softness


def bent(car: Car, solid: Solid) -> Solid:
    """Bend a solid that was built straight with the body's two ends."""
    return Solid(solid.name, _bend(car, solid.vertices), solid.faces, solid.materials)


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
