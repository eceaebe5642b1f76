"""``reconstruct --surface`` and ``train --memory``: what is asked for is done and written down."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image
from remembering import remembering_model
from tiny_world import few_samples, shapecycle, tiny_settings, train_command

import shapecycle as package
from shapecycle import model as model_module
from shapecycle import seen as seen_module
from shapecycle.graphics_code import GraphicsCode
from shapecycle.memory import surfaces as surfaces_module
from shapecycle.model_file import MODEL_NAME, save_model

# Reconstruct


@pytest.fixture(autouse=True)
def _small_atlases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surfaces_module, "ATLAS_SIDE", 64)
    monkeypatch.setattr(model_module, "ATLAS_SIDE", 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a model that remembers three cars."""
    model = remembering_model(3, donors=2)
    run = tmp_path_factory.mktemp("surface") / "run"
    run.mkdir()
    save_model(model.networks, run / MODEL_NAME, model.provenance, model.memory)
    return run


@pytest.fixture
def picture(world: Path) -> Path:
    return min((world / "images").iterdir())


def _record(folder: Path, picture: Path, *options: object) -> dict[str, Any]:
    """Reconstruct one picture, and return what code.json says."""
    outcome = shapecycle("reconstruct", folder, picture, "--out", "o", *options)
    assert outcome.code == 0, outcome.err
    record: dict[str, Any] = json.loads(Path("o", picture.stem, "code.json").read_text())
    return record


def test_a_carried_surface_is_written_with_its_source(
    folder: Path, picture: Path, here: Path
) -> None:
    record = _record(folder, picture, "--surface", "carried", "--refine-steps", 2)
    model = package.load(folder)
    sources = {one.name: one for one in model.memory.sources}
    assert record["surface"]["reason"] == "as asked for"
    source = sources[record["surface"]["source"]]
    assert record["code"]["surface"]["kind"] == "carried"
    assert record["code"]["surface"]["source"] == f"{source.fingerprint:016x}"
    summary = json.loads((here / "o" / "summary.json").read_text())
    assert [row["source"] for row in summary["pictures"]] == [source.name]
    mesh = trimesh.load(here / "o" / picture.stem / "mesh.glb", force="mesh", process=False)
    assert isinstance(mesh, trimesh.Trimesh)
    assert len(mesh.faces) == len(source.faces)
    assert "carried_from" in (here / "o" / picture.stem / "mesh.glb").read_bytes().decode("latin1")


def test_the_code_that_was_written_draws_the_picture_that_was_written(
    folder: Path, picture: Path, here: Path
) -> None:
    record = _record(folder, picture, "--surface", "carried", "--refine-steps", 2)
    code = GraphicsCode.from_json(record["code"])
    drawn = package.load(folder).draw(code, tuple(record["size"]), fov_y=record["fov_y"])[0]
    with Image.open(here / "o" / picture.stem / "render.png") as written:
        pixels = np.asarray(written, dtype=np.float32) / 255
    assert drawn[..., 3].max() == 1
    assert np.abs(drawn - pixels).mean() < 0.01


def test_a_template_has_no_source(folder: Path, picture: Path, here: Path) -> None:
    record = _record(folder, picture, "--surface", "template", "--refine-steps", 2)
    assert record["surface"]["reason"] == "as asked for"
    assert record["surface"]["source"] is None
    assert record["code"]["surface"] is None
    mesh = trimesh.load(here / "o" / picture.stem / "mesh.glb", force="mesh", process=False)
    assert isinstance(mesh, trimesh.Trimesh)
    assert len(mesh.faces) == len(package.load(folder).networks.renderer.topology.faces)


