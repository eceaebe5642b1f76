"""What two folders suggest."""

from dataclasses import replace
from math import atan, degrees
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from tiny_world import shapecycle, small_car

from shapecycle.demo.cars import write_ply
from shapecycle.prepare.suggestions import suggested


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    images, shapes = tmp_path / "images", tmp_path / "shapes"
    images.mkdir()
    shapes.mkdir()
    for k in range(3):
        _photo(images / f"{k}.png")
        write_ply(shapes / f"{k}.ply", small_car(k))
    return images, shapes


def _photo(path: Path, focal: int | None = None) -> None:
    pixels = np.zeros((60, 90, 4), np.uint8)
    pixels[20:40, 30:60] = (200, 30, 30, 255)
    exif = Image.Exif()
    if focal is not None:
        exif[0x8769] = {0xA405: focal}
    Image.fromarray(pixels).save(path, exif=exif)


def test_nothing_is_changed_without_a_reason(folders: tuple[Path, Path]) -> None:
    found = suggested(*folders, has_gpu=False)
    assert found.chosen == {}
    assert found.preset == "laptop"
    assert "objects are 30 pixels" in "; ".join(found.remarks)


def test_a_cameras_own_word_gives_the_field_of_view(folders: tuple[Path, Path]) -> None:
    for k in range(3):
        _photo(folders[0] / f"{k}.png", focal=50)
    value, reason = suggested(*folders, has_gpu=False).chosen["model.fov_y_degrees"]
    # 60 of 90 pixels are 24 of 36 mm.
    assert value == pytest.approx(degrees(2 * atan(12 / 50)), abs=0.06)
    assert "EXIF" in reason


def test_shapes_without_a_mirror_image_are_told(folders: tuple[Path, Path]) -> None:
    for k in range(3):
        car = small_car(k)
        half = (car.vertices[car.faces].mean(1)[:, 0] > 0).nonzero()[0]
        write_ply(folders[1] / f"{k}.ply", replace(car, faces=car.faces[half]))
    assert suggested(*folders, has_gpu=False).chosen["model.symmetric"][0] is False


def test_the_file_is_one_that_trainings_take(folders: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "my.yaml"
    outcome = shapecycle("init", *folders, "--out", out)
    assert outcome.code == 0, outcome.err
    assert "shapecycle train --images" in outcome.err
    assert not any(yaml.safe_load(out.read_text()).values())
    again = shapecycle("init", *folders, "--out", out)
    assert again.code == 2
    assert "is there already" in again.err
    missing = shapecycle("init", tmp_path / "no", folders[1], "--out", tmp_path / "b.yaml")
    assert missing.code == 2
    assert not (tmp_path / "b.yaml").exists()
