"""Losses on graphics codes: what must come back, and priors."""

from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from shapecycle.camera import Pose, View, placement_in_window
from shapecycle.pose_distribution import PoseDistribution, azimuth_bin
from shapecycle.rasterize import shade_sh


def pose_loss(pose: PoseDistribution, truth: Pose, view: View) -> dict[str, Float[Tensor, ""]]:
    """Compare a distribution of poses with the known pose.

    Returns:
        ``azimuth``: cross entropy of the bins, smoothed to the neighbour that is nearly as near,
        plus the error of the right bin's residual; ``elevation_roll`` and ``placement``: errors
        of the right bin's elevation and roll (radians) and of its place in the window.
    """
    bins, residual = azimuth_bin(truth.angles[:, 0])
    row = torch.arange(len(bins), device=bins.device)
    count = pose.logits.shape[1]
    neighbour = (bins + residual.sign().long()) % count
    share = residual.abs()[:, None]
    target = F.one_hot(bins, count) * (1 - share) + F.one_hot(neighbour, count) * share
    entropy = -(target * pose.logits.log_softmax(1)).sum(1).mean()
    # Where the neighbouring bin wins, its residual is used: it is taught the same azimuth.
    aside = residual - residual.sign()
    error = (pose.residual[row, bins] - residual).abs().mean()
    error_aside = ((pose.residual[row, neighbour] - aside).abs() * residual.abs()).mean()
    placement = placement_in_window(truth.translation, view.window, fov_y=view.fov_y)

    def both(estimate: Tensor, known: Tensor) -> Tensor:
        near = F.smooth_l1_loss(estimate[row, bins], known, beta=0.05)
        return near + 0.5 * F.smooth_l1_loss(estimate[row, neighbour], known, beta=0.05)

    return {
        "azimuth": entropy + error + error_aside,
        "elevation_roll": 2 * both(pose.elevation_roll, truth.angles[:, 1:]),
        "placement": both(pose.placement, placement),
    }


def light_loss(light: Float[Tensor, "b 9 3"], truth: Float[Tensor, "b 9 3"]) -> Float[Tensor, ""]:
    """Return the mean difference of the shading of normals that face the camera."""
    normals = _facing_normals(light.device).expand(len(light), -1, -1)
    return (shade_sh(normals, light) - shade_sh(normals, truth)).abs().mean()


@cache
def _facing_normals(device: torch.device) -> Float[Tensor, "n 3"]:
    """Draw unit normals that face the camera: always the same, copied to a device once."""
    normals = torch.randn(64, 3, generator=torch.Generator().manual_seed(0))
    normals[:, 2] = normals[:, 2].abs()
    return (normals / normals.norm(dim=1, keepdim=True)).to(device)


def sliced_wasserstein_to_gaussian(
    codes: Float[Tensor, "b n"], generator: torch.Generator, directions: int = 64
) -> Float[Tensor, ""]:
    """Return the squared sliced Wasserstein distance to an equally large normal sample.

    Source:
        Kolouri et al., "Sliced-Wasserstein autoencoder", ICLR 2019, eq. 9.
    """
    place = generator.device
    axes = torch.randn(codes.shape[1], directions, generator=generator, device=place).to(codes)
    axes = axes / axes.norm(dim=0)
    normal = torch.randn(codes.shape, generator=generator, device=place).to(codes)
    ours, theirs = ((x @ axes).sort(0).values for x in (codes, normal))
    return (ours - theirs).square().mean()
