"""Players and averages: who learns, who only watches, and what is remembered."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from shapecycle.train.ema import Average
from shapecycle.train.optimizers import Player


def _player(rate: float = 0.1) -> tuple[nn.Linear, Player]:
    torch.manual_seed(0)
    network = nn.Linear(2, 1)
    return network, Player(network, rate=rate, betas=(0.9, 0.99))


def test_a_step_goes_down_and_pace_scales_it() -> None:
    moved = []
    for pace in (1.0, 0.25):
        network, player = _player()
        before = network.weight.detach().clone()
        player.descend(network(torch.ones(1, 2)).square().sum(), pace=pace)
        moved.append((network.weight.detach() - before).abs().max().item())
    assert moved[0] == pytest.approx(0.1, rel=1e-3)  # Adam's first step has the rate's size
    assert moved[1] == pytest.approx(0.025, rel=1e-3)


def test_while_watching_gradients_pass_through_but_not_into() -> None:
    network, player = _player()
    x = torch.ones(1, 2, requires_grad=True)
    with player.watching():
        network(x).sum().backward()
    assert x.grad is not None
    assert network.weight.grad is None
    assert network.weight.requires_grad, "afterwards it learns again"


def test_watching_ends_even_when_something_fails() -> None:
    network, player = _player()
    with pytest.raises(RuntimeError, match="on purpose"), player.watching():
        raise RuntimeError("on purpose")
    assert network.weight.requires_grad


def test_a_restored_player_takes_the_same_next_step() -> None:
    network, player = _player()
    inputs = torch.randn(4, 3, 2, generator=torch.Generator().manual_seed(0))
    for x in inputs[:3]:
        player.descend(network(x).square().sum())
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    other, restored = _player()
    other.load_state_dict(weights)
    restored.load_state(deepcopy(player.state()))
    for one, two in ((network, player), (other, restored)):
        two.descend(one(inputs[3]).square().sum())
    torch.testing.assert_close(network.weight, other.weight, atol=0, rtol=0)


def test_the_average_lags_behind_and_arrives() -> None:
    network, _ = _player()
    average = Average(network, images=100)
    with torch.no_grad():
        network.weight.fill_(1.0)
    start = average.weights["weight"].mean().item()
    average.update(10)
    first = average.weights["weight"].mean().item()
    assert start < first <= 1
    for _ in range(200):
        average.update(10)
    torch.testing.assert_close(average.weights["weight"], torch.ones(1, 2), atol=1e-4, rtol=0)


def test_wearing_the_average_is_undone() -> None:
    network, _ = _player()
    average = Average(network, images=100)
    own = network.weight.detach().clone()
    average.weights["weight"] = own + 1
    with average.worn():
        torch.testing.assert_close(network.weight.detach(), own + 1)
    torch.testing.assert_close(network.weight.detach(), own, atol=0, rtol=0)
