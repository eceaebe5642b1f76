"""What was last seen in photographs."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.camera import Pose
from shapecycle.priors.pose import pose_vector

LOOKS_KEPT = 2048
"""How many looks a training remembers."""


@dataclass
class Looks:
    """What was last seen in photographs: poses and lights to learn the priors from."""

    poses: Float[Tensor, "n 7"]
    lights: Float[Tensor, "n 27"]
    count: int = 0

    @torch.no_grad()
    def add(self, pose: Pose, light: Float[Tensor, "b 9 3"]) -> None:
        """Remember a batch, over the oldest one."""
        place = (self.count + torch.arange(len(light))) % len(self.poses)
        self.poses[place] = pose_vector(pose)
        self.lights[place] = light.flatten(1)
        self.count += len(light)

    @property
    def filled(self) -> int:
        """Number of looks there are."""
        return min(self.count, len(self.poses))
