"""The cabin, lofted through layers up to the roof."""

from dataclasses import dataclass

import numpy as np

from shapecycle.demo.cars.design import Cabin, Car
from shapecycle.demo.cars.materials import GLASS, PAINT, TRIM
from shapecycle.demo.cars.profile import bent, half_width, shoulder_radius, top_height
from shapecycle.demo.solids import Solid, half_loft, mirrored_whole


def cabin_solid(car: Car) -> Solid:
    """Layers of one outline, from just under the belt to the roof's middle."""
    columns = cabin_columns(car.cabin)
    levels = np.array([-0.06, 0.05, 0.35, 0.65, 0.86, 0.93, 0.98, 1.0])
    rows = np.stack([cabin_layer(car, columns, t) for t in levels])
    roof = np.array([0.0, car.cabin.height + 0.015, rows[-1, :, 2].mean()])
    mid_roof = roof + (rows[-1] - roof) * 0.55
    mid_roof[:, 1] = car.cabin.height + 0.01
    floor = np.array([0.0, car.body.belt_height - 0.25, rows[0, :, 2].mean()])
    rows = np.concatenate([rows, mid_roof[None]])

    materials = np.full((len(rows) - 1, len(columns) - 1), PAINT)
    glazed = np.array([c.glazed for c in columns[:-1]])
    materials[1:4, glazed] = GLASS
    solid = half_loft("cabin", rows, floor, roof, materials, (TRIM, PAINT))
    return mirrored_whole(bent(car, solid))


@dataclass(frozen=True)
class Column:
    """A point of the cabin's outline: across 0..1 of its half width, along 0..1 to the rear."""

    across: float
    along: float
    glazed: bool = False
    """Whether glass lies between this column and the next."""


def cabin_columns(cabin: Cabin) -> list[Column]:
    """The cabin's outline, from the windscreen's middle to the rear window's."""
    columns = [Column(0.0, 0.0, True), Column(0.5, 0.0, True), Column(0.88, 0.0)]
    columns.append(Column(0.975, 0.008))
    for start, end in cabin.windows:
        columns += [Column(1.0, start, True), Column(1.0, end)]
    if cabin.windows[-1][1] < 0.6:
        columns += [Column(1.0, 0.65)]
    columns += [Column(1.0, 0.97), Column(0.97, 0.994), Column(0.84, 1.0, cabin.rear_glass)]
    return [*columns, Column(0.45, 1.0, cabin.rear_glass), Column(0.0, 1.0)]


def cabin_layer(car: Car, columns: list[Column], level: float) -> np.ndarray:
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

    foot = half_width(car, np.full_like(z, body.belt_height - 0.12), z) - 0.03
    foot = foot - 0.5 * shoulder_radius(car)
    x = across * (foot * (1 - cabin.tumblehome * up**1.15) - inset)
    belt = top_height(car, z)
    roof = cabin.height - 0.05 * body.softness * (2 * along - 1) ** 2 - 0.02 * across**4
    return np.stack([x, belt + (roof - belt) * level, z], axis=1)