@pytest.mark.parametrize(
    ("bent", "misfit", "reason"),
    [
        (np.inf, np.inf, "it fits"),
        (-1.0, np.inf, "every remembered shape would be bent too far"),
        (np.inf, -1.0, "no remembered shape fits the mask"),
    ],
)
def test_auto_says_why_it_carried_or_not(
    bent: float,
    misfit: float,
    reason: str,
    folder: Path,
    picture: Path,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(seen_module, "MAX_LOSS", np.inf)
    monkeypatch.setattr(seen_module, "MAX_BENT", bent)
    monkeypatch.setattr(seen_module, "MAX_MISFIT", misfit)
    found = _record(folder, picture, "--refine-steps", 1)
    assert found["surface"]["reason"] == reason
    is_carried = reason == "it fits"
    assert (found["surface"]["source"] is not None) == is_carried
    assert found["code"]["surface"]["kind"] == ("carried" if is_carried else "template")
    assert found["surface"]["misfit"] >= 0
    assert found["surface"]["template_misfit"] >= 0


def test_without_refinement_auto_keeps_the_template(
    folder: Path, picture: Path, here: Path
) -> None:
    record = _record(folder, picture, "--refine-steps", 0)
    assert record["surface"]["reason"] == "nothing was to be fitted"
    assert record["code"]["surface"] is None


def test_another_surface_is_refused(folder: Path, picture: Path, here: Path) -> None:
    outcome = shapecycle("reconstruct", folder, picture, "--out", "o", "--surface", "sphere")
    assert outcome.code != 0
    assert not list(here.iterdir())


# Train


def test_a_model_trained_without_memory_holds_nothing_of_the_folders(
    world: Path, here: Path
) -> None:
    with few_samples():
        outcome = shapecycle(
            *train_command(world, here / "run", "--total-images", 8, "--memory", "none")
        )
    assert outcome.code == 0, outcome.err
    assert "remembering" not in outcome.err
    model = package.load(here / "run")
    assert not model.memory
    kept = json.loads((here / "run" / "settings.json").read_text())["settings"]["memory"]
    assert kept == {"sources": 0, "donors": 0}


def test_a_trained_model_remembers_both_folders(run: Path, world: Path) -> None:
    memory = package.load(run).memory
    shapes, pictures = (sorted(path.stem for path in (world / x).iterdir())
                        for x in ("shapes", "images"))  # fmt: skip
    settings = tiny_settings().memory
    for kept, names, count in (
        (memory.sources, shapes, settings.sources),
        (memory.donors, pictures, settings.donors),
    ):
        assert len({one.name for one in kept}) == min(count, len(names))
        assert {one.name for one in kept} <= set(names)


def test_a_background_stands_behind_what_was_seen(folder: Path, picture: Path, here: Path) -> None:
    _record(folder, picture, "--background", "#102030", "--refine-steps", 0)
    with Image.open(Path("o", picture.stem, "render.png")) as drawn:
        assert drawn.mode == "RGB"
        assert drawn.getpixel((0, 0)) == (16, 32, 48)


def test_a_shadow_falls_on_the_ground_of_drawings(folder: Path, world: Path, here: Path) -> None:
    shape = min((world / "shapes").iterdir())
    options = ("--samples", 1, "--size", 64, "--azimuth", 30, "--elevation", 40)
    for name, more in (("a", ()), ("b", ("--shadow",))):
        outcome = shapecycle("render", folder, shape, *options, *more, "--out", name)
        assert outcome.code == 0, outcome.err
    plain, shaded = (
        np.asarray(Image.open(Path(name, shape.stem, "0.png")))[..., 3].astype(int)
        for name in ("a", "b")
    )
    assert (shaded >= plain).all()
    assert (shaded > plain + 20).mean() > 0.01


def test_directions_are_shown_and_kept(folder: Path, here: Path) -> None:
    outcome = shapecycle("directions", folder, "--out", "d", "--count", 1, "--size", 32)
    assert outcome.code == 0, outcome.err
    with Image.open("d/sheet.png") as sheet:
        assert sheet.size == (90 + 5 * 32, 3 * 32)
    from safetensors.torch import load_file

    assert load_file("d/directions.safetensors")["shape.steps"].shape == (1, 8)


def test_a_model_without_memory_has_no_directions(here: Path) -> None:
    model = remembering_model(0)
    save_model(model.networks, Path("bare.safetensors"), model.provenance, model.memory)
    outcome = shapecycle("directions", "bare.safetensors", "--out", "d")
    assert outcome.code == 2
    assert "remembers no" in outcome.err
    assert not Path("d").exists()
