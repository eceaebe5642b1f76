"""Building a chair from its measures: one mesh, or its parts by material."""

from shapecycle.demo.chairs.arms import arm_solids
from shapecycle.demo.chairs.back import back_solids
from shapecycle.demo.chairs.base import base_solids
from shapecycle.demo.chairs.design import Chair
from shapecycle.demo.chairs.materials import MATERIALS
from shapecycle.demo.chairs.seat import seat_solids
from shapecycle.demo.parts import Part, parts_by_material, placed, whole_mesh
from shapecycle.demo.solids import Solid
from shapecycle.mesh import Mesh


def chair_mesh(chair: Chair) -> Mesh:
    """Build the whole chair as one untextured mesh of closed, overlapping solids.

    Args:
        chair: The chair to build.

    Returns:
        1,000 to 4,500 triangles; centred, bounding-box diagonal 1, +y up, front +z.
    """
    return whole_mesh(placed_solids(chair))


def chair_parts(chair: Chair) -> tuple[Part, ...]:
    """Split the chair of ``chair_mesh`` by material, in the same frame.

    Args:
        chair: The chair to build.

    Returns:
        Parts whose faces together are exactly those of ``chair_mesh``.
    """
    return parts_by_material(placed_solids(chair), MATERIALS)


def placed_solids(chair: Chair) -> list[Solid]:
    solids = [*seat_solids(chair), *base_solids(chair)]
    return placed([*solids, *back_solids(chair), *arm_solids(chair)])
