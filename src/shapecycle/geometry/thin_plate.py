"""Thin-plate splines of space: the smoothest fields that take some points near to others."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

AT_ONCE = 64
"""Maps that are fitted at once: the system of one with 200 centres takes a third of a megabyte."""


@dataclass(frozen=True, eq=False)
class ThinPlateSpline:
    """A batch of smooth maps of space.

    In three dimensions the kernel is the distance itself.

    Attributes:
        centres: Where the kernels stand.
        weights: Of each kernel, then of the constant and of the three coordinates.

    Source:
        Duchon, "Splines minimizing rotation-invariant semi-norms in Sobolev spaces", 1977.
    """

    centres: Float[Tensor, "b m 3"]
    weights: Float[Tensor, "b k 3"]

    @staticmethod
    def fit(
        source: Float[Tensor, "b m 3"], target: Float[Tensor, "b m 3"], smoothing: float = 0.1
    ) -> "ThinPlateSpline":
        """Fit the maps that take sources to targets.

        Args:
            source: Distinct points, at least four that do not lie in a plane.
            target: Where they go.
            smoothing: Weight of bending against missing the targets; 0 hits them exactly.
        """
        solved = [
            solver(centres, smoothing) @ aims
            for centres, aims in zip(source.split(AT_ONCE), target.split(AT_ONCE), strict=True)
        ]
        return ThinPlateSpline(source, torch.cat(solved))

    def points(self, points: Float[Tensor, "b n 3"]) -> Float[Tensor, "b n 3"]:
        """Map points."""
        kernels, affine = self.weights[:, :-4], self.weights[:, -4:]
        # Three times as fast on a processor as the product the other way round.
        bent = (kernels.mT @ _distances(self.centres, points)).mT
        return affine[:, :1] + points @ affine[:, 1:] - bent

    def normals(
        self, points: Float[Tensor, "b n 3"], normals: Float[Tensor, "b n 3"]
    ) -> Float[Tensor, "b n 3"]:
        """Map the unit normals of a surface at some of its points."""
        away = points[:, :, None] - self.centres[:, None]
        direction = away / away.norm(dim=3, keepdim=True).clamp(min=1e-9)
        # Row j holds how the map changes along axis j.
        change = self.weights[:, None, -3:] - torch.einsum(
            "bnmj,bmk->bnjk", direction, self.weights[:, :-4]
        )
        # Normals go with the cofactors, whose rows are cross products of the other two.
        cofactors = torch.stack(
            [torch.linalg.cross(change[:, :, j - 2], change[:, :, j - 1]) for j in range(3)], 2
        )
        mapped = torch.einsum("bnjk,bnj->bnk", cofactors, normals)
        return mapped / mapped.norm(dim=2, keepdim=True).clamp(min=1e-20)


def _distances(x: Float[Tensor, "b n 3"], y: Float[Tensor, "b m 3"]) -> Float[Tensor, "b n m"]:
    # By products they would be off by a thousandth where they are small.
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")


def influence(
    points: Float[Tensor, "b n 3"], source: Float[Tensor, "b m 3"], smoothing: float = 0.1
) -> Float[Tensor, "b n m"]:
    """Return how far points follow each source: they go to the product with the sources' targets.

    The same map as `ThinPlateSpline.fit` and `ThinPlateSpline.points` make, for many targets.
    """
    row = torch.cat([-_distances(points, source), torch.ones_like(points[..., :1]), points], 2)
    return row @ solver(source, smoothing)


def bending(source: Float[Tensor, "b m 3"], smoothing: float = 0.1) -> Float[Tensor, "b m m"]:
    """Return the quadratic form of how much the map bends space: 0 for all affine targets.

    Source:
        Wahba, "Spline Models for Observational Data", 1990, section 2.4.
    """
    return solver(source, smoothing)[:, :-4]


def solver(source: Float[Tensor, "b m 3"], smoothing: float = 0.1) -> Float[Tensor, "b k m"]:
    """Return the matrices whose products with targets are the weights of a `ThinPlateSpline`."""
    batch, count, _ = source.shape
    # In double precision: the system is badly scaled.
    x = source.double()
    kernel = -_distances(x, x)
    kernel = kernel + smoothing * torch.eye(count, dtype=x.dtype, device=x.device)
    affine = torch.cat([torch.ones_like(x[..., :1]), x], 2)
    corner = x.new_zeros(batch, 4, 4)
    system = torch.cat([torch.cat([kernel, affine], 2), torch.cat([affine.mT, corner], 2)], 1)
    aims = torch.eye(count + 4, count, dtype=x.dtype).expand(batch, -1, -1)
    # On processors PyTorch 2.13 solves batches wrongly with several threads.
    return torch.from_numpy(np.linalg.solve(system.cpu().numpy(), aims.numpy())).to(source)
