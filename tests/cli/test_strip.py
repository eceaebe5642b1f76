"""``shapecycle strip``: what it takes out, what it leaves, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest
import torch
from remembering import remembering_model
from safetensors import safe_open
from tiny_world import shapecycle

import shapecycle as package
from shapecycle.memory.memory import PREFIX
from shapecycle.model_file import MODEL_NAME, save_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a model that remembers two cars and three photographs."""
    model = remembering_model(2, donors=3)
    run = tmp_path_factory.mktemp("strip") / "run"
    run.mkdir()
    save_model(model.networks, run / MODEL_NAME, model.provenance, model.memory)
    return run


def _names(file: Path) -> set[str]:
    with safe_open(file, "pt") as opened:
        return set(opened.keys())


def test_a_stripped_model_draws_alike_and_remembers_nothing(folder: Path, here: Path) -> None:
    before = (folder / MODEL_NAME).read_bytes()
    outcome = shapecycle("strip", folder, "--out", "new/shared.safetensors")
    assert outcome.code == 0, outcome.err
    assert outcome.out == "new/shared.safetensors\n"
    assert "without 2 shapes and texels of 3 photographs" in outcome.err
    file = here / "new" / "shared.safetensors"
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    whole, stripped = package.load(folder), package.load(file)
    assert whole.memory
    assert not stripped.memory
    assert not any(name.startswith(PREFIX) for name in _names(file))
    assert file.stat().st_size < len(before)
    for name, value in whole.networks.state_dict().items():
        assert torch.equal(stripped.networks.state_dict()[name], value)
    assert stripped.provenance == whole.provenance
    generator = torch.Generator().manual_seed(0)
    code = whole.sample_appearance(whole.sample_shape(2, generator), generator)
    np.testing.assert_array_equal(stripped.draw(code, 32), whole.draw(code, 32))
    assert (folder / MODEL_NAME).read_bytes() == before, "the model that was given is left alone"


def test_nothing_of_the_shapes_or_photographs_is_left_in_the_file(folder: Path, here: Path) -> None:
    assert shapecycle("strip", folder / MODEL_NAME, "--out", "s.safetensors").code == 0
    contents = (here / "s.safetensors").read_bytes()
    for name in (b"car0", b"photo1", PREFIX.encode(), b"WEBP"):
        assert name in (folder / MODEL_NAME).read_bytes()
        assert name not in contents


def test_stripping_again_changes_nothing(folder: Path, here: Path) -> None:
    assert shapecycle("strip", folder, "--out", "a.safetensors").code == 0
    outcome = shapecycle("strip", "a.safetensors", "--out", "b.safetensors")
    assert outcome.code == 0, outcome.err
    assert (here / "a.safetensors").read_bytes() == (here / "b.safetensors").read_bytes()


def test_a_stripped_model_sees_on_the_template(folder: Path, here: Path, world: Path) -> None:
    assert shapecycle("strip", folder, "--out", "s.safetensors").code == 0
    model = package.load(here / "s.safetensors")
    picture = min((world / "images").iterdir())
    with pytest.raises(ValueError, match="remembers no shapes"):
        model.see(picture, surface="carried")
    outcome = shapecycle(
        "reconstruct", "s.safetensors", picture, "--surface", "carried", "--out", "o"
    )
    assert outcome.code == 2
    assert "--surface carried needs a model that remembers shapes" in outcome.err
    assert not (here / "o").exists()
    seen = model.see(picture, refine_steps=1)
    assert seen.code.surface is None
    assert seen.surface_choice.source is None
    assert seen.surface_choice.reason == "the model remembers no shapes"
    assert seen.code.texture.fill is None


def test_a_file_that_is_there_is_not_overwritten(folder: Path, here: Path) -> None:
    (here / "there.safetensors").write_text("mine")
    outcome = shapecycle("strip", folder, "--out", "there.safetensors")
    assert outcome.code == 2
    assert "there.safetensors is there already" in outcome.err
    assert (here / "there.safetensors").read_text() == "mine"


def test_a_model_is_not_overwritten_by_itself(folder: Path, here: Path) -> None:
    outcome = shapecycle("strip", folder, "--out", folder / MODEL_NAME)
    assert outcome.code == 2
    assert package.load(folder).memory


@pytest.mark.parametrize("name", ["shared", "shared.pt", "shared.safetensors.zip"])
def test_another_ending_is_refused(name: str, folder: Path, here: Path) -> None:
    outcome = shapecycle("strip", folder, "--out", name)
    assert outcome.code == 2
    assert f"--out is {name}, and models are safetensors files" in outcome.err
    assert "name a file that ends in .safetensors" in outcome.err
    assert not list(here.iterdir())


def test_what_is_no_model_is_refused_and_nothing_is_written(here: Path) -> None:
    (here / "no.safetensors").write_text("no model")
    outcome = shapecycle("strip", "no.safetensors", "--out", "new/s.safetensors")
    assert outcome.code == 2
    assert "no.safetensors is not a shapecycle model" in outcome.err
    assert [path.name for path in here.iterdir()] == ["no.safetensors"]
