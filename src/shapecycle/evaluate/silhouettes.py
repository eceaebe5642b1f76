"""Overlap of silhouettes."""

import numpy as np
from jaxtyping import Float


def silhouette_iou(drawn: Float[np.ndarray, "h w"], mask: Float[np.ndarray, "h w"]) -> float:
    """Return intersection over union of two coverages, each counted where it is above one half."""
    first, second = drawn > 0.5, mask > 0.5
    union = int((first | second).sum())
    return float((first & second).sum() / union) if union else 1.0
