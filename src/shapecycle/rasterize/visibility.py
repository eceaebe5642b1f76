"""What every pixel sees: the result of ``rasterize``."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

EMPTY = (1 << 63) - 1
"""The key of a pixel that sees nothing: farther than any face."""

DEPTH_STEPS = 1 << 30
"""Levels between the near and the far plane; float32 depths have no more than 2^24."""


@dataclass(frozen=True, eq=False)
class Visibility:
    """The nearest face at every pixel centre. No gradient flows through it.

    Attributes:
        key: Quantised depth in the upper 32 bits, face number in the lower; so the smallest
            key is the nearest face, and among equally near ones the one listed first.
        face_count: How many faces the topology had; None if only ``key`` tells.
    """

    key: Int[Tensor, "b h w"]
    face_count: int | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Image height and width, in pixels."""
        return self.key.shape[1], self.key.shape[2]

    @cached_property
    def min_face_count(self) -> int:
        """How many faces a topology has at least that these are rows of."""
        return int(self.face_id.max()) + 1 if self.key.numel() else 0

    @cached_property
    def mask(self) -> Bool[Tensor, "b h w"]:
        """Whether a face covers the pixel's centre."""
        return self.key != EMPTY

    @cached_property
    def face_id(self) -> Int[Tensor, "b h w"]:
        """The visible face's row in ``topology.faces``; -1 where empty."""
        return torch.where(self.mask, self.key & 0xFFFFFFFF, -1)

    @cached_property
    def depth(self) -> Float[Tensor, "b h w"]:
        """Depth in normalised device coordinates: -1 at near, 1 at far and where empty."""
        steps = (self.key >> 32).clamp(max=DEPTH_STEPS)
        return (steps.double() * (2.0 / DEPTH_STEPS) - 1.0).float()
