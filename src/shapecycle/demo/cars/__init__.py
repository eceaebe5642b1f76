"""Procedural cars: the shapes of the demo's world, with a material for every face.

A car is drawn from the ranges of its kind (``KINDS``), in metres, standing on y = 0 with its
front at +z. The body is lofted through cross-sections along its length, the cabin through
layers up to the roof, the wheels are turned; lamps, grille and plates lie on the body's ends.
Every solid is closed, and the whole is its own mirror image about x = 0.
"""

from shapecycle.demo.cars.build import car_mesh, car_parts
from shapecycle.demo.cars.design import Car, sample_car
from shapecycle.demo.cars.files import write_shapes
from shapecycle.demo.cars.kinds import KINDS
from shapecycle.demo.cars.materials import ALBEDO, MATERIALS
from shapecycle.demo.parts import Part, write_ply

__all__ = [
    "ALBEDO",
    "HELD_OUT_SEEDS",
    "KINDS",
    "MATERIALS",
    "SHAPE_SEEDS",
    "TRAIN_PICTURE_SEEDS",
    "Car",
    "Part",
    "car_mesh",
    "car_parts",
    "sample_car",
    "write_ply",
    "write_shapes",
]

SHAPE_SEEDS = range(0, 400)
"""The demo's training shapes; no picture shows any of these cars."""
TRAIN_PICTURE_SEEDS = range(11_200, 11_260)
"""The cars of the demo's training pictures: a stretch that holds every kind, about by weight."""
HELD_OUT_SEEDS = range(20_800, 20_808)
"""The cars of the validation pictures, in neither training set: a stretch of eight kinds."""
