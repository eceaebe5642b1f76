"""Poses: a wide prior before photographs are understood, and a sampler that learns theirs."""

from math import pi, radians

import torch
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]
from torch import Tensor, nn

from shapecycle.camera import Pose
from shapecycle.config import SceneSettings
from shapecycle.randomness import normal, uniform


class PoseSampler(nn.Module):
    """Learns the distribution of the poses seen in photographs ("G_P" in the paper)."""

    start: Tensor

    def __init__(self, width: int = 64, noise: int = 8) -> None:
        super().__init__()
        self.noise = noise
        self.body = nn.Sequential(
            nn.Linear(noise, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, 7),
        )
        start = torch.tensor([0, 0, 0.35, 0, 0, 0, 0.5])
        self.register_buffer("start", start, persistent=False)

    def forward(self, noise: Float[Tensor, "b z"]) -> Float[Tensor, "b 7"]:
        """Return poses as vectors in which distances mean something, see `pose_vector`."""
        raw: Tensor = self.body(noise)
        return raw + self.start

    def sample(self, count: int, generator: torch.Generator) -> Pose:
        """Draw poses."""
        device = next(self.parameters()).device
        noise = normal(generator, count, self.noise).to(device)
        return pose_from_vector(self(noise))

    def transport_loss(
        self, seen: Float[Tensor, "b 7"], generator: torch.Generator
    ) -> Float[Tensor, ""]:
        """Return the optimal-transport cost between samples and poses seen in photographs.

        Source:
            Villani, "Optimal transport", 2009, introduction: between equally many points of equal
            mass an optimal plan is an assignment; solved by Crouse, "On implementing 2D
            rectangular assignment algorithms", IEEE TAES 2016.
        """
        place = generator.device
        noise = torch.randn(len(seen), self.noise, generator=generator, device=place).to(seen)
        cost = torch.cdist(self(noise), seen).square()
        _, columns = linear_sum_assignment(cost.detach().cpu().double().numpy())
        return cost.gather(1, torch.from_numpy(columns).to(cost.device)[:, None]).mean()


def pose_vector(pose: Pose) -> Float[Tensor, "b 7"]:
    """Return cos and sin of azimuth, elevation, roll, place in the frame and log distance."""
    azimuth, elevation, roll = pose.angles.unbind(1)
    depth = (-pose.translation[:, 2]).clamp(min=1e-3)
    aside = pose.translation[:, :2] / depth[:, None]
    parts = [azimuth.cos(), azimuth.sin(), elevation, roll, aside[:, 0], aside[:, 1], depth.log()]
    return torch.stack(parts, 1)


def pose_from_vector(vector: Float[Tensor, "b 7"]) -> Pose:
    """Undo `pose_vector`; any length of (cos, sin) will do."""
    azimuth = torch.atan2(vector[:, 1], vector[:, 0])
    depth = vector[:, 6].clamp(-1, 3).exp()[:, None]
    angles = torch.cat([azimuth[:, None], vector[:, 2:4].clamp(-pi / 2, pi / 2)], 1)
    return Pose(angles, torch.cat([vector[:, 4:6] * depth, -depth], 1))


def sample_pose(
    count: int, scenes: SceneSettings, generator: torch.Generator, device: torch.device
) -> Pose:
    """Draw poses from the wide prior that holds before photographs have been understood."""

    def between(low: float, high: float) -> Tensor:
        return low + (high - low) * uniform(generator, count)

    low, high = (radians(x) for x in scenes.elevation_degrees)
    roll = radians(scenes.roll_degrees) * normal(generator, count)
    angles = torch.stack([between(-torch.pi, torch.pi), between(low, high), roll], 1)
    near, far = scenes.distance
    # Uniform in apparent size rather than in distance.
    depth = 1 / between(1 / far, 1 / near)
    aside = 0.08 * normal(generator, count, 2) * depth[:, None]
    translation = torch.cat([aside, -depth[:, None]], 1)
    return Pose(angles.to(device), translation.to(device))
