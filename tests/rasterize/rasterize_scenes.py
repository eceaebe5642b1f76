"""Cameras and meshes the rasteriser's tests draw."""

import math

import numpy as np
import torch
import trimesh
from torch import Tensor

from shapecycle.rasterize import Topology


def perspective(
    points: Tensor, *, distance: float = 4.0, fov_y: float = 0.6, near: float = 0.1, far: float = 10
) -> Tensor:
    """Look at the origin from +z: (b v 3) to clip space (b v 4)."""
    x, y, z = points.unbind(-1)
    z = z - distance
    focal = 1 / math.tan(fov_y / 2)
    depth = (far + near) / (near - far) * z + 2 * far * near / (near - far)
    return torch.stack([focal * x, focal * y, depth, -z], dim=-1)


def orthographic(points: Tensor) -> Tensor:
    """View [-1, 1]^3 along -z: (b v 3) to clip space."""
    x, y, z = points.unbind(-1)
    return torch.stack([x, y, -z, torch.ones_like(x)], dim=-1)


def sphere(subdivisions: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Topology]:
    """A unit icosphere, slightly turned so that nothing is aligned: vertices (1 v 3)."""
    mesh = trimesh.creation.icosphere(subdivisions=subdivisions)
    vertices = torch.tensor(np.asarray(mesh.vertices), dtype=torch.float64)[None]
    return turn(vertices, 0.3, 0.2).to(dtype), Topology.from_faces(np.asarray(mesh.faces))


def bumpy(subdivisions: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Topology]:
    """A sphere with bumps that hide parts of one another."""
    vertices, topology = sphere(subdivisions, torch.float64)
    x, y, z = vertices.unbind(-1)
    radius = 0.8 + 0.25 * torch.sin(4 * x + 1) * torch.sin(5 * y) + 0.15 * torch.sin(6 * z + x)
    return (vertices * radius[..., None]).to(dtype), topology


def turn(points: Tensor, about_y: float, about_x: float) -> Tensor:
    """Rotate about +y, then about +x, in radians."""
    c, s, d, e = math.cos(about_y), math.sin(about_y), math.cos(about_x), math.sin(about_x)
    around_y = points.new_tensor([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    around_x = points.new_tensor([[1, 0, 0], [0, d, -e], [0, e, d]])
    return points @ (around_x @ around_y).T


def random_triangles(count: int, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """A soup of triangles in front of ``perspective``'s camera: (1 3*count 3)."""
    generator = torch.Generator().manual_seed(seed)
    return 1.6 * torch.rand((1, 3 * count, 3), generator=generator, dtype=dtype) - 0.8
