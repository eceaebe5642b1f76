"""Averaged weights: they lag behind, arrive, and are put on for a while."""

import torch
from torch import nn

from shapecycle.train.ema import EMA


def _network() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(2, 1)


def test_the_average_lags_behind_and_arrives() -> None:
    network = _network()
    ema = EMA(network, images=100)
    with torch.no_grad():
        network.weight.fill_(1.0)
    start = ema.weights["weight"].mean().item()
    ema.update(10)
    first = ema.weights["weight"].mean().item()
    assert start < first <= 1
    for _ in range(200):
        ema.update(10)
    torch.testing.assert_close(ema.weights["weight"], torch.ones(1, 2), atol=1e-4, rtol=0)


def test_applying_the_average_is_undone() -> None:
    network = _network()
    ema = EMA(network, images=100)
    own = network.weight.detach().clone()
    ema.weights["weight"] = own + 1
    with ema.applied():
        torch.testing.assert_close(network.weight.detach(), own + 1)
    torch.testing.assert_close(network.weight.detach(), own, atol=0, rtol=0)


def test_the_average_forgets_by_the_batchs_share_of_its_images() -> None:
    network = _network()
    ema = EMA(network, images=100)
    ema.seen = 10_000
    with torch.no_grad():
        ema.weights["weight"].zero_()
        network.weight.fill_(1.0)
    ema.update(10)
    torch.testing.assert_close(ema.weights["weight"], torch.full((1, 2), 0.1))


def test_whole_numbers_are_not_averaged_but_copied() -> None:
    network = nn.BatchNorm1d(2)
    ema = EMA(network, images=100)
    network(torch.ones(3, 2))
    ema.update(10)
    assert ema.weights["num_batches_tracked"] == 1
