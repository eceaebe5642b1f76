"""The image encoder's heads: shape, light, and several hypotheses of the pose."""

from dataclasses import dataclass
from math import pi

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from shapecycle.camera import Pose, translation_in_window

AZIMUTH_BINS = 24
SHADING_ONE = 3.5449  # the constant harmonic's coefficient that shades every normal by 1


@dataclass(frozen=True, eq=False)
class PoseBelief:
    """What one look says of the pose: a plausibility and an estimate per azimuth bin.

    Attributes:
        logits: Unnormalised log-plausibility of each bin.
        residual: Azimuth from the bin's centre, in bins; within (-1, 1).
        tilt: Elevation and roll per bin, in radians.
        placement: Where the object stands in the window, per bin; see
            `camera.translation_in_window`.
    """

    logits: Float[Tensor, "b k"]
    residual: Float[Tensor, "b k"]
    tilt: Float[Tensor, "b k 2"]
    placement: Float[Tensor, "b k 3"]

    def pose(self, bins: Int[Tensor, " b"], window: Float[Tensor, "b 3"], *, fov_y: float) -> Pose:
        """Return the estimate of one bin per item."""
        row = torch.arange(len(bins), device=bins.device)
        azimuth = (bins + self.residual[row, bins]) * (2 * pi / AZIMUTH_BINS)
        angles = torch.cat([azimuth[:, None], self.tilt[row, bins]], 1)
        translation = translation_in_window(self.placement[row, bins], window, fov_y=fov_y)
        return Pose(angles, translation)

    def hypotheses(self, count: int) -> tuple[Int[Tensor, "b h"], Float[Tensor, "b h"]]:
        """Return the most plausible distinct bins and their plausibilities, the best first.

        A bin next to a better one on the circle is the same hypothesis, and lends its plausibility
        to the better of its two neighbours. What is returned sums to at most 1.
        """
        plausibility = self.logits.softmax(1)
        left, right = plausibility.roll(1, 1), plausibility.roll(-1, 1)
        falls_left = (left > plausibility) & (left >= right)
        falls_right = (right > plausibility) & ~falls_left
        peak = ~falls_left & ~falls_right
        lent = (plausibility * falls_left).roll(-1, 1) + (plausibility * falls_right).roll(1, 1)
        # Slopes come after all peaks, and only where there are too few of those.
        mass = torch.where(peak, plausibility + lent, plausibility * 1e-6)
        best = mass.topk(count, dim=1)
        return best.indices, torch.where(peak.gather(1, best.indices), best.values, 0.0)


def azimuth_bin(azimuth: Float[Tensor, " b"]) -> tuple[Int[Tensor, " b"], Float[Tensor, " b"]]:
    """Return each azimuth's nearest bin, and how far it lies from its centre, in bins."""
    place = azimuth * (AZIMUTH_BINS / (2 * pi))
    nearest = place.round()
    return nearest.long() % AZIMUTH_BINS, place - nearest


class Heads(nn.Module):
    """Reads shape code, light and pose belief off the trunk's features; learnt are linear maps."""

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
    ) -> tuple[Float[Tensor, "b n"], Float[Tensor, "b 9 3"], PoseBelief]:
        """Return the shape code, the light and the pose belief.

        The window is an input because perspective depends on where in the frame the object is.
        """
        known = torch.cat([features, window], 1)
        light = self.light(features).view(-1, 9, 3)
        constant = torch.zeros_like(light)
        constant[:, 0] = 0.8 * SHADING_ONE
        raw = self.pose(known).view(-1, AZIMUTH_BINS, 7)
        # 20 degrees up, and a window about as wide as the object: where most photographs start.
        tilt = torch.stack([0.35 + raw[..., 2], raw[..., 3]], -1)
        placement = torch.cat([raw[..., 4:6], raw[..., 6:] - 0.7], -1)
        belief = PoseBelief(raw[..., 0], torch.tanh(raw[..., 1]), tilt, placement)
        return self.shape(known), light + constant, belief
