"""A shape that was given, to be coloured and drawn as it is.

To a model it is one more source: it lies where its own shape code puts it, so nothing is bent, and
the template says which colour goes where.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
import trimesh
from jaxtyping import Float, Int
from torch import Tensor

from shapecycle.errors import GeometryError
from shapecycle.memory.source import Source, behind, creased, sides_of, unwrapped
from shapecycle.mesh import Mesh
from shapecycle.seen import MAX_SHAPE_DISTANCE

MAX_APART = 0.045
"""Distance from what was read of it above which a shape is reported."""
MAX_FACES = 100_000
"""Faces of a canvas, at most; laying more out flat takes minutes."""


@dataclass(frozen=True)
class ReadFit:
    """How near a shape is to what was read of it, and to what is known.

    Attributes:
        apart: Chamfer distance, in object units, between the shape and the decoded template.
        distance: From the training shapes, see `seen.Seen.shape_distance`.
    """

    apart: float
    distance: float

    @property
    def is_doubtful(self) -> bool:
        """Whether it may be another kind of object, or turned otherwise than in training."""
        return self.apart > MAX_APART or self.distance > MAX_SHAPE_DISTANCE


@dataclass(frozen=True, eq=False)
class Canvas:
    """A given shape with texture coordinates.

    Attributes:
        source: What is drawn: wound outwards, sheets doubled, creased. It shares the texture
            coordinates.
        mesh: As given, in its own frame and units, all faces in their order.
        object_from_mesh: From there to object space, for column vectors.
        fit: How near what was read is to it.
    """

    source: Source
    mesh: Mesh
    object_from_mesh: Float[np.ndarray, "4 4"]
    fit: ReadFit

    def textured(self, texture: Float[np.ndarray, "s s 3"]) -> Mesh:
        """Return the shape as it was given, with a texture."""
        return replace(self.mesh, texture=texture)


def laid_out(mesh: Mesh, unit: Mesh, name: str, code: Float[Tensor, " n"]) -> tuple[Source, Mesh]:
    """Give a shape texture coordinates.

    Args:
        mesh: As given.
        unit: The same, normalised.
        name: Of its file.
        code: Its shape code, as read.

    Returns:
        What is drawn, and the shape as given with texture coordinates.

    Raises:
        GeometryError: If it is a point cloud, no face can be seen, or it has too many faces.
    """
    if mesh.is_point_cloud:
        raise GeometryError("a point cloud has no faces to colour", "give a triangle mesh")
    if len(mesh.faces) > MAX_FACES:
        raise GeometryError(
            f"the mesh has {len(mesh.faces):,} faces, and {MAX_FACES:,} at most can be coloured",
            "simplify it, or draw it on the template",
        )
    sides = sides_of(unit)
    if not sides.is_seen.any():
        raise GeometryError("no face of the mesh can be seen from outside")
    uv_faces, uv = _coordinates(unit)
    faces, corners = (
        np.where(sides.is_turned[:, None], x[:, ::-1], x) for x in (unit.faces, uv_faces)
    )
    is_sheet, is_seen = sides.is_sheet, sides.is_seen
    sheet = trimesh.Trimesh(unit.vertices, faces[is_sheet], process=False)
    back = behind(sheet) if is_sheet.any() else unit.vertices
    vertices, drawn = creased(
        np.concatenate([unit.vertices, back]).astype(np.float64),
        np.concatenate([faces[is_seen], faces[is_sheet][:, ::-1] + len(unit.vertices)]),
    )
    source = Source(
        name,
        code.cpu(),
        torch.from_numpy(vertices).float(),
        torch.from_numpy(drawn),
        torch.from_numpy(uv),
        torch.from_numpy(np.concatenate([corners[is_seen], corners[is_sheet][:, ::-1]])),
    )
    bare = Mesh(mesh.vertices, mesh.faces, mesh.normals)
    return source, replace(bare, uv_faces=uv_faces, uv=uv)


def _coordinates(unit: Mesh) -> tuple[Int[np.ndarray, "f 3"], Float[np.ndarray, "u 2"]]:
    """Return texture coordinates for all faces; those without area share one."""
    vertex, found, uv = unwrapped(unit.vertices, unit.faces)
    if len(found) == len(unit.faces):
        return found, uv
    # Faces keep their order and their corners; some are missing.
    by_corners = dict(zip(map(tuple, vertex[found].tolist()), found.tolist(), strict=True))
    none = [0, 0, 0]
    rows = [by_corners.get(tuple(face), none) for face in unit.faces.tolist()]
    return np.array(rows, dtype=np.int64), uv
