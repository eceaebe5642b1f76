"""Networks and their optimizer: who learns, who is frozen, and what is restored."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from shapecycle.train.optimizers import NetworkOptimizer


def _optimizer(rate: float = 0.1) -> tuple[nn.Linear, NetworkOptimizer]:
    torch.manual_seed(0)
    network = nn.Linear(2, 1)
    return network, NetworkOptimizer(network, learning_rate=rate, betas=(0.9, 0.99), clip=1.0)


def test_a_step_goes_down_and_a_factor_scales_it() -> None:
    moved = []
    for lr_scale in (1.0, 0.25):
        network, optimizer = _optimizer()
        before = network.weight.detach().clone()
        optimizer.scale_lr(lr_scale)
        optimizer.step(network(torch.ones(1, 2)).square().sum())
        moved.append((network.weight.detach() - before).abs().max().item())
    assert moved[0] == pytest.approx(0.1, rel=1e-3)  # Adam's first step has the rate's size
    assert moved[1] == pytest.approx(0.025, rel=1e-3)


def test_while_frozen_gradients_pass_through_but_not_into() -> None:
    network, optimizer = _optimizer()
    x = torch.ones(1, 2, requires_grad=True)
    with optimizer.frozen():
        network(x).sum().backward()
    assert x.grad is not None
    assert network.weight.grad is None
    assert network.weight.requires_grad, "afterwards it learns again"


def test_freezing_ends_even_when_something_fails() -> None:
    network, optimizer = _optimizer()
    with pytest.raises(RuntimeError, match="on purpose"), optimizer.frozen():
        raise RuntimeError("on purpose")
    assert network.weight.requires_grad


def test_a_restored_optimizer_takes_the_same_next_step() -> None:
    network, optimizer = _optimizer()
    inputs = torch.randn(4, 3, 2, generator=torch.Generator().manual_seed(0))
    for x in inputs[:3]:
        optimizer.step(network(x).square().sum())
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    other, restored = _optimizer()
    other.load_state_dict(weights)
    restored.load_state(deepcopy(optimizer.state()))
    for one, two in ((network, optimizer), (other, restored)):
        two.step(one(inputs[3]).square().sum())
    torch.testing.assert_close(network.weight, other.weight, atol=0, rtol=0)


def test_a_state_saved_before_steps_were_fused_still_loads() -> None:
    network, optimizer = _optimizer()
    before = torch.optim.Adam(network.parameters(), lr=0.1, betas=(0.9, 0.99), eps=1e-7)
    network(torch.ones(1, 2)).square().sum().backward()
    before.step()
    optimizer.load_state(deepcopy(before.state_dict()))
    x = torch.tensor([[1.0, -2.0]])
    other = deepcopy(network)
    optimizer.step(network(x).square().sum())
    twin = NetworkOptimizer(other, learning_rate=0.1, betas=(0.9, 0.99), clip=1.0)
    fused = deepcopy(before.state_dict())
    fused["param_groups"][0]["fused"] = True
    twin.load_state(fused)
    twin.step(other(x).square().sum())
    torch.testing.assert_close(network.weight, other.weight)


def test_a_state_may_lie_in_memory_in_another_order_than_the_weights() -> None:
    torch.manual_seed(0)
    one, x = nn.Conv2d(4, 4, 3), torch.randn(2, 4, 8, 8)
    other = deepcopy(one).to(memory_format=torch.channels_last)
    first, second = (
        NetworkOptimizer(n, learning_rate=0.1, betas=(0.9, 0.99), clip=1.0) for n in (one, other)
    )
    for _ in range(2):
        first.step(one(x).square().mean())
    other.load_state_dict(one.state_dict())
    second.load_state(deepcopy(first.state()))
    first.step(one(x).square().mean())
    second.step(other(x).square().mean())
    torch.testing.assert_close(one.weight, other.weight, atol=1e-4, rtol=0)
