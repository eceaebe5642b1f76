"""Losses of the critics and of the generators."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


def critic_loss(real: Float[Tensor, " b"], fake: Float[Tensor, " b"]) -> Float[Tensor, ""]:
    """Return the logistic loss of a critic's scores.

    Source:
        Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, non-saturating form.
    """
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def generator_loss(fake: Float[Tensor, " b"]) -> Float[Tensor, ""]:
    """Return a generator's non-saturating loss at the critic's scores of its samples.

    Source:
        Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, section 3.
    """
    return F.softplus(-fake).mean()


def gradient_penalty(critic: nn.Module, real: Tensor) -> Float[Tensor, ""]:
    """Return the mean squared gradient of the critic at real samples.

    Source:
        Mescheder et al., "Which training methods for GANs do actually converge?", ICML 2018,
        eq. 9 (R1).
    """
    real = real.detach().requires_grad_(True)
    with torch.enable_grad():
        score = critic(real).sum()
        (gradient,) = torch.autograd.grad(score, real, create_graph=True)
    return gradient.flatten(1).square().sum(1).mean()
