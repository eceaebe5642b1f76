"""Nearest neighbours on CPUs: looking at every point, vectorised, is faster than a tree."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from shapecycle.rasterize.warp_backend.runtime import Launch, launch

DIMENSIONS = (3, 6)
"""Those there are kernels for."""

MAX_POINTS = 1 << 12
"""Per item; among more, a tree finds the nearest sooner."""

LANES, ROUND = 16, 4
"""Points that are looked at together, and how many times that until the least is kept."""

FAR = 1e18
"""Coordinates that fill the last round up; their squares are still finite."""


def nearest(queries: Float[Tensor, "b n d"], points: Float[Tensor, "b m d"]) -> Int[Tensor, "b n"]:
    """Return the index of each query's nearest point, of equally near ones the first."""
    batch, count, dimensions = queries.shape
    padded = F.pad(points, (0, 0, 0, -points.shape[1] % (LANES * ROUND)), value=FAR)
    groups = padded.shape[1] // LANES
    grouped = padded.view(batch, groups, LANES, dimensions).mT.contiguous()
    found = torch.empty((batch, count), dtype=torch.int64, device=queries.device)
    arguments = (queries.contiguous(), count, grouped, groups, found)
    work = batch * count * groups
    launch(queries, batch, Launch(f"nearest_{dimensions}", count, arguments), work=work)
    return found
