"""A lit, textured surface step by step, in plain PyTorch."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shapecycle.rasterize.shading import linear_from_srgb, shade_sh, srgb_from_linear
from shapecycle.rasterize.texture import texture
from shapecycle.rasterize.topology import Topology
from shapecycle.rasterize.torch_backend import scan
from shapecycle.rasterize.visibility import Visibility

MIN_LINEAR = 1e-4
"""Least linear light: below, the sRGB curve adds nothing and its slope only noise."""


def shade_textured(
    albedo: Float[Tensor, "ab 3 th tw"],
    uv: Float[Tensor, "ub n 2"],
    uv_faces: Int[Tensor, "*m f 3"],
    normals: Float[Tensor, "b v 3"],
    light: Float[Tensor, "b 9 3"],
    min_shading: float,
    clip: Float[Tensor, "b v 4"],
    topology: Topology,
    visibility: Visibility,
) -> Float[Tensor, "b 4 h w"]:
    """Light a textured surface step by step, in plain PyTorch."""
    at = scan.interpolate(uv, clip, topology, visibility, uv_faces)
    normal = scan.interpolate(normals, clip, topology, visibility, topology.faces)
    square = (normal * normal).sum(1, keepdim=True)
    shade = shade_sh(normal * square.clamp(min=1e-12).rsqrt(), light).clamp(min=min_shading)
    linear = (linear_from_srgb(texture(albedo, at)) * shade).clamp(MIN_LINEAR, 1)
    mask = visibility.mask[:, None].to(clip.dtype)
    return torch.cat([srgb_from_linear(linear) * mask, mask], 1)
