"""The whole demo, on a very small world."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from remembering import remembering_model
from tiny_world import few_samples

from shapecycle import pretrained
from shapecycle.cli.demo import run_verb
from shapecycle.demo import cars
from shapecycle.demo.run import run_demo
from shapecycle.demo.views import around, close_up, drawn_untextured
from shapecycle.demo.world import DRAWINGS, FEW_NEW, DemoOptions, World
from shapecycle.errors import DataError
from shapecycle.model_file import load_model, save_model

TINY = {
    "model": {
        "image_size": 32,
        "subdivisions": 4,
        "texture_resolution": 32,
        "shape_width": 32,
        "image_width": 8,
        "image_features": 32,
        "critic_width": 8,
    },
    "train": {"batch": 4},
    "scenes": {"photographed_shapes": 4},
    "memory": {"sources": 3, "donors": 4},
}


@pytest.fixture(autouse=True)
def _few_samples() -> Iterator[None]:
    with few_samples():
        yield


def _photograph(seed: int, azimuth: float, file: Path) -> np.ndarray:
    """Draw a car in one colour, and return its camera."""
    mesh = cars.car_mesh(cars.sample_car(seed))
    pose = around(azimuth)
    rgba = drawn_untextured(mesh, pose, close_up(World(Path(), range(8), 40.0), (48, 48)))
    colour = np.random.default_rng(seed).uniform(0.3, 1, 3)
    pixels = (rgba * [*colour, 1] * 255).round().astype(np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)
    return pose.camera_from_object()[0].numpy()


def _small_world(folder: Path) -> World:
    for k in range(8):
        _photograph(300 + k, 0.8 * k, folder / "train" / "images" / f"{300 + k}_0.png")
    views = {}
    for seed in (400, 401):
        for view in range(2):
            file = folder / "val" / "images" / f"{seed}_{view}.png"
            camera = _photograph(seed, 1.0 + 2 * view, file)
            views[file.stem] = {"camera_from_object": camera.tolist()}
        shape = folder / "val" / "shapes" / f"{seed}.ply"
        shape.parent.mkdir(exist_ok=True)
        cars.write_ply(shape, cars.car_mesh(cars.sample_car(seed)))
    (folder / "val" / "cameras.json").write_text(json.dumps({"views": views}))
    return World(folder, range(8), 40.0, TINY)


def test_missing_pictures_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no folder .*nowhere/train/images"):
        run_demo(
            DemoOptions(tmp_path / "out", True, 8, 1.0, 0, "cpu"),
            World(tmp_path / "nowhere", range(8), 40.0),
            run_verb,
        )
    assert not (tmp_path / "out").exists()


def test_the_demo_ends_with_one_report_of_everything_it_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "demo-run"
    options = DemoOptions(out, True, 100, 30.0, 0, "cpu")
    path = run_demo(options, _small_world(tmp_path / "pictures"), run_verb)
    assert path == out / "report.html"
    printed = capsys.readouterr()
    assert printed.out == "", "the report's path alone is the result"
    assert "[8] Drawing the pictures of this page" in printed.err

    html = path.read_text()
    seen_images = load_model(out / "run")[1].images
    assert 100 <= seen_images < 100 + 3 * 4, "every stage ends with a whole step"
    assert f"<dt>Images seen</dt><dd>{seen_images}</dd>" in html
    assert "--total-images 100 --minutes 30 " in html
    assert "shortened" not in html + printed.err.split("[3]")[1]
    metrics = json.loads((out / "metrics.json").read_text())
    seen, drawn = metrics["seeing"]["rows"], metrics["drawing"]["rows"]
    assert [row["image"] for row in seen] == ["400_0.png", "400_1.png", "401_0.png", "401_1.png"]
    assert len(html) < 5e6
    assert html.count("<img") == 2 * (2 + 9) + 4 * 2 + 2 * (1 + DRAWINGS) + 8
    for row in seen:
        assert f"{row['image']}: IoU {row['silhouette_iou']:.2f}" in html
    for part in (metrics["seeing"], metrics["drawing"]):
        assert f"<td>{part['medoid']['chamfer']:.4f}</td>" in html
        assert part["truth"]["chamfer"] < part["medoid"]["chamfer"]
    ours = metrics["seeing"]["shapecycle"]["chamfer"]["mean"]
    assert ours == pytest.approx(np.mean([row["chamfer"] for row in seen]))
    assert f"<td>{ours:.4f}</td>" in html
    assert {row["shape"] for row in drawn} == {"400", "401"}
    for file in (
        "run/model.safetensors",
        "reconstructions/400_0/mesh.glb",
        "drawings/401/2.glb",
        "new-cars/7.png",
        "shapes/car_00007.ply",
    ):
        assert (out / file).is_file()


def test_without_a_training_a_few_are_translated_by_the_model_that_comes_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    model = remembering_model(0)
    scores = {"shapecycle": {"chamfer": 0.01234}, "typical": {"chamfer": 0.04321}}
    known = replace(model.provenance, card={"data": "made by hand", "scores": scores})
    save_model(model.networks, tmp_path / "cars.safetensors", known)
    out = tmp_path / "demo-run"
    options = DemoOptions(out, False, 100, 30.0, 0, "cpu")
    path = run_demo(options, _small_world(tmp_path / "pictures"), run_verb)
    html = path.read_text()
    assert sorted(file.name for file in (out / "held-out" / "images").iterdir()) == [
        "400_0.png",
        "401_0.png",
    ]
    assert "comes with the package has never seen these cars" in html
    assert "made by hand" in html
    assert "<td>0.0123</td>" in html
    assert "<td>0.0432</td>" in html
    assert "shapecycle reconstruct cars " in html
    assert html.count("<img") == 2 * (2 + 9) + 2 * 2 + 2 * (1 + DRAWINGS) + FEW_NEW
    assert not (out / "run").exists()


def test_a_model_that_did_not_come_along_is_reported_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    options = DemoOptions(tmp_path / "out", False, 100, 30.0, 0, "cpu")
    with pytest.raises(DataError, match="did not come with this package"):
        run_demo(options, _small_world(tmp_path / "pictures"), run_verb)
    assert not (tmp_path / "out").exists()
