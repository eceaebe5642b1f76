"""How sure a mean over pictures is when several of them show one object."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

RESAMPLES = 2000
COVERAGE = 0.95


def interval_of_mean(
    values: Float[np.ndarray, " n"], objects: Sequence[str], *, seed: int = 0
) -> tuple[float, float] | None:
    """Return the interval that a mean lies in if other objects of the same kind are taken.

    Objects are drawn again, with all their pictures: pictures of one object are alike, and as if
    they were independent the interval would be too narrow. One seed draws the same objects for
    every score, and for the differences of two models.

    Args:
        values: One per picture.
        objects: What each picture shows.
        seed: Of the draws.

    Returns:
        The 2.5th and the 97.5th percentile of the means; None for a single object, which says
        nothing about others.

    Source:
        Efron, Bootstrap Methods: Another Look at the Jackknife, Annals of Statistics 1979;
        percentile intervals.
    """
    owner = np.unique(np.array(objects), return_inverse=True)[1]
    sizes, sums = np.bincount(owner), np.bincount(owner, values)
    if len(sizes) < 2:
        return None
    picks = np.random.default_rng(seed).integers(len(sizes), size=(RESAMPLES, len(sizes)))
    means = sums[picks].sum(1) / sizes[picks].sum(1)
    low, high = np.quantile(means, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2]).tolist()
    return low, high
