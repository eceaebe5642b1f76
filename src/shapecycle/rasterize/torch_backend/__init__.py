"""The rasteriser in plain PyTorch: any device, float32 or float64. It is the specification.

The compiled kernels repeat its arithmetic operation by operation, so that both draw the same
pixels and differ in sums' order only.
"""

from shapecycle.rasterize.torch_backend.edge_walk import antialias
from shapecycle.rasterize.torch_backend.normals import vertex_normals
from shapecycle.rasterize.torch_backend.scan import interpolate, rasterize
from shapecycle.rasterize.torch_backend.solid import shade_solid, solid_colour
from shapecycle.rasterize.torch_backend.textured import shade_textured

__all__ = [
    "antialias",
    "interpolate",
    "rasterize",
    "shade_solid",
    "shade_textured",
    "solid_colour",
    "vertex_normals",
]
