"""Lending: what one surface wears is laid on another.

The template gives correspondence between all shapes: the other shape is carried to the one that
lends, so that wheels lie on wheels, and every texel takes the colours of what it then lies on.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.spatial import cKDTree  # type: ignore[import-untyped]
from torch import Tensor

from shapecycle.image_to_code.unprojection import smooth_step
from shapecycle.memory.atlas import Atlas, placed
from shapecycle.memory.surfaces import SurfaceDecoder

APART = (0.1, 0.2)
"""Distances, normals counted as in `memory.atlas`, up to which a texel lies on the other surface,
and from which it does not."""
MOST_TEXELS = 512
"""Along a side of what is lent."""


@torch.no_grad()
def lent(
    decoder: SurfaceDecoder, texels: Float[Tensor, "1 4 a a"], lender: int, borrower: int
) -> Float[Tensor, "1 4 s s"]:
    """Lay texels of one surface on another.

    Args:
        decoder: Knows both surfaces.
        texels: What the lender wears, in its own texture.
        lender: Fingerprint of its source.
        borrower: Fingerprint of the other's.

    Returns:
        Texels of the borrower's own texture. What lies on nothing that is worn weighs nothing.
    """
    side = min(MOST_TEXELS, texels.shape[-1])
    theirs, ours = decoder.atlas(lender, texels.shape[-1]), decoder.atlas(borrower, side)
    lenders, row = decoder.found(lender)
    borrowers, our_row = decoder.found(borrower)
    rows = torch.tensor([our_row], device=texels.device)
    carried = borrowers.carried(rows, lenders.templates[row : row + 1])
    carried = carried[:, : len(borrowers.sources[our_row].vertices)]
    vertices = lenders.sources[row].vertices[None].to(carried)
    there, worn = _on_charts(theirs, vertices)
    here, kept = _on_charts(ours, carried)
    away, nearest = cKDTree(there).query(here)
    apart = torch.from_numpy(away).to(texels)
    taken = texels[0].flatten(1)[:, worn][:, torch.from_numpy(nearest).to(worn)]
    weight = taken[3] * (1 - smooth_step(apart, *APART))
    result = texels.new_zeros(4, side * side)
    result[:, kept] = torch.cat([taken[:3], weight[None]])
    return ours.spread(result.view(1, 4, side, side))


def _on_charts(
    atlas: Atlas, vertices: Float[Tensor, "1 n 3"]
) -> tuple[np.ndarray, Int[Tensor, " k"]]:
    """Return where the texels of an atlas' charts lie, normals beside, and their numbers."""
    kept = atlas.seen.mask.flatten().nonzero()[:, 0]
    points, normals = atlas.points(vertices)
    return placed(points[kept], normals[kept]), kept
