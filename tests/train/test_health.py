"""What has collapsed is named, and nothing else."""

from pathlib import Path

import pytest
import torch
from tiny_world import few_samples, tiny_trainer

from shapecycle.train.health import doubts
from shapecycle.train.journal import Journal
from shapecycle.train.steps import Trainer


@pytest.fixture
def trainer(world: Path) -> Trainer:
    with few_samples():
        return tiny_trainer(world, "cpu")


def lively(trainer: Trainer) -> Trainer:
    """Let codes differ, as they do after some training."""
    with torch.no_grad():
        for parameter in trainer.networks.shape_encoder.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape))
    return trainer


def test_a_sound_training_is_not_doubted(trainer: Trainer) -> None:
    before = trainer.generator.get_state()
    assert doubts(lively(trainer), "shapes", {"image_critic_own": 1.2}) == []
    assert torch.equal(trainer.generator.get_state(), before)


@torch.no_grad()
def test_codes_that_are_all_one_are_named(trainer: Trainer) -> None:
    for parameter in trainer.networks.shape_encoder.parameters():
        parameter.zero_()
    assert "shape codes have collapsed" in doubts(trainer, "shapes", {})[0]


@torch.no_grad()
def test_photographs_seen_alike_are_named(trainer: Trainer) -> None:
    lively(trainer)
    for parameter in trainer.networks.image_encoder.parameters():
        parameter.zero_()
    found = "; ".join(doubts(trainer, "all cycles", {}))
    assert "seen as one shape" in found
    assert "seen from one side" in found


def test_a_critic_that_is_always_right_is_named(trainer: Trainer) -> None:
    found = doubts(lively(trainer), "shapes", {"texture_critic_own": 0.001})
    assert found == ["the texture critic is always right: nothing is learnt from it"]


def test_a_doubt_is_said_once_until_it_is_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = Journal(tmp_path)
    for some in (["a"], ["a"], [], ["a", "b"]):
        journal.doubt(some)
    journal.close()
    assert capsys.readouterr().err.count("warning: a") == 2
