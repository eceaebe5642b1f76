"""A differentiable rasteriser: meshes in, images out, gradients back.

Five steps make a picture, each with gradients of its own (``docs/rasteriser.md``)::

    seen = rasterize(clip, topology, (64, 64))              # which face each pixel sees
    uv = interpolate(uv_table, clip, topology, seen, faces=uv_faces)
    albedo = texture(texture_image, uv)
    normal = interpolate(vertex_normals(vertices, topology), clip, topology, seen)
    rgb = albedo * shade_sh(unit(normal), light)
    picture = antialias(rgb, clip, topology, seen)          # the outline's gradient

Every operation exists twice, behind one function: a readable PyTorch reference (float32 and
float64, any device) and compiled Warp kernels (float32, CPU and CUDA).
"""

from shapecycle.rasterize.backend import backend_report
from shapecycle.rasterize.operations import (
    antialias,
    interpolate,
    rasterize,
    shade_solid,
    shade_textured,
    solid_colour,
    uv_slopes,
    vertex_normals,
)
from shapecycle.rasterize.shading import linear_from_srgb, sh_basis, shade_sh, srgb_from_linear
from shapecycle.rasterize.texture import texture
from shapecycle.rasterize.topology import Topology
from shapecycle.rasterize.visibility import Visibility

__all__ = [
    "Topology",
    "Visibility",
    "antialias",
    "backend_report",
    "interpolate",
    "linear_from_srgb",
    "rasterize",
    "sh_basis",
    "shade_sh",
    "shade_solid",
    "shade_textured",
    "solid_colour",
    "srgb_from_linear",
    "texture",
    "uv_slopes",
    "vertex_normals",
]
