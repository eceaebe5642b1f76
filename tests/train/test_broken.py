"""A step that breaks is not taken, is kept, and can be taken again."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tiny_world import Outcome, few_samples, shapecycle, tiny_trainer, train_command
from torch import nn

from shapecycle.config import TrainSettings
from shapecycle.errors import CheckpointError
from shapecycle.losses import Losses
from shapecycle.train import steps
from shapecycle.train.broken import BROKEN_NAME, Before, load_broken, replayed, save_broken
from shapecycle.train.optimizers import NetworkOptimizer, NonFiniteGradient


def test_a_step_with_a_gradient_that_is_not_finite_changes_nothing() -> None:
    network = nn.Linear(3, 1)
    optimizer = NetworkOptimizer.of_generators(TrainSettings(), network)
    before = network.weight.detach().clone()
    with pytest.raises(NonFiniteGradient):
        optimizer.step(network(torch.ones(1, 3)).sum().sub(torch.inf).sqrt())
    assert torch.equal(network.weight, before)
    optimizer.step(network(torch.ones(1, 3)).square().sum())
    assert not torch.equal(network.weight, before)


def test_the_same_step_is_taken_again(world: Path, tmp_path: Path) -> None:
    with few_samples():
        trainer = tiny_trainer(world, "cpu")
        trainer.shapes_step(1.0)
        state = tmp_path / "state"
        state.mkdir()
        before = Before.of(trainer)
        file = save_broken(state, trainer, before, stage="shapes", lr_scale=0.5, said="nothing")
        first = trainer.shapes_step(0.5)
        other = tiny_trainer(world, "cpu")
        losses, found = replayed(other, load_broken(state))
    assert file == state / BROKEN_NAME
    assert found == ""
    assert {name: float(x) for name, x in losses.items()} == {
        name: float(x) for name, x in first.items()
    }


def poisoned(autoencoder: Callable[..., Losses]) -> Callable[..., Losses]:
    """Return an autoencoder one of whose losses is no number, by its gradient too."""

    def losses(*arguments: object) -> Losses:
        found = autoencoder(*arguments)
        return found | {"dihedral_penalty": (found["dihedral_penalty"] - torch.inf).sqrt()}

    return losses


def test_a_training_that_breaks_keeps_the_step_and_replay_names_the_operation(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "shape_autoencoder", poisoned(steps.shape_autoencoder))
    with few_samples():
        outcome: Outcome = shapecycle(*train_command(world, tmp_path / "run"))
        assert outcome.code == 2
        assert "the loss 'dihedral_penalty' became nan in stage 'shapes'" in outcome.err
        assert f"shapecycle replay {tmp_path / 'run'}" in outcome.err
        found = shapecycle("replay", tmp_path / "run")
    assert found.code == 0, found.err
    assert "dihedral_penalty" in found.err
    assert "SqrtBackward" in found.out


def test_a_run_without_a_broken_step_and_a_damaged_one_are_named(tmp_path: Path, run: Path) -> None:
    assert "holds no step that broke" in shapecycle("replay", run).err
    (tmp_path / BROKEN_NAME).write_bytes(b"no")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_broken(tmp_path)
