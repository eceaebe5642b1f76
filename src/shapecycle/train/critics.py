"""The critics of a training, what they cost the generators, and how they learn."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from shapecycle.config import Settings
from shapecycle.critics.networks import CodeCritic, PictureCritic, augmented
from shapecycle.losses import Losses
from shapecycle.losses.adversarial import critic_loss, generator_loss, gradient_penalty
from shapecycle.losses.weighting import active_weights
from shapecycle.parallel import ALONE, Team
from shapecycle.train.optimizers import NetworkOptimizer, NonFiniteGradient

Samples = dict[str, Tensor]
"""What each critic is shown: premultiplied pictures (image), UV albedo (texture), codes (shape)."""


def critics_of(settings: Settings) -> dict[str, nn.Module]:
    """Build the critics whose losses have a weight."""
    model, active = settings.model, active_weights(settings.weights)
    width = model.critic_width
    critics: dict[str, nn.Module] = {}
    if "image_critic" in active:
        critics["image"] = PictureCritic(channels=4, size=model.image_size, width=width)
    if "texture_critic" in active:
        critics["texture"] = PictureCritic(channels=3, size=model.texture_resolution, width=width)
    if "shape_critic" in active:
        critics["shape"] = CodeCritic(code_size=model.shape_code_size)
    return critics


class Critics:
    """The critics of a training, which learn together; there may be none.

    Args:
        settings: Say which critics there are, how large, and how fast they learn.
        generator: Draws the shifts of the pictures that critics are shown.
        device: Where the critics are.
        team: The processes that teach them together.
    """

    def __init__(
        self,
        settings: Settings,
        generator: torch.Generator,
        device: torch.device,
        team: Team = ALONE,
    ) -> None:
        self.networks = {name: net.to(device) for name, net in critics_of(settings).items()}
        self.settings, self.generator = settings.train, generator
        self.optimizer = (
            NetworkOptimizer(
                *self.networks.values(),
                learning_rate=self.settings.critic_learning_rate,
                betas=self.settings.critic_adam_betas,
                clip=self.settings.gradient_clip,
                team=team,
            )
            if self.networks
            else None
        )

    def frozen(self) -> AbstractContextManager[None]:
        """Let gradients flow through the critics, but not into them."""
        return nullcontext() if self.optimizer is None else self.optimizer.frozen()

    def generator_losses(self, fake: Samples) -> Losses:
        """Return what the generators pay for fakes that are recognised, ``<name>_critic`` each."""
        return {
            f"{name}_critic": generator_loss(critic(self._augmented(name, fake[name])))
            for name, critic in self.networks.items()
        }

    def scale_lr(self, factor: float) -> None:
        """Set the factor of the learning rate of the steps to come."""
        if self.optimizer is not None:
            self.optimizer.scale_lr(factor)

    def step(self, real: Samples, fake: Samples, *, penalise: bool) -> Losses:
        """Teach every critic to tell its samples apart.

        Args:
            real: Samples of what is imitated; no gradient reaches them.
            fake: Samples of what generators made, likewise.
            penalise: Add the gradient penalty, made up for the steps that go without it.

        Returns:
            The critics' own losses without the penalty, ``<name>_critic_own``.
        """
        losses: Losses = {}
        totals = []
        for name, critic in self.networks.items():
            real_shown, fake_shown = (
                self._augmented(name, samples[name].detach()) for samples in (real, fake)
            )
            loss = critic_loss(critic(real_shown), critic(fake_shown))
            losses[f"{name}_critic_own"] = loss
            if penalise:
                weight = self.settings.r1_gamma / 2 * self.settings.r1_every
                loss = loss + weight * gradient_penalty(critic, real_shown)
            totals.append(loss)
        if self.optimizer is not None:
            try:
                self.optimizer.step(torch.stack(totals).sum())
            except NonFiniteGradient as fault:
                raise NonFiniteGradient("a critic's loss or its gradient is not finite") from fault
        return losses

    def _augmented(self, name: str, samples: Tensor) -> Tensor:
        return augmented(samples, self.generator) if name == "image" else samples

    def state(self) -> dict[str, Any]:
        """Return the critics' weights by name."""
        return {name: critic.state_dict() for name, critic in self.networks.items()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned.

        Raises:
            ValueError: If it is of other critics.
        """
        if set(state) != set(self.networks):
            kept, own = (", ".join(sorted(names)) or "none" for names in (state, self.networks))
            raise ValueError(f"its critics: {kept}; those with a weight in the settings: {own}")
        for name, critic in self.networks.items():
            critic.load_state_dict(state[name])
