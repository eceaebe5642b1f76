"""Masks of pictures without any: from a background of one colour, a command, and never guessed."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shapecycle.data import backgrounds
from shapecycle.errors import DataError
from shapecycle.prepare.masks import masked, on_background

GREY = np.array([0.6, 0.65, 0.7])


def _disc(noise: float = 0.01, hole: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return a striped disc on grey, with noise and perhaps a hole, and its true coverage."""
    side = 160
    y, x = np.mgrid[:side, :side] + 0.5
    radius = np.hypot(x - 80, y - 70)
    alpha = np.clip(50 - radius, 0, 1)
    if hole:
        alpha = np.minimum(alpha, np.clip(radius - hole, 0, 1))
    stripes = np.where((x // 10) % 2, 0.9, 0.2)
    paint = np.stack([stripes, 0.3 * np.ones_like(x), 0.1 * np.ones_like(x)])
    colours = alpha * paint + (1 - alpha) * GREY[:, None, None]
    colours = colours + noise * np.random.default_rng(0).normal(size=colours.shape)
    return colours.clip(0, 1).astype(np.float32), alpha


def _iou(found: np.ndarray, true: np.ndarray) -> float:
    a, b = found > 0.5, true > 0.5
    return float((a & b).sum() / (a | b).sum())


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.02])
@pytest.mark.parametrize("hole", [0.0, 20.0])
def test_an_object_on_one_colour_is_masked_with_its_openings(noise: float, hole: float) -> None:
    colours, true = _disc(noise, hole)
    found = on_background(colours)
    assert found is not None
    assert _iou(found, true) > 0.97
    assert np.abs(found - true).mean() < 0.01


def test_a_named_background_is_held_against_the_rim() -> None:
    colours, true = _disc()
    found = on_background(colours, GREY)
    assert found is not None
    assert _iou(found, true) > 0.97
    assert on_background(colours, np.array([0.1, 0.8, 0.1])) is None


def test_what_surrounds_an_object_in_many_colours_is_not_guessed() -> None:
    colours, _ = _disc()
    pattern = np.random.default_rng(1).uniform(size=(3, 8, 8)).repeat(20, 1).repeat(20, 2)
    assert on_background(pattern.astype(np.float32)) is None
    mixed = np.where(np.arange(160) < 80, colours, pattern).astype(np.float32)
    assert on_background(mixed) is None


def test_a_picture_of_nothing_but_background_has_no_mask() -> None:
    assert on_background(np.full((3, 40, 40), 0.4, np.float32)) is None


def _saved(folder: Path, colours: np.ndarray) -> Path:
    path = folder / "picture.png"
    pixels = (colours.transpose(1, 2, 0) * 255).round().astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_alpha_and_twins_come_before_the_background(tmp_path: Path) -> None:
    colours, true = _disc()
    path = _saved(tmp_path, colours)
    assert masked(path).origin == "background"
    (tmp_path / "masks").mkdir()
    square = np.zeros((160, 160), np.uint8)
    square[40:80, 40:80] = 255
    Image.fromarray(square).save(tmp_path / "masks" / "picture.png")
    twin = masked(path)
    assert twin.origin == "twin"
    assert twin.rgba[3].sum() == 40 * 40
    pixels = np.concatenate([colours, true[None]]).transpose(1, 2, 0)
    Image.fromarray((pixels * 255).round().astype(np.uint8)).save(path)
    assert masked(path).origin == "alpha"


def _noise(folder: Path) -> Path:
    return _saved(folder, np.random.default_rng(2).uniform(size=(3, 32, 48)).astype(np.float32))


def test_a_command_makes_the_mask_that_nothing_else_gives(tmp_path: Path) -> None:
    path, script = _noise(tmp_path), tmp_path / "masker.py"
    script.write_text(
        "import sys\n"
        "from PIL import Image\n"
        "size = Image.open(sys.argv[1]).size\n"
        "mask = Image.new('L', size)\n"
        "mask.paste(255, (8, 8, 24, 16))\n"
        "mask.save(sys.argv[2])\n"
    )
    found = masked(path, command=f"{sys.executable} {script}")
    assert found.origin == "command"
    assert found.rgba[3].sum() == 16 * 8


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("raise SystemExit('out of ideas')", "ended with 1 and no mask: out of ideas"),
        ("pass", "ended with 0 and no mask"),
        (
            "import sys; from PIL import Image; Image.new('L', (3, 3)).save(sys.argv[2])",
            "is 3 x 3, the picture 48 x 32",
        ),
    ],
)
def test_a_command_that_fails_is_reported_with_what_it_said(
    script: str, said: str, tmp_path: Path
) -> None:
    path, file = _noise(tmp_path), tmp_path / "masker.py"
    file.write_text(script)
    with pytest.raises(DataError, match=said):
        masked(path, command=f"{sys.executable} {file}")


def test_without_any_way_to_a_mask_the_ways_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="its rim is not of one colour") as caught:
        masked(_noise(tmp_path))
    assert "--masker" in caught.value.hint
    assert "masks/" in caught.value.hint


def test_a_huge_picture_is_cut_out_as_a_smaller_one_of_the_same_scene(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    colours = np.full((3, 93, 121), 0.9, np.float32)
    colours[:, 20:70, 30:100] = np.array([0.2, 0.5, 0.1], np.float32)[:, None, None]
    whole = on_background(colours)
    monkeypatch.setattr(backgrounds, "WORKED_ON", 93 * 121 // 3)
    reduced = on_background(colours)
    assert whole is not None
    assert reduced is not None
    assert reduced.shape == whole.shape
    away = np.abs(reduced - whole)
    assert away[:18].max() == away[22:68, 32:98].max() == 0
    assert away.mean() < 0.01
