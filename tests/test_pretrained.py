"""Models that come with the package: found by name, small, and honest about themselves."""

from pathlib import Path

import pytest
import torch
from remembering import remembering_model
from tiny_world import shapecycle

import shapecycle as package
from shapecycle import pretrained
from shapecycle.errors import CheckpointError
from shapecycle.model_file import found_file, load_model, save_model

NAMES = ("cars", "chairs")
MAX_BYTES = 20_000_000


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_loaded_by_its_name_and_remembers_its_folders(name: str) -> None:
    model = package.load(name)
    assert len(model.memory.sources) >= 100
    assert model.dresser.has_clothes
    shape = model.sample_shape(2, torch.Generator().manual_seed(0))
    assert model.networks.renderer.vertices(shape).isfinite().all()
    file = pretrained.file_of(name)
    assert file is not None
    assert file.stat().st_size <= MAX_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_its_card_says_what_it_is_made_of_and_how_well_it_does(name: str) -> None:
    card = load_model(Path(name))[1].card
    assert {"data", "training", "licence", "known failures", "scores"} <= set(card)
    scores = card["scores"]
    assert scores["shapecycle"]["f_score"] > scores["typical"]["f_score"]
    outcome = shapecycle("card", name)
    assert outcome.code == 0
    assert "## Known failures" in outcome.out
    assert "| shapecycle |" in outcome.out


def test_a_path_that_exists_comes_before_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert found_file(Path("cars")) == pretrained.file_of("cars")
    model = remembering_model(0)
    (tmp_path / "cars").mkdir()
    with pytest.raises(CheckpointError, match=r"cars holds no model\.safetensors"):
        found_file(Path("cars"))
    save_model(model.networks, tmp_path / "cars" / "model.safetensors", model.provenance)
    assert found_file(Path("cars")) == Path("cars/model.safetensors")


def test_what_is_no_model_is_refused_with_the_names_that_are() -> None:
    with pytest.raises(CheckpointError) as caught:
        found_file(Path("boats"))
    assert "cars, chairs" in caught.value.hint
