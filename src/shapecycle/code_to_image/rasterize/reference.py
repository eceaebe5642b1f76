"""The rasteriser in plain PyTorch: any device, float32 or float64. It is the specification.

The compiled kernels repeat its arithmetic operation by operation, so that both draw the same
pixels and differ in sums' order only.
"""

from shapecycle.code_to_image.rasterize.edge_walk import antialias
from shapecycle.code_to_image.rasterize.scan import interpolate, rasterize
from shapecycle.code_to_image.rasterize.shading import vertex_normals_reference as vertex_normals
from shapecycle.code_to_image.rasterize.textured import shade_textured_reference as shade_textured

__all__ = ["antialias", "interpolate", "rasterize", "shade_textured", "vertex_normals"]
