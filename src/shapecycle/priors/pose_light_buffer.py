"""Poses and lights as they were last seen in photographs, to learn the priors from."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.camera import Pose
from shapecycle.priors.pose import pose_vector


@dataclass
class PoseLightBuffer:
    """The latest poses and lights, in a ring.

    Attributes:
        poses: Poses as vectors, see `priors.pose.pose_vector`.
        lights: Spherical-harmonic lights, flattened.
        count: How many were ever added.
    """

    poses: Float[Tensor, "n 7"]
    lights: Float[Tensor, "n 27"]
    count: int = 0

    @classmethod
    def empty(cls, size: int, device: torch.device) -> "PoseLightBuffer":
        """Return a buffer for ``size`` poses and lights."""
        return cls(torch.zeros(size, 7, device=device), torch.zeros(size, 27, device=device))

    def to(self, device: torch.device) -> "PoseLightBuffer":
        """Move to a device."""
        return PoseLightBuffer(self.poses.to(device), self.lights.to(device), self.count)

    @torch.no_grad()
    def add(self, pose: Pose, light: Float[Tensor, "b 9 3"]) -> None:
        """Store a batch over the oldest entries."""
        place = (self.count + torch.arange(len(light), device=self.poses.device)) % len(self.poses)
        self.poses[place] = pose_vector(pose)
        self.lights[place] = light.flatten(1)
        self.count += len(light)

    def __len__(self) -> int:
        return min(self.count, len(self.poses))

    @property
    def is_full(self) -> bool:
        """Whether every entry was seen in a photograph."""
        return len(self) == len(self.poses)
