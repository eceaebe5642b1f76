"""The game of critics: who pays for what."""

from itertools import pairwise
from math import log

import pytest
import torch
from torch import nn

from shapecycle.losses.adversarial import critic_loss, generator_loss, gradient_penalty


def test_an_undecided_critic_pays_two_bits() -> None:
    zero = torch.zeros(4)
    assert critic_loss(zero, zero).item() == pytest.approx(2 * log(2))
    assert generator_loss(zero).item() == pytest.approx(log(2))


def test_a_critic_pays_less_the_better_it_tells_apart() -> None:
    scores = [critic_loss(torch.full((4,), s), torch.full((4,), -s)) for s in (-2.0, 0.0, 2.0, 9.0)]
    assert all(a > b for a, b in pairwise(scores))
    assert scores[-1] < 1e-3


def test_a_generator_that_is_found_out_has_the_steepest_slope() -> None:
    slopes = []
    for score in (-5.0, 0.0, 5.0):
        fake = torch.tensor([score], requires_grad=True)
        (slope,) = torch.autograd.grad(generator_loss(fake), fake)
        slopes.append(slope.item())
    assert slopes[0] < slopes[1] < slopes[2] < 0


def test_the_penalty_of_a_linear_critic_is_its_squared_weight() -> None:
    critic = nn.Linear(3, 1)
    with torch.no_grad():
        critic.weight.copy_(torch.tensor([[1.0, -2.0, 2.0]]))
    real = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    penalty = gradient_penalty(critic, real)
    assert penalty.item() == pytest.approx(9.0)
    (gradient,) = torch.autograd.grad(penalty, critic.weight)
    torch.testing.assert_close(gradient, 2 * critic.weight.detach())


def test_the_penalty_can_be_taken_where_gradients_are_off() -> None:
    critic, real = nn.Linear(2, 1), torch.ones(1, 2)
    with torch.no_grad():
        penalty = gradient_penalty(critic, real)
    assert penalty.item() == pytest.approx(critic.weight.square().sum().item())
