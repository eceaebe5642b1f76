"""Normal distributions of codes, fitted after training."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shapecycle.randomness import normal

RIDGE = 1e-3


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

    def distance(self, codes: Float[Tensor, "b n"]) -> Float[Tensor, " b"]:
        """Return how far codes lie from the fitted ones: a Mahalanobis distance.

        To the covariance comes ``RIDGE`` times its greatest eigenvalue, or directions in which
        the fitted codes hardly varied would decide alone.

        Returns:
            The distance, divided by its root mean square over the fitted distribution: 1 there.
        """
        # The factor's columns are orthogonal, so no matrix needs to be inverted.
        variance = self.factor.square().sum(0)
        ridge = (RIDGE * variance.max()).clamp(min=1e-12)
        away = codes - self.mean
        along = (away @ self.factor).square() / (variance + ridge)
        squared = (away.square().sum(1) - along.sum(1)).clamp(min=0) / ridge
        expected = (variance / (variance + ridge)).sum().clamp(min=1e-6)
        return (squared / expected).sqrt()

    def spread(self) -> Float[Tensor, " n"]:
        """Return the standard deviation of each number."""
        return self.factor.square().sum(1).sqrt()

    def sample(
        self, count: int, generator: torch.Generator, *, spread: float = 1.0
    ) -> Float[Tensor, "b n"]:
        """Draw codes; a ``spread`` below 1 stays nearer to the mean."""
        noise = normal(generator, count, len(self.mean)).to(self.mean)
        return self.mean + spread * noise @ self.factor.mT
