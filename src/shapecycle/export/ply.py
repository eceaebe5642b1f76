"""Meshes with coloured vertices as binary PLY."""

import numpy as np
import trimesh
from jaxtyping import Float, Int
from trimesh.exchange.ply import export_ply

from shapecycle.export.glb import smooth_normals


def ply_of(
    vertices: Float[np.ndarray, "v 3"],
    faces: Int[np.ndarray, "f 3"],
    uv: Float[np.ndarray, "n 2"] | None,
    uv_faces: Int[np.ndarray, "f 3"] | None,
    texture: Float[np.ndarray, "th tw 3"] | None,
) -> bytes:
    """Return the contents of a PLY file; colours, if there are any, are sRGB bytes.

    No vertex is doubled: one that several places of the texture belong to has their mean colour.

    Args:
        vertices, faces, uv, uv_faces, texture: As `export.glb.glb_of` takes them.
    """
    levels = None
    if texture is not None and uv is not None and uv_faces is not None:
        colours = vertex_colours(len(vertices), faces, uv, uv_faces, texture)
        levels = np.round(np.clip(colours, 0.0, 1.0) * 255).astype(np.uint8)
        levels = np.concatenate([levels, np.full((len(levels), 1), 255, dtype=np.uint8)], 1)
    mesh = trimesh.Trimesh(
        vertices,
        faces,
        vertex_normals=smooth_normals(vertices, faces),
        vertex_colors=levels,
        process=False,
    )
    contents: bytes = export_ply(mesh, vertex_normal=True)
    return contents


def vertex_colours(
    count: int,
    faces: Int[np.ndarray, "f 3"],
    uv: Float[np.ndarray, "n 2"],
    uv_faces: Int[np.ndarray, "f 3"],
    texture: Float[np.ndarray, "th tw 3"],
) -> Float[np.ndarray, "v 3"]:
    """Return the texture's colour at each of ``count`` vertices, in sRGB."""
    height, width = texture.shape[:2]
    at = uv[uv_faces.ravel()]
    x = (at[:, 0] * width - 0.5).clip(0, width - 1)
    y = ((1 - at[:, 1]) * height - 0.5).clip(0, height - 1)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, below = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    share_x, share_y = (x - left)[:, None], (y - top)[:, None]
    upper = texture[top, left] * (1 - share_x) + texture[top, right] * share_x
    lower = texture[below, left] * (1 - share_x) + texture[below, right] * share_x
    found = upper * (1 - share_y) + lower * share_y
    total, corners = np.zeros((count, 3)), np.zeros(count)
    np.add.at(total, faces.ravel(), found)
    np.add.at(corners, faces.ravel(), 1.0)
    colours: Float[np.ndarray, "v 3"] = total / corners.clip(min=1.0)[:, None]
    return colours
