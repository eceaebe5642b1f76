"""Nearest neighbours among batches of points."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.spatial import cKDTree  # type: ignore[import-untyped]
from torch import Tensor

from shapecycle.rasterize.backend import choose


@torch.no_grad()
def nearest(queries: Float[Tensor, "b n d"], points: Float[Tensor, "b m d"]) -> Int[Tensor, "b n"]:
    """Return the index of each query's nearest point.

    Raises:
        ValueError: If a coordinate is not finite (on CPUs, where looking does not wait).
    """
    if queries.device.type != "cpu":
        return torch.cdist(queries, points).argmin(2)
    if not (queries.sum() + points.sum()).isfinite():
        raise ValueError("nearest points were asked for of coordinates that are not finite")
    if choose("auto", queries.device, queries.dtype) == "warp":
        from shapecycle.rasterize.warp_backend import neighbours

        count, dimensions = points.shape[1:]
        if dimensions in neighbours.DIMENSIONS and 0 < count <= neighbours.MAX_POINTS:
            return neighbours.nearest(queries, points)

    # On CPUs argmin is not vectorised: trees are five times as fast at a thousand points.
    def look_up(query: np.ndarray, points: np.ndarray) -> np.ndarray:
        tree = cKDTree(points, balanced_tree=False, compact_nodes=False)
        found: np.ndarray = tree.query(query)[1]
        return found

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        found = list(pool.map(look_up, queries.numpy(), points.numpy()))
    return torch.from_numpy(np.stack(found))
