"""The image encoder's trunk: a masked picture becomes a feature vector."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from shapecycle.pooling import pooled


class Backbone(nn.Module):
    """A residual network with group normalisation.

    Batch normalisation is out: what a picture means must not depend on its neighbours in a batch.

    Source:
        He et al., "Identity mappings in deep residual networks", ECCV 2016; Wu and He, "Group
        normalization", ECCV 2018.
    """

    def __init__(self, *, width: int, image_size: int, features: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(4, width, 5, stride=2, padding=2)
        widths = [width, 2 * width, 4 * width, 6 * width]
        blocks: list[nn.Module] = []
        channels, side = width, image_size // 2
        for stage, following in enumerate(widths):
            blocks += [_Residual(channels, following, stride=1 if stage == 0 else 2)]
            # The two fine stages cost the most time: they have one block.
            blocks += [_Residual(following, following, stride=1)] * (stage >= 2)
            channels = following
            side = side if following == width else -(-side // 2)
        # Larger pictures are averaged down to the same 4 x 4 cells: the last layer has one size.
        self.side = min(side, 4)
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.GroupNorm(8, channels)
        self.last = nn.Linear(channels * self.side**2, features)

    def forward(self, rgba: Float[Tensor, "b 4 h w"]) -> Float[Tensor, "b q"]:
        """Return features of straight-alpha crops; colour is multiplied by alpha first."""
        # Straight colours are undefined where alpha is 0.
        premultiplied = torch.cat([(rgba[:, :3] - 0.5) * rgba[:, 3:], rgba[:, 3:] - 0.5], 1)
        x = premultiplied.contiguous(memory_format=torch.channels_last)
        x = self.blocks(self.stem(x))
        x = pooled(F.silu(self.norm(x)), self.side)
        return F.silu(self.last(x.flatten(1)).float())


class _Residual(nn.Module):
    def __init__(self, channels: int, following: int, *, stride: int) -> None:
        super().__init__()
        self.norm_1 = nn.GroupNorm(8, channels)
        self.convolution_1 = nn.Conv2d(channels, following, 3, stride=stride, padding=1)
        self.norm_2 = nn.GroupNorm(8, following)
        self.convolution_2 = nn.Conv2d(following, following, 3, padding=1)
        nn.init.zeros_(self.convolution_2.weight)
        same = channels == following and stride == 1
        self.skip = nn.Identity() if same else nn.Conv2d(channels, following, 1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.convolution_1(F.silu(self.norm_1(x)))
        y = self.convolution_2(F.silu(self.norm_2(y)))
        result: Tensor = y + self.skip(x)
        return result
