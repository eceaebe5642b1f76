"""Surfels: a surface to draw where a shape is only known as oriented points."""

from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree  # type: ignore[import-untyped]

from shapecycle.mesh import Mesh

MAX_SURFELS = 4000
"""As many as the faces that meshes are simplified to."""
NEIGHBOUR = 4
REACH = 1.1
"""Corners lie this many times as far out as the fourth neighbour. Triangles of that size, spread
at random, cover six sevenths of a sheet; larger ones blur outlines more than they close gaps."""


def surfels(cloud: Mesh, generator: np.random.Generator, most: int = MAX_SURFELS) -> Mesh:
    """Put a small triangle on every point, square to its normal.

    Args:
        cloud: An oriented point cloud, in any units; of many points a random choice is taken.
        generator: Source of randomness: the choice, and how triangles are turned.
        most: The most triangles.

    Returns:
        A triangle soup that looks closed from afar. Outlines are wider by about the distance
        between neighbouring points.

    Source:
        Pfister et al., "Surfels: surface elements as rendering primitives", SIGGRAPH 2000.
    """
    assert cloud.normals is not None
    count = len(cloud.vertices)
    pick = generator.permutation(count)[:most]
    points = cloud.vertices[pick].astype(np.float64)
    normals = cloud.normals[pick].astype(np.float64)
    neighbour = min(NEIGHBOUR + 1, len(points))
    spacing = cKDTree(points).query(points, k=[neighbour])[0][:, 0]
    # Points far from all others would get triangles as large as the shape.
    spacing = np.minimum(spacing, 2 * np.median(spacing))
    helper = np.where(np.abs(normals[:, :1]) < 0.6, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    first = np.cross(normals, helper)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-12)
    second = np.cross(normals, first)
    angle = generator.random((len(points), 1)) * 2 * np.pi + np.arange(3) * 2 * np.pi / 3
    corners = np.cos(angle)[..., None] * first[:, None] + np.sin(angle)[..., None] * second[:, None]
    vertices = points[:, None] + REACH * spacing[:, None, None] * corners
    faces = np.arange(3 * len(points)).reshape(-1, 3)
    flat = vertices.reshape(-1, 3).astype(cloud.vertices.dtype)
    return replace(cloud, vertices=flat, faces=faces, normals=None)
