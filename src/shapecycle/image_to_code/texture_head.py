"""The texture head: what a photograph showed of the surface becomes a code for all of it."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shapecycle.devices import autocast
from shapecycle.pooling import pooled


class TextureHead(nn.Module):
    """Encodes partly seen UV albedo into a texture code.

    Learnt is a small convolutional encoder on the unfolded sphere; the input is what was seen
    and its mirror image, each with its weight.
    """

    def __init__(self, *, features: int, texture_size: int, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(8, width, 4, stride=4),
            nn.SiLU(),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.GroupNorm(4, 2 * width),
            nn.SiLU(),
            nn.Conv2d(2 * width, 2 * width, 4, stride=2, padding=1),
            nn.SiLU(),
        )
        self.last = nn.Sequential(
            nn.Linear(2 * width * 16 + features, 256), nn.SiLU(), nn.Linear(256, texture_size)
        )

    def forward(
        self, texels: Float[Tensor, "b 4 s s"], features: Float[Tensor, "b q"]
    ) -> Float[Tensor, "b t"]:
        """Return the texture codes."""
        seen = torch.cat([(texels[:, :3] - 0.5) * texels[:, 3:], texels[:, 3:]], 1)
        both = pooled(torch.cat([seen, seen.flip(-1)], 1), 64)
        with autocast(both.device):
            found = self.body(both.contiguous(memory_format=torch.channels_last))
        code: Tensor = self.last(torch.cat([found.flatten(1).float(), features], 1))
        return code
