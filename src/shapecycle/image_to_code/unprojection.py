"""Unprojection: the colours that a photograph shows are laid out in UV space."""

from math import tan

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from shapecycle.camera import View
from shapecycle.code_to_image.renderer import MIN_SHADING
from shapecycle.rasterize import linear_from_srgb, shade_sh, srgb_from_linear


def unproject(
    rgba: Float[Tensor, "b 4 h w"],
    points: Float[Tensor, "b t 3"],
    normals: Float[Tensor, "b t 3"],
    depth: Float[Tensor, "b 1 dh dw"],
    light: Float[Tensor, "b 9 3"],
    view: View,
) -> Float[Tensor, "b 4 s s"]:
    """Fetch every texel's albedo from the picture, where it is seen.

    Args:
        rgba: Straight-alpha sRGB picture of the view's window.
        points: Texel positions in camera space, s * s of them, row by row from the top.
        normals: Unit normals of the texels in camera space.
        depth: Distance of the nearest surface per pixel, in object units, 0 where there is none.
        light: Spherical harmonics to divide out.
        view: The window that the picture shows; its size is not used.

    Returns:
        sRGB albedo and, as the fourth channel, a weight in [0, 1]: 0 where the texel is hidden,
        turned away or falls outside the mask.
    """
    batch, count = points.shape[:2]
    side = round(count**0.5)
    slope = tan(view.fov_y / 2)
    (x, y, z), (nx, ny, nz) = points.unbind(2), normals.unbind(2)
    centre_x, centre_y, half = view.window[:, :, None].unbind(1)
    right, down = x / (-z * slope) - centre_x, centre_y - y / (-z * slope)
    grid = torch.stack([right / half, down / half], 2)[:, None]
    # Bilinear, a fifth of the finest detail would be lost.
    picture = F.grid_sample(rgba, grid, mode="bicubic", align_corners=False)[:, :, 0]
    nearest = F.grid_sample(depth, grid, mode="nearest", align_corners=False)[:, 0, 0]
    # A pixel's footprint on a slanted surface spans a range of depths; 0.02 of the object's size.
    seen = (-z < nearest + 0.02).float()
    facing = -(nx * x + ny * y + nz * z) * (x * x + y * y + z * z).clamp(min=1e-12).rsqrt()
    weight = seen * smooth_step(facing, 0.15, 0.5) * smooth_step(picture[:, 3], 0.7, 0.98)
    shading = shade_sh(normals.mT.reshape(batch, 3, side, side), light).clamp(min=MIN_SHADING)
    linear = linear_from_srgb(picture[:, :3].clamp(0, 1)) / shading.flatten(2)
    colour = srgb_from_linear(linear.clamp(1e-4, 1))
    texels = torch.cat([colour, weight[:, None]], 1)
    return texels.view(batch, 4, side, side)


def smooth_step(x: Tensor, low: float, high: float) -> Tensor:
    """Rise smoothly from 0 at ``low`` to 1 at ``high``."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)
