"""The image encoder's heads: shape, light, and several hypotheses of the pose."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shapecycle.pose_distribution import AZIMUTH_BINS, PoseDistribution

SHADING_ONE = 3.5449  # the constant harmonic's coefficient that shades every normal by 1


class Heads(nn.Module):
    """Shape code, light and distribution of poses from the trunk's features; learnt are MLPs."""

    def __init__(self, *, features: int, shape_size: int) -> None:
        super().__init__()
        self.shape = nn.Sequential(
            nn.Linear(features + 3, features), nn.SiLU(), nn.Linear(features, shape_size)
        )
        self.light = nn.Linear(features, 27)
        last = nn.Linear(features, AZIMUTH_BINS * 7)
        self.pose = nn.Sequential(nn.Linear(features + 3, features), nn.SiLU(), last)
        for layer in (self.light, last):
            nn.init.normal_(layer.weight, std=0.1 / features**0.5)
            nn.init.zeros_(layer.bias)

    def forward(
        self, features: Float[Tensor, "b q"], window: Float[Tensor, "b 3"]
    ) -> tuple[Float[Tensor, "b n"], Float[Tensor, "b 9 3"], PoseDistribution]:
        """Return the shape code, the light and the pose distribution.

        The window is an input because perspective depends on where in the frame the object is.
        """
        known = torch.cat([features, window], 1)
        light = self.light(features).view(-1, 9, 3)
        constant = torch.zeros_like(light)
        constant[:, 0] = 0.8 * SHADING_ONE
        raw = self.pose(known).view(-1, AZIMUTH_BINS, 7)
        # 20 degrees up, and a window about as wide as the object: where most photographs start.
        elevation_roll = torch.stack([0.35 + raw[..., 2], raw[..., 3]], -1)
        placement = torch.cat([raw[..., 4:6], raw[..., 6:] - 0.7], -1)
        pose = PoseDistribution(raw[..., 0], torch.tanh(raw[..., 1]), elevation_roll, placement)
        return self.shape(known), light + constant, pose
