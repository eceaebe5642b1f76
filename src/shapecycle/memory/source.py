"""A training shape as a model remembers it: cleaned, wound outwards, creased, unwrapped."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from math import radians

import numpy as np
import torch
import trimesh
import xatlas  # type: ignore[import-not-found, unused-ignore]
from jaxtyping import Float, Int
from torch import Tensor

from shapecycle.data.surface_samples import seen_sides
from shapecycle.mesh import Mesh

LEVELS = 2**15 - 1
"""Steps of a stored coordinate between the origin and a distance of 1."""
CREASE = radians(40)
"""Angle between faces from which shading does not blend them."""
LOOKS = 2
"""Points of each face that are looked at, to tell its outside from its inside."""
BOTH = 0.3
"""A face whose less seen side is seen this well, compared with the other, is an open sheet."""
THICKNESS = 0.002
"""What an open sheet is given, in object units, so that its two sides are two surfaces."""
ATLAS_SIDE = 512
"""Texels along a side for which charts are packed."""
GUTTER = 3
"""Texels between charts."""


@dataclass(frozen=True, eq=False)
class Source:
    """A training shape that can be carried to other shapes.

    Attributes:
        name: Of its file, without the ending.
        code: Its shape code, as read.
        vertices: In object space, in steps of 1 / ``LEVELS``.
        faces: Counter-clockwise seen from outside; those that cannot be seen are gone.
        uv: Texture coordinates of its own, in [0, 1], origin bottom-left.
        uv_faces: Indices into ``uv`` per face corner.
    """

    name: str
    code: Float[Tensor, " n"]
    vertices: Float[Tensor, "v 3"]
    faces: Int[Tensor, "f 3"]
    uv: Float[Tensor, "u 2"]
    uv_faces: Int[Tensor, "f 3"]

    @cached_property
    def fingerprint(self) -> int:
        """A positive number of 63 bits that only this surface has."""
        levels = (self.vertices.cpu().double() * LEVELS).round().to(torch.int32)
        digest = hashlib.sha256(levels.numpy().tobytes())
        digest.update(self.faces.cpu().to(torch.int32).numpy().tobytes())
        return max(1, int.from_bytes(digest.digest()[:8], "big") >> 1)


def source_of(mesh: Mesh, name: str, code: Float[Tensor, " n"]) -> Source | None:
    """Prepare a shape for being carried.

    Args:
        mesh: A training shape, normalised.
        name: Of its file.
        code: Its shape code, as read.

    Returns:
        The source; None for a point cloud, or where no face can be seen.
    """
    if mesh.is_point_cloud:
        return None
    outside = _outside(mesh)
    if len(outside.faces) == 0:
        return None
    creased = _creased(outside)
    vertices = np.round(creased.vertices * LEVELS) / LEVELS
    atlas = xatlas.Atlas()
    atlas.add_mesh(vertices.astype(np.float32), creased.faces.astype(np.uint32))
    options = xatlas.PackOptions()
    options.resolution, options.padding = ATLAS_SIDE, GUTTER
    atlas.generate(pack_options=options)
    vertex, uv_faces, uv = atlas[0]
    return Source(
        name,
        code.cpu(),
        torch.from_numpy(vertices).float(),
        # Faces without area are left out of the atlas.
        torch.from_numpy(vertex[uv_faces].astype(np.int64)),
        torch.from_numpy(uv),
        torch.from_numpy(uv_faces.astype(np.int64)),
    )


def _outside(mesh: Mesh) -> trimesh.Trimesh:
    """Return the faces that can be seen, counter-clockwise from where they are seen.

    Faces that are seen from both sides become two.
    """
    normals, areas = mesh.face_normals()
    faces, normals = mesh.faces[areas > 0], normals[areas > 0]
    if len(faces) == 0:
        return trimesh.Trimesh(mesh.vertices, faces, process=False)
    generator = np.random.default_rng(0)
    weights = generator.dirichlet(np.ones(3), (len(faces), LOOKS))
    points = np.einsum("fkc,fcd->fkd", weights, mesh.vertices[faces]).reshape(-1, 3)
    towards, against = (
        side.reshape(-1, LOOKS).sum(1)
        for side in seen_sides(mesh, points, np.repeat(normals, LOOKS, 0), generator)
    )
    is_seen = towards + against > 0
    is_sheet = is_seen & (np.minimum(towards, against) > BOTH * np.maximum(towards, against))
    # Sheets stay as they are wound: turned one by one, neighbours would part.
    faces = np.where((~is_sheet & (towards < against))[:, None], faces[:, ::-1], faces)
    front = trimesh.Trimesh(mesh.vertices, faces[is_seen], process=False)
    front.merge_vertices()
    sheet = trimesh.Trimesh(mesh.vertices, faces[is_sheet], process=False)
    sheet.merge_vertices()
    back = trimesh.Trimesh(
        sheet.vertices - THICKNESS * sheet.vertex_normals, sheet.faces[:, ::-1], process=False
    )
    # Joined only now: the two sides of a sheet keep their own vertices.
    for part in (front, back):
        part.update_faces(part.nondegenerate_faces() & part.unique_faces())
    joined = trimesh.util.concatenate([front, back]) if len(back.faces) else front
    assert isinstance(joined, trimesh.Trimesh)
    return joined


def _creased(joined: trimesh.Trimesh) -> trimesh.Trimesh:
    """Part vertices where the surface has a crease, so that shading does not round it."""
    return trimesh.graph.smooth_shade(joined, angle=CREASE)
