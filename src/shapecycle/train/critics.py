"""The jury: the critics that a training has, what they cost its generators, and how they learn."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shapecycle.config import Settings
from shapecycle.critics.networks import CodeCritic, PictureCritic, augmented
from shapecycle.losses.adversarial import critic_loss, gradient_penalty, persuasion_loss
from shapecycle.train.optimizers import Player

Terms = dict[str, Float[Tensor, ""]]
Samples = dict[str, Tensor]
"""What each critic is shown: premultiplied pictures (image), UV albedo (texture), codes (shape)."""
PENALTY_EVERY = 16


def critics_of(settings: Settings) -> dict[str, nn.Module]:
    """Build the critics whose losses have a weight."""
    model, weights = settings.model, settings.weights
    critics: dict[str, nn.Module] = {}
    if weights.image_critic:
        critics["image"] = PictureCritic(
            channels=4, size=model.image_size, width=model.critic_width
        )
    if weights.texture_critic:
        critics["texture"] = PictureCritic(
            channels=3, size=model.texture_resolution, width=model.critic_width
        )
    if weights.shape_critic:
        critics["shape"] = CodeCritic(code_size=model.shape_code_size)
    return critics


class Jury:
    """The critics of a training, which learn together; there may be none.

    Args:
        settings: Say which critics there are, how large, and how fast they learn.
        generator: Draws the shifts of the pictures that critics are shown.
        device: Where the critics are.
    """

    def __init__(
        self, settings: Settings, generator: torch.Generator, device: torch.device
    ) -> None:
        self.critics = {name: net.to(device) for name, net in critics_of(settings).items()}
        self.generator = generator
        rate = settings.train.critic_learning_rate
        self.player = (
            Player(*self.critics.values(), rate=rate, betas=(0.5, 0.99)) if self.critics else None
        )

    def watching(self) -> AbstractContextManager[None]:
        """Let gradients flow through the critics, but not into them."""
        return nullcontext() if self.player is None else self.player.watching()

    def persuasion(self, fake: Samples) -> Terms:
        """Return what generators pay for being recognised, ``<name>_critic`` for each critic."""
        return {
            f"{name}_critic": persuasion_loss(critic(self._shown(name, fake[name])))
            for name, critic in self.critics.items()
        }

    def learn(self, real: Samples, fake: Samples, *, pace: float, penalise: bool) -> Terms:
        """Teach every critic to tell its samples apart.

        Args:
            real: Samples of what is imitated; no gradient reaches them.
            fake: Samples of what generators made, likewise.
            pace: Factor of the step size.
            penalise: Add the gradient penalty, made up for the steps that go without it.

        Returns:
            The critics' own losses without the penalty, ``<name>_critic_own``.
        """
        terms: Terms = {}
        totals = []
        for name, critic in self.critics.items():
            truth, forgery = (self._shown(name, of[name].detach()) for of in (real, fake))
            loss = critic_loss(critic(truth), critic(forgery))
            terms[f"{name}_critic_own"] = loss
            if penalise:
                loss = loss + PENALTY_EVERY / 2 * gradient_penalty(critic, truth)
            totals.append(loss)
        if self.player is not None:
            self.player.descend(torch.stack(totals).sum(), pace=pace)
        return terms

    def _shown(self, name: str, sample: Tensor) -> Tensor:
        return augmented(sample, self.generator) if name == "image" else sample

    def state(self) -> dict[str, Any]:
        """Return the critics' weights by name."""
        return {name: critic.state_dict() for name, critic in self.critics.items()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned.

        Raises:
            ValueError: If it is of other critics.
        """
        if set(state) != set(self.critics):
            kept, own = (", ".join(sorted(names)) or "none" for names in (state, self.critics))
            raise ValueError(f"its critics: {kept}; those with a weight in the settings: {own}")
        for name, critic in self.critics.items():
            critic.load_state_dict(state[name])
