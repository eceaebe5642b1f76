"""From losses to one number: weights multiply, zeros stay out, unknown names are refused."""

from dataclasses import replace

import pytest
import torch

from shapecycle.config import LossWeights
from shapecycle.losses.weighting import active_weights, weighted_sum


def test_the_sum_is_that_of_losses_times_weights() -> None:
    weights = replace(LossWeights(), shape_distance=2.0, code_l2=0.5)
    losses = {"shape_distance": torch.tensor(3.0), "code_l2": torch.tensor(4.0)}
    assert weighted_sum(losses, weights).item() == 8.0


def test_a_loss_of_weight_0_is_not_even_multiplied() -> None:
    weights = replace(LossWeights(), shape_distance=2.0, code_l2=0.0)
    losses = {"shape_distance": torch.tensor(3.0), "code_l2": torch.tensor(torch.nan)}
    assert weighted_sum(losses, weights).item() == 6.0
    assert "code_l2" not in active_weights(weights)


def test_a_loss_that_has_no_weight_is_refused_by_name() -> None:
    with pytest.raises(KeyError, match="no weight is called roughness"):
        weighted_sum({"roughness": torch.tensor(1.0)}, LossWeights())
