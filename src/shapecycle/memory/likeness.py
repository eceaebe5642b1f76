"""How alike a shape is to those that are remembered, as they are."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.memory.source import Source
from shapecycle.mesh import Mesh

POINTS = 256
"""Points by which shapes are compared."""
COMPARED = 32
"""Remembered shapes that say how far one usually is from the nearest other one."""
SHARE = 0.95


class Likeness:
    """Compares shapes with remembered ones by Chamfer distance, in aligned boxes.

    Args:
        sources: At least two.

    Attributes:
        points: Of each of them, in object space.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        meshes = [Mesh(one.vertices.cpu().numpy(), one.faces.cpu().numpy()) for one in sources]
        self.points = torch.stack([_points(one) for one in meshes])

    @cached_property
    def usual(self) -> float:
        """How far a remembered shape is, at most, from the nearest other one; most of them are."""
        step = max(1, len(self.points) // COMPARED)
        found = []
        for k in range(0, len(self.points), step):
            others = torch.cat([self.points[:k], self.points[k + 1 :]])
            found.append(float(_chamfer(self.points[k], others).min()))
        return float(np.quantile(found, SHARE))

    def unlike(self, mesh: Mesh) -> float:
        """Return how far a normalised shape is from the nearest remembered one, over the usual."""
        return float(_chamfer(_points(mesh), self.points).min()) / self.usual


def _points(mesh: Mesh) -> Float[Tensor, "p 3"]:
    return torch.from_numpy(mesh.sample(POINTS, np.random.default_rng(0))[0]).float()


def _chamfer(points: Float[Tensor, "p 3"], others: Float[Tensor, "s p 3"]) -> Float[Tensor, " s"]:
    """Return the Chamfer distances of one set of points from several."""
    away = torch.cdist(points.expand(len(others), -1, -1), others)
    return (away.amin(1).mean(1) + away.amin(2).mean(1)) / 2
