"""Light: where it comes from when nobody photographed it."""

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.randomness import normal, uniform


def sample_light(
    count: int, generator: torch.Generator, device: torch.device | str = "cpu"
) -> Float[Tensor, "b 9 3"]:
    """Draw second-order spherical-harmonic lights: ambient, plus one soft lamp, slightly tinted.

    The shading of a surface that faces the lamp is about 1; away from it, between .2 and .7.

    Returns:
        Coefficients of shading (what albedo is multiplied by, linear) in the order of
        `rasterize.shade_sh`, in the camera's frame; lamps are above and before the object more
        often than below and behind it.
    """
    from shapecycle.rasterize import sh_basis

    place = generator.device
    lamp = normal(generator, count, 3) + 0.8 * (torch.arange(3, device=place) > 0)
    lamp = lamp / lamp.norm(dim=1, keepdim=True)
    ambient = 0.2 + 0.5 * uniform(generator, count, 1)
    strength = (1.0 - ambient) * (0.6 + 0.6 * uniform(generator, count, 1))
    # A clamped cosine lobe: pi, 2 pi / 3 and pi / 4 per band (Ramamoorthi and Hanrahan,
    # "An efficient representation for irradiance environment maps", SIGGRAPH 2001, eq. 8).
    band = torch.arange(9, device=place)
    lobe = torch.where(band < 1, 3.1416, torch.where(band < 4, 2.0944, 0.7854))
    light = sh_basis(lamp[:, :, None])[:, :, 0] * lobe * strength
    light[:, :1] += ambient * 3.5449
    tint = 1 + 0.05 * normal(generator, count, 1, 3)
    return (light[:, :, None] * tint).to(device)
