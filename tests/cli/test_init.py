"""Beginning with a trained model: which ones can be begun with, and what is taken of them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_world import lively_networks, tiny_model, tiny_settings, tiny_trainer

from shapecycle import pretrained
from shapecycle.cli.train import Train, check_init, planned
from shapecycle.config import as_dict
from shapecycle.errors import CheckpointError, ConfigError
from shapecycle.model_file import Provenance, load_model, save_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save_model(lively_networks(), path, Provenance(as_dict(tiny_settings()), 8, []))
    return path


def test_a_training_that_begins_with_a_model_has_its_weights_and_their_average(
    world: Path, model: Path
) -> None:
    trainer, networks = tiny_trainer(world, "cpu"), load_model(model)[0]
    trainer.begin_with(networks)
    for name, value in networks.state_dict().items():
        assert torch.equal(trainer.networks.state_dict()[name], value), name
        assert torch.equal(trainer.ema.weights[name], value), name
    losses = trainer.shapes_step(1.0)
    assert all(value.isfinite() for value in losses.values())


def test_models_of_other_sizes_are_refused_by_what_differs(model: Path) -> None:
    check_init(model, replace(tiny_model(), fov_y_degrees=30.0))
    wider = replace(tiny_model(), shape_width=64, image_size=64)
    with pytest.raises(ConfigError, match=r"image_size 32, not 64; shape_width 16, not 64"):
        check_init(model, wider)


def test_a_model_that_is_not_there_is_refused_with_those_that_come_along(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        check_init(tmp_path / "none", tiny_model())
    for name in pretrained.names():
        assert name in str(caught.value.hint)


def test_what_a_run_began_with_is_kept_in_its_record(tmp_path: Path, model: Path) -> None:
    command = Train(images=tmp_path, shapes=tmp_path, out=tmp_path / "run", init=model)
    assert planned(command).init == str(model)
    assert planned(replace(command, init=None)).init == ""
