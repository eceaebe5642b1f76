"""The wheels, turned about their axles."""

import numpy as np

from shapecycle.demo.cars.design import Car, Wheels
from shapecycle.demo.cars.materials import METAL, TRIM, TYRE
from shapecycle.demo.cars.profile import plan_half_width
from shapecycle.demo.solids import Solid, loft, mirror


def wheel_solids(car: Car) -> list[Solid]:
    """The four wheels under the car."""
    wheels = car.wheels
    turned = _turned_wheel(wheels)
    outside = car.body.width / 2 + 0.6 * car.body.flare - 0.035
    solids = []
    for axle in (wheels.front, wheels.rear):
        plan = float(plan_half_width(car, np.array([axle]))[0]) - car.body.width / 2
        hub = np.array([outside + plan - wheels.width / 2, wheels.radius, axle])
        right = Solid("wheel", turned.vertices + hub, turned.faces, turned.materials)
        solids += [right, mirror(right)]
    return solids


def spare_wheel_solid(car: Car) -> Solid:
    """A wheel on the tail, its outside to the rear."""
    wheels = car.wheels
    turned = _turned_wheel(wheels)
    x, y, z = turned.vertices.T
    # Turn the wheel's outside from +x to -z.
    turned_back = np.stack([z, y, -x], axis=1) * 0.86
    height = car.body.clearance + 0.62 * (car.cabin.height - car.body.clearance) * 0.8
    hub = np.array([0.0, height, -car.body.length / 2 - wheels.width * 0.32])
    return Solid("spare wheel", turned_back + hub, turned.faces, turned.materials)


def _turned_wheel(wheels: Wheels) -> Solid:
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
    return loft("wheel", rows, poles[0], poles[1], materials, (TYRE, METAL), closed=True)
