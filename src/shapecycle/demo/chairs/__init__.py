"""Procedural chairs: a world of holes, bars and bows, with a material for every face.

A chair is drawn from the ranges of its kind (``KINDS``), in metres, standing on y = 0 with its
front at +z. Seats and cushions are stacks of outlines; legs, rails, slats, spindles and tubes
are sections along paths; the back is one curved surface on which its bars lie. Every solid is
closed, and the whole is its own mirror image about x = 0.
"""

from shapecycle.demo.chairs.build import chair_mesh, chair_parts
from shapecycle.demo.chairs.design import Chair, sample_chair
from shapecycle.demo.chairs.files import write_shapes
from shapecycle.demo.chairs.kinds import KINDS
from shapecycle.demo.chairs.materials import ALBEDO, MATERIALS
from shapecycle.demo.parts import Part, write_ply

__all__ = [
    "ALBEDO",
    "HELD_OUT_SEEDS",
    "KINDS",
    "MATERIALS",
    "SHAPE_SEEDS",
    "TRAIN_PICTURE_SEEDS",
    "Chair",
    "Part",
    "chair_mesh",
    "chair_parts",
    "sample_chair",
    "write_ply",
    "write_shapes",
]

SHAPE_SEEDS = range(0, 400)
"""Training shapes; no picture shows any of these chairs."""
TRAIN_PICTURE_SEEDS = range(11_200, 11_280)
"""The chairs of training pictures: a stretch that holds every kind, about by weight."""
HELD_OUT_SEEDS = range(20_398, 20_412)
"""The chairs of validation pictures, in neither training set: a stretch that holds every kind."""
