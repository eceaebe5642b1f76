"""The image encoder's heads: shape, light, and several hypotheses of the pose."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shapecycle.pooling import pooled
from shapecycle.pose_distribution import AZIMUTH_BINS, PoseDistribution

COARSE_SIDE = 8
COARSE_SIZE = 5 * COARSE_SIDE**2
SHADING_ONE = 3.5449  # the constant harmonic's coefficient that shades every normal by 1


class Heads(nn.Module):
    """Shape code, light and distribution of poses from the trunk's features; learnt are MLPs."""

    def __init__(self, *, features: int, shape_size: int) -> None:
        super().__init__()
        self.shape = nn.Sequential(
            nn.Linear(features + 3, features), nn.SiLU(), nn.Linear(features, shape_size)
        )
        last_of_light = nn.Linear(features, 27)
        self.light = nn.Sequential(
            nn.Linear(features + COARSE_SIZE, features), nn.SiLU(), last_of_light
        )
        last = nn.Linear(features, AZIMUTH_BINS * 7)
        self.pose = nn.Sequential(nn.Linear(features + 3, features), nn.SiLU(), last)
        for layer in (last_of_light, last):
            nn.init.normal_(layer.weight, std=0.1 / features**0.5)
            nn.init.zeros_(layer.bias)

    def forward(
        self,
        features: Float[Tensor, "b q"],
        coarse: Float[Tensor, "b c"],
        window: Float[Tensor, "b 3"],
    ) -> tuple[Float[Tensor, "b n"], Float[Tensor, "b 9 3"], PoseDistribution]:
        """Return the shape code, the light and the pose distribution.

        What outlines tell soon makes the trunk blind to colours, which in random scenes tell so
        little: the light is seen in the coarse picture as well.

        The window is an input because perspective depends on where in the frame the object is.
        """
        known = torch.cat([features, window], 1)
        light = self.light(torch.cat([features, coarse], 1)).view(-1, 9, 3)
        constant = torch.zeros_like(light)
        constant[:, 0] = 0.8 * SHADING_ONE
        raw = self.pose(known).view(-1, AZIMUTH_BINS, 7)
        # 20 degrees up, and a window about as wide as the object: where most photographs start.
        elevation_roll = torch.stack([0.35 + raw[..., 2], raw[..., 3]], -1)
        placement = torch.cat([raw[..., 4:6], raw[..., 6:] - 0.7], -1)
        pose = PoseDistribution(raw[..., 0], torch.tanh(raw[..., 1]), elevation_roll, placement)
        return self.shape(known), light + constant, pose


def coarse_picture(rgba: Float[Tensor, "b 4 h w"]) -> Float[Tensor, "b c"]:
    """Return few large pixels of a picture: relative brightness, colours, alpha.

    Brightness is logarithmic, and relative to that of the whole object, in its deviations: so the
    shading of a dark object and of a bright one are alike.
    """
    alpha = rgba[:, 3:]
    weight = alpha.sum((2, 3), keepdim=True).clamp(min=1.0)
    bright = rgba[:, :3].mean(1, keepdim=True).clamp(min=0.02).log()
    away = bright - (bright * alpha).sum((2, 3), keepdim=True) / weight
    deviation = ((away.square() * alpha).sum((2, 3), keepdim=True) / weight + 0.01).sqrt()
    planes = [away / deviation * alpha, 2 * (rgba[:, :3] - 0.5) * alpha, alpha - 0.5]
    return pooled(torch.cat(planes, 1), COARSE_SIDE).flatten(1)
