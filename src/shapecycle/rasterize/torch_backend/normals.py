"""Area-weighted vertex normals, in plain PyTorch."""

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.rasterize.topology import Topology
from shapecycle.rasterize.torch_backend.scan import gather_vertices


def vertex_normals(vertices: Float[Tensor, "b v 3"], topology: Topology) -> Float[Tensor, "b v 3"]:
    """Average the normals of the faces around each vertex, in plain PyTorch."""
    batch, count, _ = vertices.shape
    faces = topology.faces.expand(batch, -1, 3)
    a, b, c = gather_vertices(vertices, faces).unbind(2)
    cross = torch.linalg.cross(b - a, c - a)
    offset = torch.arange(batch, device=vertices.device)[:, None] * count
    total = torch.zeros_like(vertices).reshape(-1, 3)
    for k in range(3):
        total = total.index_add(0, (faces[..., k] + offset).reshape(-1), cross.reshape(-1, 3))
    return _unit(total).reshape(batch, count, 3)


def _unit(vectors: Tensor) -> Tensor:
    """Scale rows to unit length; zero stays zero, with a zero gradient."""
    square = (vectors * vectors).sum(-1, keepdim=True)
    # Dividing squares under 1e-30 overflows float32's rsqrt gradient.
    return vectors * torch.where(square > 1e-30, square, 1.0).rsqrt() * (square > 1e-30)
