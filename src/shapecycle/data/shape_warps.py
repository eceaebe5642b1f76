"""Smooth random warps: a few training shapes become many plausible ones.

Every warp keeps a mirror-symmetric object symmetric about x = 0, its feet level and its axes
where they are: scale, taper, shear and bow in the mirror plane, and monotone stretching along
each axis.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle import randomness


@dataclass(frozen=True, eq=False)
class Warp:
    """A batch of warps of object space; ``strength`` 0 is the identity."""

    scale: Float[Tensor, "b 1 3"]
    taper: Float[Tensor, "b 1 2"]
    shear: Float[Tensor, "b 1 2"]
    bow: Float[Tensor, "b 1 2"]
    wave: Float[Tensor, "b 1 3"]
    phase: Float[Tensor, "b 1 3"]
    frequency: Float[Tensor, "b 1 3"]

    @staticmethod
    def sample(count: int, generator: torch.Generator, strength: float = 1.0) -> "Warp":
        """Draw warps; the strongest change a side by about a third."""

        def normal(*shape: int) -> Tensor:
            return randomness.normal(generator, count, 1, *shape).clamp(-2, 2) * strength

        def uniform(*shape: int) -> Tensor:
            return randomness.uniform(generator, count, 1, *shape)

        place = generator.device
        less_in_y = torch.linspace(1.0, 0.4, 2, device=place)
        # Waves along x are odd, so that both sides of the object stretch alike.
        phase = uniform(3) * 6.2832 * (torch.arange(3, device=place) > 0)
        frequency = 4 + 6 * uniform(3)
        return Warp(
            scale=(0.13 * normal(3)).exp(),
            taper=0.25 * normal(2),
            shear=0.12 * normal(2) * less_in_y,
            bow=0.25 * normal(2) * less_in_y,
            wave=0.35 * normal(3) / frequency,
            phase=phase,
            frequency=frequency,
        )

    def points(self, points: Float[Tensor, "b n 3"]) -> Float[Tensor, "b n 3"]:
        """Warp points."""
        p = points + self.wave * torch.sin(self.frequency * points + self.phase)
        x, y, z = (p * self.scale).unbind(2)
        x = x * (1 + self.taper[..., 0] * y)
        z = z * (1 + self.taper[..., 1] * y)
        z, y = (
            z + self.shear[..., 0] * y + self.bow[..., 0] * y * y,
            y + self.shear[..., 1] * z + self.bow[..., 1] * z * z,
        )
        return torch.stack([x, y, z], 2)

    def normals(
        self, points: Float[Tensor, "b n 3"], normals: Float[Tensor, "b n 3"]
    ) -> Float[Tensor, "b n 3"]:
        """Warp unit normals, by warping two tangents at each point."""
        # The x axis or the y axis; to write them down here would copy them to a GPU every time.
        is_x = normals[..., :1].abs() < 0.6
        helper = torch.cat([is_x, ~is_x, torch.zeros_like(is_x)], -1).to(normals)
        first = torch.linalg.cross(normals, helper)
        second = torch.linalg.cross(normals, first)
        here, step = self.points(points), 1e-3
        along = [self.points(points + step * tangent) - here for tangent in (first, second)]
        warped = torch.linalg.cross(along[0], along[1])
        return warped / (warped * warped).sum(2, keepdim=True).clamp(min=1e-20).sqrt()
