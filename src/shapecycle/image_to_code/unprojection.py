"""Unprojection: the colours that a photograph shows are laid out in UV space."""

from dataclasses import dataclass
from math import tan

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from shapecycle.camera import View
from shapecycle.code_to_image.renderer import MIN_SHADING
from shapecycle.rasterize import linear_from_srgb, shade_sh, srgb_from_linear


@dataclass(frozen=True, eq=False)
class Unprojection:
    """Where points of surfaces lie in a picture, and how well they are seen.

    Attributes:
        grid: Their places, as ``grid_sample`` takes them.
        weight: In [0, 1]; 0 where a point is hidden or turned away.
        shading: Linear shading to divide out.
    """

    grid: Float[Tensor, "b 1 t 2"]
    weight: Float[Tensor, "b t"]
    shading: Float[Tensor, "b t 3"]

    @staticmethod
    def of(
        points: Float[Tensor, "b t 3"],
        normals: Float[Tensor, "b t 3"],
        depth: Float[Tensor, "b 1 dh dw"],
        light: Float[Tensor, "b 9 3"],
        view: View,
    ) -> "Unprojection":
        """Project points.

        Args:
            points: Positions in camera space.
            normals: Unit normals in camera space.
            depth: Distance of the nearest surface per pixel, in object units, 0 where there is
                none.
            light: Spherical harmonics to divide out.
            view: The window that pictures show; its size is not used.
        """
        slope = tan(view.fov_y / 2)
        (x, y, z), (nx, ny, nz) = points.unbind(2), normals.unbind(2)
        centre_x, centre_y, half = view.window[:, :, None].unbind(1)
        right, down = x / (-z * slope) - centre_x, centre_y - y / (-z * slope)
        grid = torch.stack([right / half, down / half], 2)[:, None]
        nearest = F.grid_sample(depth, grid, mode="nearest", align_corners=False)[:, 0, 0]
        # A pixel's footprint on a slanted surface spans a range of depths; 0.02 of the object's
        # size.
        seen = (-z < nearest + 0.02).float()
        facing = -(nx * x + ny * y + nz * z) * (x * x + y * y + z * z).clamp(min=1e-12).rsqrt()
        weight = seen * smooth_step(facing, 0.15, 0.5)
        return Unprojection(grid, weight, shade_sh(normals, light).clamp(min=MIN_SHADING))

    def fetch(self, rgba: Float[Tensor, "b 4 h w"]) -> Float[Tensor, "b 4 t"]:
        """Fetch every point's sRGB albedo and, as the fourth channel, its weight.

        Args:
            rgba: Straight-alpha sRGB picture of the view's window; what lies outside its mask has
                weight 0.
        """
        # Bilinear, a fifth of the finest detail would be lost.
        picture = F.grid_sample(rgba, self.grid, mode="bicubic", align_corners=False)[:, :, 0]
        weight = self.weight * smooth_step(picture[:, 3], 0.7, 0.98)
        linear = linear_from_srgb(picture[:, :3].clamp(0, 1)) / self.shading.mT
        colour = srgb_from_linear(linear.clamp(1e-4, 1))
        return torch.cat([colour, weight[:, None]], 1)


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
        rgba: As `Unprojection.fetch` takes it.
        points: Texel positions in camera space, s * s of them, row by row from the top.
        normals, depth, light, view: As `Unprojection.of` takes them.

    Returns:
        sRGB albedo and, as the fourth channel, a weight in [0, 1]: 0 where the texel is hidden,
        turned away or falls outside the mask.
    """
    batch, count = points.shape[:2]
    side = round(count**0.5)
    found = Unprojection.of(points, normals, depth, light, view).fetch(rgba)
    return found.view(batch, 4, side, side)


def smooth_step(x: Tensor, low: float, high: float) -> Tensor:
    """Rise smoothly from 0 at ``low`` to 1 at ``high``."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)
