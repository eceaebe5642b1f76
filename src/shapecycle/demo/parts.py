"""From solids to one mesh, or to parts of one material each; the same for every world."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from jaxtyping import Float, Int
from trimesh.exchange.ply import export_ply

from shapecycle.demo.solids import Solid
from shapecycle.mesh import Mesh


@dataclass(frozen=True, eq=False)
class Part:
    """Faces of one material.

    Attributes:
        name: What it is: "body", "wheel", "seat", "leg", ...
        material: One of the world's ``MATERIALS``.
        vertices: Positions in the frame of the whole mesh.
        faces: Counter-clockwise seen from outside. A solid of several materials comes as one
            part per material; these are closed only together.
    """

    name: str
    material: str
    vertices: Float[np.ndarray, "v 3"]
    faces: Int[np.ndarray, "f 3"]


def placed(solids: Sequence[Solid]) -> list[Solid]:
    """Move solids to the origin and scale them to a bounding-box diagonal of 1."""
    lowest = np.min([s.vertices.min(0) for s in solids], axis=0)
    highest = np.max([s.vertices.max(0) for s in solids], axis=0)
    centre = (lowest + highest) / 2
    centre[0] = 0.0
    scale = 1 / np.linalg.norm(highest - lowest)
    return [Solid(s.name, (s.vertices - centre) * scale, s.faces, s.materials) for s in solids]


def whole_mesh(solids: Sequence[Solid]) -> Mesh:
    """Put solids together as one untextured mesh; they stay closed, and overlap."""
    starts = np.cumsum([0, *(len(s.vertices) for s in solids)])[:-1]
    vertices = np.concatenate([s.vertices for s in solids])
    faces = np.concatenate([s.faces + start for s, start in zip(solids, starts, strict=True)])
    return Mesh(vertices.astype(np.float32), faces)


def parts_by_material(solids: Iterable[Solid], materials: Sequence[str]) -> tuple[Part, ...]:
    """Split solids by the materials that their faces index."""
    parts = []
    for solid in solids:
        for index in np.unique(solid.materials):
            used, faces = np.unique(solid.faces[solid.materials == index], return_inverse=True)
            vertices = solid.vertices[used].astype(np.float32)
            parts.append(Part(solid.name, materials[index], vertices, faces.reshape(-1, 3)))
    return tuple(parts)


def write_ply(file: Path, mesh: Mesh) -> None:
    """Write positions and triangles as a binary little-endian PLY file.

    Args:
        file: Where to.
        mesh: What; its normals and texture are left out.
    """
    surface = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    file.write_bytes(export_ply(surface, vertex_normal=False))
