"""Several processes train as one does, and when one is lost the others say which."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from tiny_world import few_samples, tiny_settings
from torch import Tensor

from shapecycle.data.photo_set import PhotoSet, load_photos
from shapecycle.data.shape_sampler import SampledSurfaces, ShapeSampler, sampled_surfaces
from shapecycle.data.shapes import load_shape_folder
from shapecycle.errors import ConfigError, LostProcess
from shapecycle.losses import Losses
from shapecycle.parallel import ALONE, Team
from shapecycle.randomness import shared_generator
from shapecycle.train.computing import check_shares
from shapecycle.train.helpers import helped
from shapecycle.train.steps import Trainer

BATCH, STEPS = 16, 7
"""Of every stage: with the settings below, all that comes round now and then comes round."""


@dataclass(frozen=True)
class Work:
    """Steps of every stage; the weights at the end are left in a folder."""

    photos: PhotoSet
    surfaces: SampledSurfaces
    folder: Path

    def __call__(self, team: Team) -> list[Losses]:
        torch.set_num_threads(1)
        # Steps are short, or rounding would grow from one to the next.
        settings = tiny_settings(
            batch=BATCH,
            autoencoder_every=2,
            r1_every=2,
            pose_light_buffer=32,
            learning_rate=1e-6,
            critic_learning_rate=1e-6,
            warm_up_images=1,
        )
        generator = shared_generator("cpu", 3, team.rank, team.size)
        shapes = ShapeSampler(self.surfaces, generator=generator, device="cpu")
        trainer = Trainer(settings, self.photos, shapes, seed=3, device="cpu", team=team)
        losses = []
        for stage in ("shapes", "random cycle", "all cycles"):
            losses += [trainer.stage(stage)(1.0) for _ in range(STEPS)]
        torch.save(trainer.networks.state_dict(), self.folder / f"{team.size}-{team.rank}.pt")
        return losses


@dataclass(frozen=True)
class Trained:
    """Losses of one process and of two, and the weights of all three."""

    alone: list[Losses]
    together: list[Losses]
    weights: dict[str, dict[str, Tensor]]


@pytest.fixture(scope="module")
def trained(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("weights")
    photos = load_photos(world / "images", size=32)
    with few_samples():
        surfaces = sampled_surfaces(load_shape_folder(world / "shapes").meshes[:3], 3)
    work = Work(photos, surfaces, folder)
    alone = work(ALONE)
    with helped(work, 2, "cpu") as team:
        together = work(team)
    weights = {path.stem: torch.load(path) for path in folder.iterdir()}
    return Trained(alone, together, weights)


def test_two_processes_lose_what_one_with_the_whole_batch_loses(trained: Trained) -> None:
    assert len(trained.alone) == len(trained.together) == 3 * STEPS
    for alone, together in zip(trained.alone, trained.together, strict=True):
        assert list(alone) == list(together)
        for name, loss in alone.items():
            torch.testing.assert_close(together[name], loss, rtol=2e-3, atol=2e-5, msg=name)


def test_all_processes_have_the_same_weights_to_the_bit(trained: Trained) -> None:
    first, second = trained.weights["2-0"], trained.weights["2-1"]
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_they_are_those_of_one_process_up_to_rounding(trained: Trained) -> None:
    for name, weight in trained.weights["1-0"].items():
        # Adam's first steps are as long where the gradient is all rounding.
        torch.testing.assert_close(trained.weights["2-0"][name], weight, rtol=0, atol=5e-5)


def _run(work: Callable[[Team], None], *, messages: int) -> None:
    with helped(work, 2, "cpu") as team:
        for _ in range(messages):
            team.average_([torch.ones(3)])


def _dies(team: Team) -> None:
    team.average_([torch.ones(3)])
    if not team.is_first:
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_is_killed_is_named_at_once() -> None:
    start = time.monotonic()
    with pytest.raises(LostProcess, match=r"process 1 of 2 .*killed by SIGKILL"):
        _run(_dies, messages=2)
    assert time.monotonic() - start < 60


def _fails(team: Team) -> None:
    raise ConfigError("there is no more of that", "take less")


def test_an_error_in_another_process_is_not_swallowed(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LostProcess, match=r"process 1 of 2 .*exit code 2"):
        _run(_fails, messages=1)
    assert "process 1 of 2: there is no more of that" in capfd.readouterr().err


def _gathers(team: Team) -> list[float]:
    own = torch.arange(4.0)[team.rank :: team.size].requires_grad_()
    (team.gathered(own).square() * torch.arange(4.0)).sum().backward()
    assert own.grad is not None
    mean = own.grad / team.size
    torch.testing.assert_close(mean, 2 * own.detach() * torch.arange(4.0)[team.rank :: team.size])
    assert team.largest([team.rank, -team.rank]) == [team.size - 1, 0]
    return team.gathered(own).tolist()


def test_what_is_gathered_is_the_whole_batch_in_order_with_its_gradient() -> None:
    with helped(_gathers, 2, "cpu") as team:
        assert _gathers(team) == [0.0, 1.0, 2.0, 3.0]
    assert _gathers(ALONE) == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("processes", [3, 5, 16])
def test_a_batch_that_cannot_be_shared_out_is_refused_with_the_numbers_that_fit(
    processes: int,
) -> None:
    with pytest.raises(ConfigError, match=r"batch of 32[^$]*one of 1, 2, 4, 8 processes"):
        check_shares(32, processes)


def test_a_process_that_dies_while_another_waits_for_it_is_named_too() -> None:
    start = time.monotonic()
    with pytest.raises(LostProcess, match=r"process 1 of 2 .*killed by SIGKILL"):
        _wait_for_one_that_dies()
    assert time.monotonic() - start < 60


def _wait_for_one_that_dies() -> None:
    with helped(_is_killed, 2, "cpu") as team:
        team.wait("ready", 3600.0)


def _is_killed(team: Team) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
