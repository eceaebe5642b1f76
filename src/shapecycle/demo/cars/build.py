"""Building a car from its measures: one mesh, or its parts by material."""

from shapecycle.demo.cars.body import body_solid
from shapecycle.demo.cars.cabin import cabin_solid
from shapecycle.demo.cars.design import Car
from shapecycle.demo.cars.fittings import bolted_solids, end_solids
from shapecycle.demo.cars.materials import MATERIALS
from shapecycle.demo.cars.wheels import wheel_solids
from shapecycle.demo.parts import Part, parts_by_material, placed, whole_mesh
from shapecycle.demo.solids import Solid
from shapecycle.mesh import Mesh


def car_mesh(car: Car) -> Mesh:
    """Build the whole car as one untextured mesh of closed, overlapping solids.

    Args:
        car: The car to build.

    Returns:
        About 4,000 triangles; centred, bounding-box diagonal 1, +y up, front +z.
    """
    return whole_mesh(placed_solids(car))


def car_parts(car: Car) -> tuple[Part, ...]:
    """Split the car of ``car_mesh`` by material, in the same frame.

    Args:
        car: The car to build.

    Returns:
        Parts whose faces together are exactly those of ``car_mesh``.
    """
    return parts_by_material(placed_solids(car), MATERIALS)


def placed_solids(car: Car) -> list[Solid]:
    """Build the solids of ``car_mesh``, in its frame."""
    solids = [body_solid(car), cabin_solid(car), *wheel_solids(car), *end_solids(car)]
    return placed([*solids, *bolted_solids(car)])
