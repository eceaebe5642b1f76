"""A training shape as a model remembers it: cleaned, wound outwards, creased, unwrapped."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from math import radians

import numpy as np
import torch
import trimesh
import xatlas  # type: ignore[import-not-found, unused-ignore]
from jaxtyping import Bool, Float, Int
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
    vertices, faces = _outside(mesh)
    if len(faces) == 0:
        return None
    vertices, faces = creased(np.round(vertices * LEVELS) / LEVELS, faces)
    vertex, uv_faces, uv = unwrapped(vertices, faces)
    return Source(
        name,
        code.cpu(),
        torch.from_numpy(vertices).float(),
        # Faces without area are left out of the atlas.
        torch.from_numpy(vertex[uv_faces]),
        torch.from_numpy(uv),
        torch.from_numpy(uv_faces),
    )


@dataclass(frozen=True, eq=False)
class Sides:
    """From where the faces of a mesh can be seen.

    Attributes:
        is_seen: Whether a face can be seen at all.
        is_turned: Whether it is wound clockwise where it is seen.
        is_sheet: Whether both of its sides are seen; sheets count as wound as they are.
    """

    is_seen: Bool[np.ndarray, " f"]
    is_turned: Bool[np.ndarray, " f"]
    is_sheet: Bool[np.ndarray, " f"]


def sides_of(mesh: Mesh) -> Sides:
    """Look at all faces of a normalised mesh from many sides."""
    normals, areas = mesh.face_normals()
    towards, against = np.zeros((2, len(areas)))
    has_area = areas > 0
    if has_area.any():
        generator = np.random.default_rng(0)
        weights = generator.dirichlet(np.ones(3), (int(has_area.sum()), LOOKS))
        corners = mesh.vertices[mesh.faces[has_area]]
        points = np.einsum("fkc,fcd->fkd", weights, corners).reshape(-1, 3)
        sides = seen_sides(mesh, points, np.repeat(normals[has_area], LOOKS, 0), generator)
        towards[has_area], against[has_area] = (x.reshape(-1, LOOKS).sum(1) for x in sides)
    is_seen = towards + against > 0
    is_sheet = is_seen & (np.minimum(towards, against) > BOTH * np.maximum(towards, against))
    # Sheets stay as they are wound: turned one by one, neighbours would part.
    return Sides(is_seen, ~is_sheet & (towards < against), is_sheet)


def _outside(mesh: Mesh) -> tuple[Float[np.ndarray, "v 3"], Int[np.ndarray, "f 3"]]:
    """Return the faces that can be seen, counter-clockwise from where they are seen.

    Faces that are seen from both sides become two.
    """
    sides = sides_of(mesh)
    faces = np.where(sides.is_turned[:, None], mesh.faces[:, ::-1], mesh.faces)
    front = trimesh.Trimesh(mesh.vertices, faces[sides.is_seen], process=False)
    sheet = trimesh.Trimesh(mesh.vertices, faces[sides.is_sheet], process=False)
    for part in (front, sheet):
        part.merge_vertices()
    back = trimesh.Trimesh(behind(sheet), sheet.faces[:, ::-1], process=False)
    # Joined only now: the two sides of a sheet keep their own vertices.
    for part in (front, back):
        part.update_faces(part.nondegenerate_faces() & part.unique_faces())
    vertices = np.concatenate([front.vertices, back.vertices])
    return vertices, np.concatenate([front.faces, back.faces + len(front.vertices)])


def behind(sheet: trimesh.Trimesh) -> Float[np.ndarray, "v 3"]:
    """Return where the vertices of a sheet's other side lie."""
    place: np.ndarray = sheet.vertices - THICKNESS * sheet.vertex_normals
    return place


def creased(
    vertices: Float[np.ndarray, "v 3"], faces: Int[np.ndarray, "f 3"]
) -> tuple[Float[np.ndarray, "n 3"], Int[np.ndarray, "f 3"]]:
    """Part vertices where the surface has a crease, so that shading does not round it.

    Vertices at one place are joined first; faces keep their order.
    """
    places, joined = np.unique(vertices, axis=0, return_inverse=True)
    faces = joined.reshape(-1)[faces]
    whole = trimesh.Trimesh(places, faces, process=False)
    smooth = whole.face_adjacency[whole.face_adjacency_angles < CREASE]
    patch = trimesh.graph.connected_component_labels(smooth, node_count=len(faces))
    count = int(patch.max()) + 1
    corners, parted = np.unique(faces * count + patch[:, None], return_inverse=True)
    return places[corners // count], parted.reshape(-1, 3)


def unwrapped(
    vertices: Float[np.ndarray, "v 3"], faces: Int[np.ndarray, "f 3"]
) -> tuple[Int[np.ndarray, " u"], Int[np.ndarray, "g 3"], Float[np.ndarray, "u 2"]]:
    """Lay a surface out flat.

    Returns:
        Which vertex each texture coordinate belongs to; faces of texture coordinates, without those
        that have no area; and the coordinates, in [0, 1], origin bottom-left.
    """
    atlas = xatlas.Atlas()
    atlas.add_mesh(vertices.astype(np.float32), faces.astype(np.uint32))
    options = xatlas.PackOptions()
    options.resolution, options.padding = ATLAS_SIDE, GUTTER
    atlas.generate(pack_options=options)
    vertex, uv_faces, uv = atlas[0]
    return vertex.astype(np.int64), uv_faces.astype(np.int64), uv
