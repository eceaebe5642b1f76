"""A player: some networks with their own optimiser."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class Player:
    """Networks that are trained together."""

    def __init__(self, *networks: nn.Module, rate: float, betas: tuple[float, float]) -> None:
        self.parameters = [p for network in networks for p in network.parameters()]
        self.rate = rate
        self.optimiser = torch.optim.Adam(self.parameters, lr=rate, betas=betas, eps=1e-7)

    def descend(self, loss: Tensor, *, pace: float = 1.0) -> None:
        """Take one step down the loss; ``pace`` scales the step size."""
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.step(pace=pace)

    def step(self, *, pace: float = 1.0) -> None:
        """Apply gradients that are there already."""
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * pace
        self.optimiser.step()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Let gradients flow through these networks, but not into them."""
        for parameter in self.parameters:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in self.parameters:
                parameter.requires_grad_(True)

    def state(self) -> dict[str, Any]:
        """Return the optimiser's state."""
        return self.optimiser.state_dict()

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.optimiser.load_state_dict(state)
