"""The usual picture in one operation: a lit, textured surface."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shapecycle.code_to_image.rasterize import checks, scan
from shapecycle.code_to_image.rasterize.attribute_faces import attribute_faces
from shapecycle.code_to_image.rasterize.backend import Backend
from shapecycle.code_to_image.rasterize.implementation import implementation
from shapecycle.code_to_image.rasterize.precision import in_full_precision
from shapecycle.code_to_image.rasterize.shading import (
    linear_from_srgb,
    shade_sh,
    srgb_from_linear,
)
from shapecycle.code_to_image.rasterize.texture import texture
from shapecycle.code_to_image.rasterize.topology import Topology
from shapecycle.code_to_image.rasterize.visibility import Visibility

BLACKEST = 1e-4
"""Least linear light: below, the sRGB curve adds nothing and its slope only noise."""


@in_full_precision
def shade_textured(
    albedo: Float[Tensor, "ab 3 th tw"],
    uv: Float[Tensor, "ub n 2"],
    normals: Float[Tensor, "b v 3"],
    light: Float[Tensor, "b 9 3"],
    clip: Float[Tensor, "b v 4"],
    topology: Topology,
    visibility: Visibility,
    *,
    uv_faces: Int[Tensor, "f 3"] | None = None,
    darkest: float = 0.03,
    backend: Backend = "auto",
) -> Float[Tensor, "b 4 h w"]:
    """Light a textured surface: interpolation, lookup, light and sRGB in one pass per pixel.

    The same as ``interpolate``, ``texture`` (bilinear, clamped), ``shade_sh`` and the sRGB
    curve one after the other, several times faster. Gradients reach all five tensors. Antialias
    the result.

    Args:
        albedo: sRGB textures in [0, 1], row 0 on top; one per item, or one for all.
        uv: Texture coordinates, origin bottom-left; one table per item, or one for all.
        normals: Unit vertex normals, in the light's frame.
        light: Coefficients as for ``shade_sh``.
        clip: The positions that were rasterised.
        topology: The faces that were rasterised.
        visibility: What ``rasterize`` returned.
        uv_faces: Rows of ``uv`` per face corner, if they are not those of the vertices.
        darkest: Least shading; harmonics dip below zero behind a strong lamp.
        backend: "auto", "warp" or "torch".

    Returns:
        sRGB colour and coverage: colour of light in [1e-4, 1], all 0 where nothing is seen.

    Raises:
        ValueError: If a shape, type or device is wrong, or an index is out of range.
    """
    if not darkest >= 0:
        raise ValueError(f"darkest is {darkest}; expected at least 0")
    checks.check_clip(clip, topology)
    checks.check_visibility(visibility, clip, topology)
    batch, count, _ = clip.shape
    checks.check_float(albedo, "albedo", "(b or 1, 3, th, tw)", None, 3, None, None)
    checks.check_float(uv, "uv", "(b or 1, n, 2)", None, None, 2)
    checks.check_float(normals, "normals", f"({batch}, {count}, 3)", batch, count, 3)
    checks.check_float(light, "light", f"({batch}, 9, 3)", batch, 9, 3)
    for tensor, name in ((albedo, "albedo"), (uv, "uv"), (normals, "normals"), (light, "light")):
        checks.check_companion(tensor, name, clip, "clip")
        if tensor.shape[0] not in (1, batch):
            raise ValueError(f"{name} holds {tensor.shape[0]} items, clip {batch}")
    if albedo[0, 0].numel() == 0:
        raise ValueError(f"albedo has shape {tuple(albedo.shape)}; expected at least one texel")
    checks.check_finite(light, "light")
    checks.check_finite(albedo, "albedo")
    rows = attribute_faces(uv_faces, uv, topology, "uv")
    numbers = max(4 * visibility.key.numel(), albedo.numel())
    draw = implementation(backend, clip, topology, numbers)
    return draw.shade_textured(
        albedo, uv, rows, normals, light, darkest, clip, topology, visibility
    )


def shade_textured_reference(
    albedo: Tensor,
    uv: Tensor,
    uv_faces: Tensor,
    normals: Tensor,
    light: Tensor,
    darkest: float,
    clip: Tensor,
    topology: Topology,
    visibility: Visibility,
) -> Tensor:
    """Light a textured surface step by step, in plain PyTorch."""
    at = scan.interpolate(uv, clip, topology, visibility, uv_faces)
    normal = scan.interpolate(normals, clip, topology, visibility, topology.faces)
    square = (normal * normal).sum(1, keepdim=True)
    shade = shade_sh(normal * square.clamp(min=1e-12).rsqrt(), light).clamp(min=darkest)
    linear = (linear_from_srgb(texture(albedo, at)) * shade).clamp(BLACKEST, 1)
    mask = visibility.mask[:, None].to(clip.dtype)
    return torch.cat([srgb_from_linear(linear) * mask, mask], 1)
