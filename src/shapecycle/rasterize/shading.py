"""Second-order spherical-harmonic light, and the sRGB curve."""

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.devices import in_full_precision
from shapecycle.rasterize.checks import check_companion, check_float

SH_CONSTANTS = (
    0.28209479177387814,  # 1:         sqrt(1 / (4 pi))
    0.4886025119029199,  # y:         sqrt(3 / (4 pi))
    0.4886025119029199,  # z
    0.4886025119029199,  # x
    1.0925484305920792,  # x y:       sqrt(15 / (4 pi))
    1.0925484305920792,  # y z
    0.31539156525252005,  # 3 z^2 - 1: sqrt(5 / (16 pi))
    1.0925484305920792,  # x z
    0.5462742152960396,  # x^2 - y^2: sqrt(15 / (16 pi))
)
"""Factors of 1, y, z, x, xy, yz, 3z^2-1, xz, x^2-y^2 that make the basis orthonormal."""


@in_full_precision
def shade_sh(
    normals: Float[Tensor, "b 3 h w"] | Float[Tensor, "b v 3"], light: Float[Tensor, "b 9 3"]
) -> Float[Tensor, "b 3 h w"] | Float[Tensor, "b v 3"]:
    """Evaluate distant light around unit normals: nine coefficients per colour.

    The coefficients weigh the real orthonormal basis 1, y, z, x, xy, yz, 3z^2-1, xz, x^2-y^2
    (``SH_CONSTANTS``, in this order) and are taken as those of the *shading*: the clamped
    cosine's factors pi, 2pi/3, pi/4 (and albedo's 1/pi) are the caller's business. So
    coefficient 0 = 3.5449 (sqrt(4 pi)) alone shades everything with 1. Nothing is clamped.

    Args:
        normals: Unit normals in the light's frame: an image, or rows.
        light: Linear light coefficients, red, green and blue.

    Returns:
        Linear shading, of the normals' layout, with colours for coordinates.

    Raises:
        ValueError: If a shape, a type or a device is wrong.

    Source:
        R. Ramamoorthi and P. Hanrahan, "An Efficient Representation for Irradiance Environment
        Maps", SIGGRAPH 2001, section 3 (the basis, equation 3).
    """
    check_float(light, "light", "(b, 9, 3)", None, 9, 3)
    check_companion(normals, "normals", light, "light")
    is_image = normals.ndim == 4
    if is_image:
        check_float(normals, "normals", "(b, 3, h, w) or (b, v, 3)", len(light), 3, None, None)
        columns = normals.flatten(2)
        return torch.bmm(light.transpose(1, 2), sh_basis(columns)).reshape(normals.shape)
    check_float(normals, "normals", "(b, 3, h, w) or (b, v, 3)", len(light), None, 3)
    return torch.bmm(sh_basis(normals.transpose(1, 2)).transpose(1, 2), light)


def sh_basis(normals: Float[Tensor, "b 3 n"]) -> Float[Tensor, "b 9 n"]:
    """Evaluate the nine basis functions at unit directions, in the order of ``shade_sh``."""
    x, y, z = normals.unbind(1)
    k = SH_CONSTANTS
    return torch.stack(
        [
            torch.full_like(x, k[0]),
            k[1] * y,
            k[2] * z,
            k[3] * x,
            k[4] * (x * y),
            k[5] * (y * z),
            k[6] * (3 * (z * z) - 1),
            k[7] * (x * z),
            k[8] * (x * x - y * y),
        ],
        dim=1,
    )


def srgb_from_linear(linear: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Encode linear light for display; values below 0 continue the straight part.

    Source: IEC 61966-2-1.
    """
    curve = 1.055 * _power(linear.clamp(min=0.0031308), 1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, 12.92 * linear, curve)


def linear_from_srgb(srgb: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Decode display values to linear light; values below 0 continue the straight part.

    Source: IEC 61966-2-1.
    """
    curve = _power((srgb.clamp(min=0.04045) + 0.055) / 1.055, 2.4)
    return torch.where(srgb <= 0.04045, srgb / 12.92, curve)


def _power(base: Tensor, exponent: float) -> Tensor:
    """Raise positive numbers to a power: on CPUs eight times as fast as ``pow``."""
    return torch.exp(exponent * torch.log(base))
