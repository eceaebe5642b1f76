"""What tells, while a training runs, that it comes to nothing: parts that have collapsed."""

from collections.abc import Mapping

import torch

from shapecycle.config import LossWeights
from shapecycle.losses import Losses
from shapecycle.losses.weighting import active_weights
from shapecycle.shape_to_code.encoder import SURFACE_POINTS
from shapecycle.train.steps import Trainer

LOOKED_AT = 64
"""Photographs and shapes."""
FLAT = 0.02
"""Spread of shape codes, the norm of the standard deviations of their numbers, below which they are
one and the same; of codes seen, as a share of the spread of those read."""
ONE_SIDE = 0.9
"""Share of the photographs that are seen in one of the azimuth bins."""
ALWAYS = 0.05
"""A critic's own loss (1.39 where it guesses) below which it is always right."""


@torch.no_grad()
def doubts(trainer: Trainer, stage: str, losses: Mapping[str, float]) -> list[str]:
    """Look for what has collapsed, and name it.

    Args:
        trainer: At the end of a stage, or when it saves.
        stage: Its name.
        losses: Means of the last steps.
    """
    networks, photos = trainer.networks, trainer.scenes.photos
    found = []
    read = networks.read(trainer.scenes.shapes.plain(SURFACE_POINTS)[:LOOKED_AT])
    known = _spread(read)
    if known < FLAT:
        found.append("all shapes are read as one: the shape codes have collapsed")
    if stage == "all cycles":
        encoding = networks.encode_image(*photos.at(_spread_over(len(photos.rgba))))
        if _spread(encoding.shape) < FLAT * max(known, FLAT):
            found.append("all photographs are seen as one shape: the codes seen have collapsed")
        best = encoding.pose.hypotheses(1)[0][:, 0]
        share = float(torch.bincount(best).max()) / len(best)
        if share > ONE_SIDE:
            found.append(f"{share:.0%} of the photographs are seen from one side")
    for name, value in losses.items():
        if name.endswith("_critic_own") and value < ALWAYS:
            kind = name.removesuffix("_critic_own")
            found.append(f"the {kind} critic is always right: nothing is learnt from it")
    return found


def image_misfit(losses: Losses, weights: LossWeights) -> torch.Tensor | None:
    """Return how badly photographs were drawn anew in a step: their weighted losses; None where
    they were not.
    """
    drawn = [
        weight * losses[name]
        for name, weight in active_weights(weights).items()
        if name.startswith("image_cycle") and name in losses
    ]
    return torch.stack(drawn).sum() if drawn else None


def _spread_over(count: int) -> torch.Tensor:
    """Return numbers of some of so many, from all over."""
    some = min(LOOKED_AT, count)
    return torch.arange(some) * count // some


def _spread(codes: torch.Tensor) -> float:
    return float(codes.std(0).norm())  # a training has at least eight of both
