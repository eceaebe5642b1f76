"""The critics' networks, and the shifts that both sides are shown."""

import pytest
import torch

from shapecycle.critics.networks import CodeCritic, PictureCritic, augmented
from shapecycle.losses.adversarial import critic_loss, gradient_penalty


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("size", [32, 64, 128])
@pytest.mark.parametrize("batch", [1, 3, 8])
def test_every_picture_gets_one_score(size: int, batch: int) -> None:
    torch.manual_seed(0)
    critic = PictureCritic(channels=4, size=size, width=4)
    scores = critic(torch.rand(batch, 4, size, size, generator=_generator()))
    assert scores.shape == (batch,)
    assert scores.isfinite().all()


def test_pictures_that_are_all_alike_give_themselves_away() -> None:
    torch.manual_seed(0)
    critic = PictureCritic(channels=3, size=32, width=4)
    picture = torch.rand(1, 3, 32, 32, generator=_generator())
    others = torch.rand(3, 3, 32, 32, generator=_generator(1))
    among_others = critic(torch.cat([picture, others]))[0]
    among_copies = critic(picture.expand(4, -1, -1, -1))[0]
    assert (among_others - among_copies).abs() > 1e-4


@pytest.mark.parametrize("shape", [(3, 32, 32), (6,)])
def test_critics_learn_to_tell_two_kinds_apart(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    critic = (
        CodeCritic(code_size=6, width=16)
        if shape == (6,)
        else PictureCritic(channels=3, size=32, width=4)
    )
    generator = _generator()
    optimizer = torch.optim.Adam(critic.parameters(), lr=3e-3)
    for _ in range(60):
        real = 0.5 + 0.2 * torch.randn(8, *shape, generator=generator)
        fake = 0.3 + 0.2 * torch.randn(8, *shape, generator=generator)
        loss = critic_loss(critic(real), critic(fake)) + 0.1 * gradient_penalty(critic, real)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        real = 0.5 + 0.2 * torch.randn(64, *shape, generator=generator)
        fake = 0.3 + 0.2 * torch.randn(64, *shape, generator=generator)
        right = ((critic(real) > 0).float().mean() + (critic(fake) < 0).float().mean()) / 2
    assert right > 0.7


def test_augmenting_only_shifts_and_mirrors() -> None:
    picture = torch.zeros(40, 1, 32, 32)
    picture[:, :, 16, 10] = 1
    moved = augmented(picture, _generator())
    assert moved.shape == picture.shape
    torch.testing.assert_close(moved.sum((1, 2, 3)), torch.ones(40))
    rows, columns = moved[:, 0].amax(2).argmax(1), moved[:, 0].amax(1).argmax(1)
    assert ((rows - 16).abs() <= 2).all()
    assert (((columns - 10).abs() <= 2) | ((columns - 21).abs() <= 2)).all()


def test_augmenting_varies_within_a_batch_and_with_the_seed() -> None:
    picture = torch.rand(1, 3, 32, 32, generator=_generator()).expand(8, -1, -1, -1)
    moved = augmented(picture, _generator(1))
    assert any((moved[0] != moved[k]).any() for k in range(1, 8))
    torch.testing.assert_close(moved, augmented(picture, _generator(1)), atol=0, rtol=0)


def test_augmented_pictures_pass_gradients_on() -> None:
    picture = torch.rand(4, 3, 32, 32, generator=_generator()).requires_grad_(True)
    (gradient,) = torch.autograd.grad(augmented(picture, _generator()).sum(), picture)
    assert (gradient[:, :, 4:-4, 4:-4] == 1).all()
