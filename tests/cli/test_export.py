"""``shapecycle export``: every format, of pictures and of codes, or nothing at all."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from remembering import plain_code, remembering_model
from tiny_world import shapecycle, small_car

from shapecycle.demo.cars import write_ply
from shapecycle.model_file import save_model

MADE = ("glb", "obj", "ply", "gif", "html")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    model = remembering_model(3, 2)
    save_model(model.networks, folder / "model.safetensors", model.provenance, model.memory)
    (folder / "photos").mkdir()
    for k in range(2):
        pixels = np.zeros((48, 64, 4), np.uint8)
        pixels[12 : 30 + 6 * k, 16:48] = (200, 80, 40 + 100 * k, 255)
        Image.fromarray(pixels).save(folder / "photos" / f"photo{k}.png")
    return folder


def run(folder: Path, *arguments: object) -> tuple[int, str]:
    outcome = shapecycle("export", folder / "model.safetensors", *arguments)
    return outcome.code, outcome.err


def test_every_format_is_written_of_a_picture(folder: Path, tmp_path: Path) -> None:
    code, said = run(
        folder, folder / "photos" / "photo0.png", "--formats", *MADE, "--turntable", 3,
        "--size", 32, "--texture-size", 64, "--out", tmp_path / "out",
    )  # fmt: skip
    assert code == 0, said
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [
        *(f"photo0.{end}" for end in ("gif", "glb", "html", "obj", "ply")),
        *(f"photo0_surface.{end}" for end in ("mtl", "png")),
    ]
    with Image.open(tmp_path / "out" / "photo0.gif") as animation:
        assert getattr(animation, "n_frames", 1) == 3
    with Image.open(tmp_path / "out" / "photo0_surface.png") as texture:
        assert texture.size == (64, 64)


def test_codes_of_before_are_exported_as_the_picture_itself(folder: Path, tmp_path: Path) -> None:
    outcome = shapecycle(
        "reconstruct", folder / "model.safetensors", folder / "photos", "--out", tmp_path / "seen"
    )
    assert outcome.code == 0, outcome.err
    assert run(folder, tmp_path / "seen", "--out", tmp_path / "codes")[0] == 0
    assert sorted(path.name for path in (tmp_path / "codes").iterdir()) == [
        "photo0.glb",
        "photo1.glb",
    ]
    ours, theirs = (
        trimesh.load(path, force="mesh", process=False)
        for path in (tmp_path / "codes" / "photo1.glb", tmp_path / "seen" / "photo1" / "mesh.glb")
    )
    np.testing.assert_allclose(ours.vertices, theirs.vertices, atol=1e-5)


def test_a_posed_mesh_lies_before_the_camera(folder: Path, tmp_path: Path) -> None:
    photo = folder / "photos" / "photo0.png"
    assert run(folder, photo, "--posed", "--out", tmp_path / "posed")[0] == 0
    mesh = trimesh.load(tmp_path / "posed" / "photo0.glb", force="mesh", process=False)
    assert mesh.vertices[:, 2].max() < 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no.png"], "no file or folder"),
        (["model.safetensors"], "neither a picture nor a code"),
        (["photos", "--morphs", "2", "--formats", "obj"], "--morphs is for GLB files"),
        (["photos", "--texture-size", "4"], "--texture-size must be from"),
        (["photos/photo0.png", "photos"], "is given twice"),
        (["nanfov.json"], "does not hold a code"),
        (["badsize.json"], "its size is -5 x 5"),
        (["bad.json"], "does not hold a code"),
        (["deep.json"], "does not hold a code"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(
    arguments: list[str], said: str, folder: Path, tmp_path: Path
) -> None:
    (folder / "bad.json").write_text(json.dumps({"code": 3}))
    (folder / "deep.json").write_text("[" * 100_000)
    code = plain_code(torch.zeros(1, 8)).to_json()
    (folder / "nanfov.json").write_text(json.dumps({"code": code, "fov_y": float("nan")}))
    record = {"code": code, "fov_y": 0.9, "size": [-5, 5]}
    (folder / "badsize.json").write_text(json.dumps(record))
    given = [folder / arguments[0], *arguments[1:]]
    if len(arguments) > 1 and not arguments[1].startswith("--"):
        given[1] = folder / arguments[1]
    code, found = run(folder, *given, "--out", tmp_path / "out")
    assert code == 2
    assert said in found
    assert "Traceback" not in found
    assert not (tmp_path / "out").exists()


def test_what_render_wrote_is_exported_with_the_mesh_that_it_was_given(
    folder: Path, tmp_path: Path
) -> None:
    write_ply(tmp_path / "car.ply", small_car(6))
    drawn = tmp_path / "drawn"
    outcome = shapecycle(
        *("render", folder / "model.safetensors", tmp_path / "car.ply", "--samples", 2),
        *("--size", 32, "--out", drawn),
    )
    assert outcome.code == 0, outcome.err
    code, said = run(folder, drawn, "--out", tmp_path / "no")
    assert code == 2
    assert "--shape FILE" in said
    code, said = run(folder, drawn, "--shape", tmp_path / "car.ply", "--out", tmp_path / "yes")
    assert code == 0, said
    names = {path.name for path in (tmp_path / "yes").iterdir()}
    assert names == {"car_0.glb", "car_1.glb"}


def test_pictures_beside_codes_are_exported_too(folder: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    outcome = shapecycle(
        *("reconstruct", folder / "model.safetensors", folder / "photos" / "photo0.png"),
        *("--out", mixed),
    )
    assert outcome.code == 0, outcome.err
    (mixed / "other.png").write_bytes((folder / "photos" / "photo1.png").read_bytes())
    assert run(folder, mixed, "--out", tmp_path / "out")[0] == 0
    assert {path.stem for path in (tmp_path / "out").iterdir()} == {"photo0", "other"}


def test_all_bad_inputs_are_named(folder: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.png").write_bytes(b"nothing")
    code, said = run(folder, tmp_path / "a.png", tmp_path / "b.png", "--out", tmp_path / "out")
    assert code == 2
    assert "a.png" in said
    assert "b.png" in said
