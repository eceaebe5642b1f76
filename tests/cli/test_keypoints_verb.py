"""``shapecycle keypoints``: marks are read, bad ones named, and found on every input."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from remembering import remembering_model
from tiny_world import shapecycle, small_car

from shapecycle.demo.cars import write_ply
from shapecycle.model_file import save_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keypoints")
    model = remembering_model(0)
    save_model(model.networks, folder / "model.safetensors", model.provenance, model.memory)
    pixels = np.zeros((48, 64, 4), np.uint8)
    pixels[12:36, 16:48] = (200, 80, 40, 255)
    Image.fromarray(pixels).save(folder / "photo.png")
    write_ply(folder / "car.ply", small_car(3))
    return folder


def _run(folder: Path, out: Path, points: object) -> tuple[int, str]:
    marks = folder / "marks.json"
    marks.write_text(json.dumps(points))
    outcome = shapecycle(
        *("keypoints", folder / "model.safetensors", folder / "photo.png", folder / "car.ply"),
        *("--points", marks, "--out", out),
    )
    return outcome.code, outcome.err


def test_points_marked_on_a_mesh_are_found_on_a_picture_and_the_mesh(
    folder: Path, tmp_path: Path
) -> None:
    corner = small_car(3).vertices[7].tolist()
    code, said = _run(folder, tmp_path / "out", {"input": "car.ply", "points": {"corner": corner}})
    assert code == 0, said
    found = json.loads((tmp_path / "out" / "keypoints.json").read_text())
    assert set(found) == {"photo.png", "car.ply"}
    assert len(found["photo.png"]["corner"]["pixel"]) == 2
    assert len(found["car.ply"]["corner"]["in_file"]) == 3
    with Image.open(tmp_path / "out" / "photo.png") as overlay:
        assert overlay.size == (64, 48)


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ({"input": "photo.png", "points": {"tip": [2, 2]}}, "'tip' on photo.png beside the object"),
        ({"input": "photo.png", "points": {"tip": [2, 2, 2]}}, "'tip' has 3 numbers, and needs 2"),
        ({"input": "photo.png", "points": {}}, "holds no points"),
        ({"input": "car.ply", "points": {"tip": [float("nan"), 0, 0]}}, "'tip' is not finite"),
        ({"input": "car.ply", "points": {"tip": [9, 9, 9]}}, "'tip' on car.ply beside the object"),
        ({"points": {"tip": [2, 2]}}, "does not hold marked points"),
        ([1, 2], "does not hold marked points"),
    ],
)
def test_marks_that_mean_nothing_are_named(
    points: object, said: str, folder: Path, tmp_path: Path
) -> None:
    code, found = _run(folder, tmp_path / "out", points)
    assert code == 2
    assert said in found
    assert not (tmp_path / "out").exists()
