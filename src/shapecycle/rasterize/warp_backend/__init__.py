"""The rasteriser on compiled Warp kernels: float32, CPU and CUDA; gradients written by hand."""

from shapecycle.rasterize.warp_backend.operations import (
    MAX_BATCH_EDGES,
    MAX_EDGES,
    MAX_NUMBERS,
    antialias,
    interpolate,
    rasterize,
    shade_solid,
    shade_textured,
    solid_colour,
    vertex_normals,
)

__all__ = [
    "MAX_BATCH_EDGES",
    "MAX_EDGES",
    "MAX_NUMBERS",
    "antialias",
    "interpolate",
    "rasterize",
    "shade_solid",
    "shade_textured",
    "solid_colour",
    "vertex_normals",
]
