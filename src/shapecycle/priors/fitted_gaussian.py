"""Normal distributions of codes, fitted after training."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shapecycle.randomness import normal


class GaussianPrior(nn.Module):
    """A normal distribution fitted to codes; nothing is learnt by gradients."""

    mean: Tensor
    factor: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("factor", torch.eye(size))

    @torch.no_grad()
    def fit(self, codes: Float[Tensor, "b n"]) -> None:
        """Take mean and covariance from at least two codes."""
        self.mean.copy_(codes.mean(0))
        away = (codes - self.mean).double()
        values, vectors = torch.linalg.eigh(away.mT @ away / (len(codes) - 1))
        self.factor.copy_((vectors * values.clamp(min=0).sqrt()).to(self.factor))

    def sample(
        self, count: int, generator: torch.Generator, *, spread: float = 1.0
    ) -> Float[Tensor, "b n"]:
        """Draw codes; a ``spread`` below 1 stays nearer to the mean."""
        noise = normal(generator, count, len(self.mean)).to(self.mean)
        return self.mean + spread * noise @ self.factor.mT
