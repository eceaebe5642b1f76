"""Solid textures: colours as a function of position in space.

They dress shapes that have no texture coordinates, and tell the albedo at any surface point.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from shapecycle import randomness
from shapecycle import rasterize as rz


@dataclass(frozen=True, eq=False)
class SolidTexture:
    """A batch of textures made of random regions: half-spaces, ellipsoids and stripes.

    Later regions cover earlier ones. Positions are object space, about [-0.5, 0.5]^3.
    """

    colours: Float[Tensor, "b r 3"]
    normals: Float[Tensor, "b r 3"]
    offsets: Float[Tensor, "b r"]
    centres: Float[Tensor, "b r 3"]
    radii: Float[Tensor, "b r 3"]
    kind: Float[Tensor, "b r"]
    mirrored: Float[Tensor, "b 1 1"]

    @staticmethod
    def sample(
        count: int,
        generator: torch.Generator,
        palette: Float[Tensor, "n 3"] | None = None,
        regions: int = 5,
    ) -> "SolidTexture":
        """Draw textures: a first region that is everywhere, and further ones in half of them.

        Of these each one exists half the time.

        Args:
            count: Number of textures.
            generator: Source of randomness.
            palette: sRGB colours to draw from most of the time; random ones without.
            regions: Most regions a texture has.
        """

        def uniform(*shape: int) -> Tensor:
            return randomness.uniform(generator, count, *shape)

        def normal(*shape: int) -> Tensor:
            return randomness.normal(generator, count, *shape)

        colours = uniform(regions, 3)
        if palette is not None and len(palette):
            pick = randomness.integers(generator, len(palette), count, regions)
            known = palette.to(pick.device)[pick] + 0.03 * normal(regions, 3)
            colours = torch.where(uniform(regions, 1) < 0.7, known, colours)
        colours = colours.clamp(0.02, 0.98)
        axis = F.one_hot(randomness.integers(generator, 3, count, regions), 3).float()
        tilted = torch.where(uniform(regions, 1) < 0.6, axis, normal(regions, 3))
        sign = torch.where(uniform(regions, 1) < 0.5, 1.0, -1.0)
        kind = torch.where(
            uniform(regions) < 0.5, 0.0, torch.where(uniform(regions) < 0.8, 1.0, 2.0)
        )
        # In one colour, shading shows best.
        absent = (uniform(regions) < 0.5) | (uniform(1) < 0.5)
        absent = absent & (torch.arange(regions, device=generator.device) > 0)
        kind = torch.where(absent, 3.0, kind)
        kind[:, 0] = 4.0
        return SolidTexture(
            colours=colours,
            normals=tilted / tilted.norm(dim=2, keepdim=True).clamp(min=1e-6) * sign,
            offsets=0.2 * normal(regions),
            centres=0.25 * normal(regions, 3),
            radii=0.08 + 0.3 * uniform(regions, 3),
            kind=kind,
            mirrored=(uniform(1, 1) < 0.8).float(),
        )

    def to(self, device: torch.device) -> "SolidTexture":
        """Move to a device."""
        return SolidTexture(**{name: value.to(device) for name, value in vars(self).items()})

    def at(self, points: Float[Tensor, "b n 3"]) -> Float[Tensor, "b n 3"]:
        """Return the sRGB albedo at points in object space."""
        return rz.solid_colour(points, self.regions(), self.mirrored.flatten())

    def regions(self) -> Float[Tensor, "b r 14"]:
        """Return one row per region, as the rasteriser reads them."""
        offsets, kind = self.offsets[..., None], self.kind[..., None]
        parts = (self.colours, self.normals, offsets, self.centres, self.radii, kind)
        return torch.cat(parts, 2)
