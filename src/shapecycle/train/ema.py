"""Exponential moving averages of weights."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class EMA:
    """An exponential moving average of a module's weights.

    Args:
        module: Whose weights are averaged.
        images: Over how many images; early on the average follows more closely.
    """

    def __init__(self, module: nn.Module, images: int) -> None:
        self.module, self.images, self.seen = module, images, 0
        self.weights = {k: v.detach().clone() for k, v in module.state_dict().items()}

    @torch.no_grad()
    def update(self, batch: int) -> None:
        """Move the average after a step of ``batch`` images."""
        self.seen += batch
        keep = 1 - batch / min(self.images, max(self.seen / 4, batch))
        now = self.module.state_dict()
        floating = [name for name, value in now.items() if value.is_floating_point()]
        averages, values = ([table[name] for name in floating] for table in (self.weights, now))
        torch._foreach_lerp_(averages, values, 1 - keep)
        for name in now.keys() - set(floating):
            self.weights[name].copy_(now[name])

    @torch.no_grad()
    def load(self, weights: dict[str, Tensor], seen: int) -> None:
        """Go on from an earlier average, wherever that is: saved states lie on the processor."""
        for name, own in self.weights.items():
            own.copy_(weights[name])
        self.seen = seen

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Put the averaged weights on the module for a while."""
        own = {k: v.detach().clone() for k, v in self.module.state_dict().items()}
        self.module.load_state_dict(self.weights)
        try:
            yield
        finally:
            self.module.load_state_dict(own)
