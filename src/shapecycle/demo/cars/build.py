"""Building a car from its measures: one mesh, or its parts by material."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from shapecycle.demo.cars.body import body_solid
from shapecycle.demo.cars.cabin import cabin_solid
from shapecycle.demo.cars.design import Car
from shapecycle.demo.cars.fittings import bolted_solids, end_solids
from shapecycle.demo.cars.materials import MATERIALS, Material
from shapecycle.demo.cars.solids import Solid
from shapecycle.demo.cars.wheels import wheel_solids
from shapecycle.mesh import Mesh


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


def _placed_solids(car: Car) -> list[Solid]:
    """All solids, moved to the origin and scaled to a bounding-box diagonal of 1."""
    solids = [body_solid(car), cabin_solid(car), *wheel_solids(car), *end_solids(car)]
    solids += bolted_solids(car)
    lowest = np.min([s.vertices.min(0) for s in solids], axis=0)
    highest = np.max([s.vertices.max(0) for s in solids], axis=0)
    centre = (lowest + highest) / 2
    centre[0] = 0.0
    scale = 1 / np.linalg.norm(highest - lowest)
    return [Solid(s.name, (s.vertices - centre) * scale, s.faces, s.materials) for s in solids]
