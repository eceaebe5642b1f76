"""The critics: only critics that weigh anything sit on it, and they teach and are taught."""

from dataclasses import replace

import pytest
import torch
from tiny_world import tiny_settings

from shapecycle.config import Settings
from shapecycle.train.critics import Critics, Samples, critics_of

NAMES = ("image", "texture", "shape")


def _settings(*without: str) -> Settings:
    settings = tiny_settings()
    return replace(
        settings, weights=replace(settings.weights, **{f"{name}_critic": 0.0 for name in without})
    )


def _critics(*without: str) -> Critics:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    return Critics(_settings(*without), generator, torch.device("cpu"))


def _samples(seed: int) -> Samples:
    generator = torch.Generator().manual_seed(seed)
    return {
        "image": torch.rand(4, 4, 32, 32, generator=generator) * 0.5 + 0.25 * seed,
        "texture": torch.rand(4, 3, 32, 32, generator=generator) * 0.5 + 0.25 * seed,
        "shape": torch.randn(4, 8, generator=generator) + seed,
    }


def test_every_critic_with_a_weight_is_built() -> None:
    assert set(critics_of(_settings())) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_critic_without_a_weight_is_not(name: str) -> None:
    critics = _critics(name)
    others = set(NAMES) - {name}
    assert set(critics.networks) == others
    real, fake = _samples(0), _samples(1)
    del real[name], fake[name]  # nobody asks for its samples
    assert set(critics.generator_losses(fake)) == {f"{other}_critic" for other in others}
    message = critics.step(real, fake, penalise=True)
    assert set(message) == {f"{other}_critic_own" for other in others}


def test_nobody_on_the_jury_costs_nothing_and_draws_no_numbers() -> None:
    critics = _critics(*NAMES)
    before = critics.generator.get_state()
    assert critics.networks == {}
    with critics.frozen():
        assert critics.generator_losses(_samples(1)) == {}
    assert critics.step(_samples(0), _samples(1), penalise=True) == {}
    assert torch.equal(critics.generator.get_state(), before)


def test_critics_learn_to_tell_their_samples_apart() -> None:
    critics = _critics()
    critics.scale_lr(4.0)
    real, fake = _samples(0), _samples(1)
    message = [critics.step(real, fake, penalise=k % 16 == 0) for k in range(30)]
    for name in NAMES:
        assert message[-1][f"{name}_critic_own"] < 0.9 * message[0][f"{name}_critic_own"]


def test_learning_sends_no_gradient_to_the_samples_and_persuading_does() -> None:
    critics = _critics()
    fake = {name: sample.requires_grad_(True) for name, sample in _samples(1).items()}
    critics.step(_samples(0), fake, penalise=False)
    assert all(sample.grad is None for sample in fake.values())
    with critics.frozen():
        torch.stack(list(critics.generator_losses(fake).values())).sum().backward()
    assert all(sample.grad.abs().sum() > 0 for sample in fake.values() if sample.grad is not None)
    assert all(sample.grad is not None for sample in fake.values())


def test_the_weights_of_other_critics_are_refused_by_name() -> None:
    kept = _critics("texture").state()
    with pytest.raises(
        ValueError, match=r"critics: image, shape; .*settings: image, shape, texture"
    ):
        _critics().load_state(kept)
    with pytest.raises(ValueError, match=r"critics: image, shape; .*settings: none"):
        _critics(*NAMES).load_state(kept)
