"""From losses and their weights in the settings to the one number that is minimised."""

from dataclasses import asdict

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.config import LossWeights
from shapecycle.losses import Losses


def active_weights(weights: LossWeights) -> dict[str, float]:
    """Return the weights that are not 0 by the names of their losses."""
    return {name: weight for name, weight in asdict(weights).items() if weight}


def weighted_sum(losses: Losses, weights: LossWeights) -> Float[Tensor, ""]:
    """Add losses up, each times its weight; those of weight 0 stay out.

    Raises:
        KeyError: If a loss has no weight in the settings.
    """
    if unknown := losses.keys() - asdict(weights).keys():
        raise KeyError(f"no weight is called {', '.join(sorted(unknown))}")
    active = active_weights(weights)
    parts = [active[name] * loss for name, loss in losses.items() if name in active]
    return torch.stack(parts).sum()
