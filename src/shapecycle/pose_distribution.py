"""Distributions of poses: a plausibility and an estimate for every bin of azimuth."""

from dataclasses import dataclass
from math import pi, radians

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from shapecycle.camera import Pose, translation_in_window

AZIMUTH_BINS = 24
BIN_WIDTH = 2 * pi / AZIMUTH_BINS
NEARBY = radians(30)
"""How far azimuths may lie from one that people name; to any, some bin's estimate lies nearer."""


@dataclass(frozen=True, eq=False)
class PoseDistribution:
    """What a picture says of where the camera stands: a plausibility and an estimate per bin.

    Attributes:
        logits: Unnormalised log-plausibility of each bin.
        residual: Azimuth from the bin's centre, in bins; within (-1, 1).
        elevation_roll: Elevation and roll per bin, in radians.
        placement: Where the object stands in the window, per bin; see
            `camera.translation_in_window`.
    """

    logits: Float[Tensor, "b k"]
    residual: Float[Tensor, "b k"]
    elevation_roll: Float[Tensor, "b k 2"]
    placement: Float[Tensor, "b k 3"]

    def pose(self, bins: Int[Tensor, " b"], window: Float[Tensor, "b 3"], *, fov_y: float) -> Pose:
        """Return the estimate of one bin per item."""
        row = torch.arange(len(bins), device=bins.device)
        azimuth = (bins + self.residual[row, bins]) * BIN_WIDTH
        angles = torch.cat([azimuth[:, None], self.elevation_roll[row, bins]], 1)
        translation = translation_in_window(self.placement[row, bins], window, fov_y=fov_y)
        return Pose(angles, translation)

    def repeated(self, times: int) -> "PoseDistribution":
        """Return the whole batch several times over."""
        return PoseDistribution(
            self.logits.repeat(times, 1),
            self.residual.repeat(times, 1),
            self.elevation_roll.repeat(times, 1, 1),
            self.placement.repeat(times, 1, 1),
        )

    def hypotheses(self, count: int) -> tuple[Int[Tensor, "b h"], Float[Tensor, "b h"]]:
        """Return the most plausible distinct bins and their plausibilities, the best first.

        A bin next to a better one on the circle is the same hypothesis, and lends its plausibility
        to the better of its two neighbours. What is returned sums to at most 1.
        """
        mass, peak = self._peaks()
        # Slopes come after all peaks, and only where there are too few of those.
        best = torch.where(peak, mass, mass * 1e-6).topk(count, dim=1)
        return best.indices, torch.where(peak.gather(1, best.indices), best.values, 0.0)

    def near(self, azimuth: Float[Tensor, " b"]) -> tuple[Int[Tensor, " b"], Float[Tensor, " b"]]:
        """Return, of the estimates near one azimuth per item, the most plausible bin.

        Args:
            azimuth: In radians, of any size; ``NEARBY`` is near.

        Returns:
            The bins, and their plausibilities: those of hypotheses where they are such.
        """
        bins = torch.arange(AZIMUTH_BINS, device=azimuth.device)
        away = (bins + self.residual) * BIN_WIDTH - azimuth[:, None]
        away = (away + pi).remainder(2 * pi) - pi
        best = self.logits.where(away.abs() <= NEARBY, -torch.inf).argmax(1)
        return best, self._peaks()[0].gather(1, best[:, None])[:, 0]

    def _peaks(self) -> tuple[Float[Tensor, "b k"], Bool[Tensor, "b k"]]:
        """Return the plausibility of every bin, peaks with what falls onto them, and the peaks."""
        plausibility = self.logits.softmax(1)
        left, right = plausibility.roll(1, 1), plausibility.roll(-1, 1)
        falls_left = (left > plausibility) & (left >= right)
        falls_right = (right > plausibility) & ~falls_left
        peak = ~falls_left & ~falls_right
        lent = (plausibility * falls_left).roll(-1, 1) + (plausibility * falls_right).roll(1, 1)
        return torch.where(peak, plausibility + lent, plausibility), peak


def azimuth_bin(azimuth: Float[Tensor, " b"]) -> tuple[Int[Tensor, " b"], Float[Tensor, " b"]]:
    """Return each azimuth's nearest bin, and how far it lies from its centre, in bins."""
    place = azimuth * (AZIMUTH_BINS / (2 * pi))
    nearest = place.round()
    return nearest.long() % AZIMUTH_BINS, place - nearest
