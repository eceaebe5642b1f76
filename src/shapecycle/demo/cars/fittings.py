"""Lamps, grille and plates on the body's ends, and what is bolted on."""

import numpy as np

from shapecycle.demo.cars.cabin import cabin_columns, cabin_layer
from shapecycle.demo.cars.design import Car
from shapecycle.demo.cars.materials import HEADLIGHT, METAL, PAINT, TAILLIGHT, TRIM
from shapecycle.demo.cars.profile import bent, half_width, top_height
from shapecycle.demo.cars.wheels import spare_wheel_solid
from shapecycle.demo.solids import Solid, block, mirror, slab


def end_solids(car: Car) -> list[Solid]:
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
) -> list[Solid]:
    right = _patch(car, name, material, across, height, end)
    return [right, mirror(right)]


def _patch(
    car: Car,
    name: str,
    material: int,
    across: tuple[float, float],
    height: np.ndarray,
    end: int,
    proud: float = 0.022,
) -> Solid:
    """A thin slab that follows the body's front (``end`` 1) or rear (-1)."""
    x, y = np.meshgrid(np.linspace(*across, 4), np.linspace(height[0], height[1], 3))
    z = _end_surface(car, x, y, end)
    outer = np.stack([x, y, z + end * proud], axis=-1)
    inner = np.stack([x, y, z - end * 0.05], axis=-1)
    # Draw the rim in a little, so that the slab has a soft edge.
    middle = outer.mean((0, 1))
    outer[..., :2] = middle[:2] + (outer[..., :2] - middle[:2]) * 0.94
    return bent(car, slab(name, inner, outer, material))


def _end_surface(car: Car, x: np.ndarray, y: np.ndarray, end: int) -> np.ndarray:
    """Where the unbent body's front or rear lies at given x and y, by bisection."""
    half = car.body.length / 2
    inside = np.full_like(x, half - 0.6)
    outside = np.full_like(x, half)
    for _ in range(12):
        middle = (inside + outside) / 2
        z = end * middle
        within = (np.abs(x) < half_width(car, y, z)) & (y < top_height(car, z))
        inside, outside = np.where(within, middle, inside), np.where(within, outside, middle)
    return np.asarray(end * inside)


def bolted_solids(car: Car) -> list[Solid]:
    """Mirrors, and roof rails, spoiler and spare wheel where the car has them."""
    cabin, details = car.cabin, car.details
    columns = cabin_columns(cabin)
    door = next(i for i, c in enumerate(columns) if c.across == 1.0)
    foot = cabin_layer(car, columns, 0.12)[door]
    arm = block("mirror", foot + np.array([0.07, 0.03, -0.10]), (0.11, 0.065, 0.05), PAINT)
    solids = [arm, mirror(arm)]

    roof = cabin_layer(car, columns, 1.0)
    if details.rails:
        side = roof[np.array([c.across == 1.0 for c in columns])]
        middle = np.array([side[:, 0].mean() - 0.02, side[:, 1].mean() + 0.035, side[:, 2].mean()])
        rail = block("rail", middle, (0.02, 0.022, np.ptp(side[:, 2]) * 0.46), METAL)
        solids += [rail, mirror(rail)]
    if details.spoiler:
        solids.append(_spoiler(car))
    if details.spare_wheel:
        solids.append(spare_wheel_solid(car))
    return solids


def _spoiler(car: Car) -> Solid:
    """A blade over the tail, or over the rear window of a car without a deck."""
    cabin, body = car.cabin, car.body
    has_deck = cabin.rear_foot + body.length / 2 > 0.2
    half = body.width / 2
    if has_deck:
        height, z, across = body.tail_height + 0.02, 0.14 - body.length / 2, 0.68 * half
    else:
        height, z = cabin.height - 0.05, cabin.rear_head - 0.05
        across = half * (1 - cabin.tumblehome) * 0.72
    return block("spoiler", np.array([0.0, height, z]), (across, 0.028, 0.14), PAINT)
