"""A shape that was given, to be coloured and drawn as it is.

To a model it is one more source: it lies where its own shape code puts it, so nothing is bent, and
the template says which colour goes where.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import trimesh
from jaxtyping import Bool, Float, Int
from torch import Tensor

from shapecycle.errors import GeometryError
from shapecycle.memory.source import Source, behind, creased, sides_of, unwrapped
from shapecycle.mesh import Mesh
from shapecycle.seen import MAX_SHAPE_DISTANCE

MAX_APART = 0.045
"""Distance from what was read of it above which a shape is reported."""
MAX_UNLIKE = 1.33
"""Unlikeness above which a shape is reported: to a model of cars eight others are at most 1.29,
twelve chairs at least 1.87, and cars on their noses, sides or roofs at least 1.34."""
MAX_FACES = 100_000
"""Faces of a canvas, at most; laying more out flat takes minutes."""


@dataclass(frozen=True)
class ReadFit:
    """How near a shape is to what was read of it, and to what is known.

    Attributes:
        apart: Chamfer distance, in object units, between the shape and the decoded template.
        distance: From the training shapes, see `seen.Seen.shape_distance`.
        unlike: See `memory.likeness.Likeness.unlike`; None where no shapes are remembered.
    """

    apart: float
    distance: float
    unlike: float | None

    @property
    def is_doubtful(self) -> bool:
        """Whether it may be another kind of object, or turned otherwise than in training."""
        is_unlike = self.unlike is not None and self.unlike > MAX_UNLIKE
        return is_unlike or self.apart > MAX_APART or self.distance > MAX_SHAPE_DISTANCE

    def doubt(self, path: Path) -> str:
        """Say what is odd about the shape of a file."""
        known = ""
        if self.unlike is not None:
            known = f"{self.unlike:.1f} times as far from the training shapes as they from others, "
        return (
            f"{path}: {known}and what was read of it lies {self.apart:.3f} of its size away: "
            "another kind of object, or other --up and --front than in training?"
        )


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
        return self.mesh.textured(texture)


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
            "simplify it, or draw the template that is read of it (--surface template)",
        )
    sides = sides_of(unit)
    if not sides.is_seen.any():
        raise GeometryError("no face of the mesh can be seen from outside")
    places, joined = np.unique(unit.vertices, axis=0, return_inverse=True)
    faces = joined.reshape(-1)[unit.faces]
    kept, twin = _twins(faces, sides.is_seen)
    outwards = np.where(sides.is_turned[:, None], faces[:, ::-1], faces)[kept]
    corners, uv = _coordinates(places, outwards)
    is_seen, is_sheet = sides.is_seen[kept], sides.is_sheet[kept]
    sheet = trimesh.Trimesh(places, outwards[is_sheet], process=False)
    back = behind(sheet) if is_sheet.any() else places
    vertices, drawn = creased(
        np.concatenate([places, back]).astype(np.float64),
        np.concatenate([outwards[is_seen], outwards[is_sheet][:, ::-1] + len(places)]),
    )
    source = Source(
        name,
        code.cpu(),
        torch.from_numpy(vertices).float(),
        torch.from_numpy(drawn),
        torch.from_numpy(uv),
        torch.from_numpy(np.concatenate([corners[is_seen], corners[is_sheet][:, ::-1]])),
    )
    # Which corner of the kept face lies where each corner of a given one does.
    same = (faces[:, :, None] == outwards[twin][:, None, :]).argmax(2)
    uv_faces = np.take_along_axis(corners[twin], same, axis=1)
    bare = Mesh(mesh.vertices, mesh.faces, mesh.normals)
    return source, replace(bare, uv_faces=uv_faces, uv=uv)


def _twins(
    faces: Int[np.ndarray, "f 3"], is_seen: Bool[np.ndarray, " f"]
) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " f"]]:
    """Keep one of all faces with the same corners, a visible one if there is one.

    Returns:
        The kept faces, in order, and for each face which of them is its own.
    """
    order = np.argsort(~is_seen, kind="stable")
    first, twin = np.unique(
        np.sort(faces, axis=1)[order], axis=0, return_index=True, return_inverse=True
    )[1:]
    kept = order[first]
    rank = np.argsort(np.argsort(kept))
    place = np.empty(len(faces), dtype=np.int64)
    place[order] = rank[twin.reshape(-1)]
    return np.sort(kept), place


def _coordinates(
    places: Float[np.ndarray, "v 3"], faces: Int[np.ndarray, "f 3"]
) -> tuple[Int[np.ndarray, "f 3"], Float[np.ndarray, "u 2"]]:
    """Return texture coordinates for all faces; those without area share one."""
    vertex, found, uv = unwrapped(places, faces)
    if len(found) == len(faces):
        return found, uv
    # Faces keep their order and their corners; some are missing.
    by_corners = dict(zip(map(tuple, vertex[found].tolist()), found.tolist(), strict=True))
    none = [0, 0, 0]
    rows = [by_corners.get(tuple(face), none) for face in faces.tolist()]
    return np.array(rows, dtype=np.int64), uv
