"""The shape encoder: surface points become a shape code."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shapecycle.geometry.nearest import nearest

SURFACE_POINTS = 1024
"""Points by which a shape is read."""


class ShapeEncoder(nn.Module):
    """Encodes a surface, given as points on it, into a shape code.

    Learnt is an MLP on basis-point-set features: for every one of a fixed set of points, how far
    and in which direction the nearest surface point lies. They are as good as a PointNet here and
    ten times cheaper.

    Source:
        Prokudin, Lassner, Romero, "Efficient learning on point clouds with basis point sets",
        ICCV 2019.
    """

    anchors: Tensor

    def __init__(self, *, shape_size: int, width: int, basis_points: int = 512) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        anchors = torch.rand(basis_points, 3, generator=generator) - 0.5
        self.register_buffer("anchors", anchors * 0.9)
        self.body = nn.Sequential(
            nn.Linear(4 * basis_points, 2 * width),
            nn.LayerNorm(2 * width),
            nn.SiLU(),
            nn.Linear(2 * width, 2 * width),
            nn.SiLU(),
            nn.Linear(2 * width, shape_size),
        )

    def forward(self, points: Float[Tensor, "b p 3"]) -> Float[Tensor, "b n"]:
        """Return the shape codes of surfaces given as points in object space."""
        near = nearest(self.anchors.expand(len(points), -1, -1), points)
        offset = torch.gather(points, 1, near[..., None].expand(-1, -1, 3)) - self.anchors
        distance = (offset * offset).sum(2, keepdim=True).add(1e-8).sqrt()
        features = torch.cat([offset, distance], 2).flatten(1) * 5
        code: Tensor = self.body(features)
        return code
