"""Networks with their own optimizer."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from typing import Any

import torch
from torch import Tensor, nn

from shapecycle.config import TrainSettings
from shapecycle.parallel import ALONE, Team


class NonFiniteGradient(ArithmeticError):
    """A step that was not taken: the weights are what they were before it."""


class NetworkOptimizer:
    """Networks that are trained together by Adam.

    Args:
        networks: Whose parameters are trained.
        learning_rate: Peak step size.
        betas: Adam's decay rates.
        clip: Largest norm of all gradients together.
        team: The processes whose gradients are averaged.

    Source:
        Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    """

    def __init__(
        self,
        *networks: nn.Module,
        learning_rate: float,
        betas: tuple[float, float],
        clip: float,
        team: Team = ALONE,
    ) -> None:
        self.parameters = [p for network in networks for p in network.parameters()]
        self.learning_rate, self.clip, self.team = learning_rate, clip, team
        device = self.parameters[0].device
        # A recorded step reads its step size where it lies, see `step_graphs`.
        self.is_on_gpu = device.type == "cuda"
        self.lr = torch.tensor(learning_rate, device=device) if self.is_on_gpu else learning_rate
        # Fused: one pass over every tensor in place of a dozen, also on CPUs.
        self.adam = torch.optim.Adam(
            self.parameters,
            lr=self.lr,
            betas=betas,
            eps=1e-7,
            fused=True,
            capturable=self.is_on_gpu,
        )

    @classmethod
    def of_generators(
        cls, settings: TrainSettings, *networks: nn.Module, team: Team = ALONE
    ) -> "NetworkOptimizer":
        """Return the optimizer of networks other than the critics."""
        return cls(
            *networks,
            learning_rate=settings.learning_rate,
            betas=settings.adam_betas,
            clip=settings.gradient_clip,
            team=team,
        )

    def scale_lr(self, factor: float) -> None:
        """Set the factor of the learning rate of the steps to come."""
        if isinstance(self.lr, Tensor):
            self.lr.fill_(self.learning_rate * factor)
        else:
            self.lr = self.learning_rate * factor
        self._use_own_lr()

    def _use_own_lr(self) -> None:
        for group in self.adam.param_groups:
            group["lr"] = self.lr

    def step(self, loss: Tensor) -> None:
        """Take one step down a loss.

        Raises:
            NonFiniteGradient: On a processor, if its gradient is not finite.
        """
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        self.team.average_([p.grad for p in self.parameters if p.grad is not None])
        # Left to itself, PyTorch takes one tensor after the other on CPUs.
        is_on_cpu = self.parameters[0].device.type == "cpu"
        norm = torch.nn.utils.clip_grad_norm_(
            self.parameters, self.clip, foreach=True if is_on_cpu else None
        )
        # Elsewhere the host would wait for the device: there losses are looked at now and then.
        if is_on_cpu and not isfinite(float(norm)):
            raise NonFiniteGradient
        self.adam.step()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let gradients flow through these networks, but not into them."""
        for parameter in self.parameters:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in self.parameters:
                parameter.requires_grad_(True)

    def state(self) -> dict[str, Any]:
        """Return Adam's state, which fits any device."""
        state = self.adam.state_dict()
        for group in state["param_groups"]:
            group["lr"] = float(group["lr"])
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.adam.load_state_dict(state)
        self._use_own_lr()
        for group in self.adam.param_groups:
            group["capturable"] = self.is_on_gpu
        for parameter, averages in self.adam.state.items():
            for name, value in averages.items():
                # A fused step takes for granted that all lie in memory in the same order.
                if value.shape == parameter.shape:
                    averages[name] = torch.empty_like(parameter).copy_(value)
