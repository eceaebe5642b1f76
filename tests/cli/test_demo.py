"""The demo: its pieces, and the whole of it on a very small world."""

import json
import math
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from shapecycle.camera import Pose
from shapecycle.cli.commands import Demo
from shapecycle.cli.demo import (
    DRAWINGS,
    SIDES,
    TILE,
    Diary,
    World,
    _close_up,
    around,
    cars_world,
    drawn_bare,
    free_folder,
    means,
    medoid,
    play,
    pose_of,
    run,
)
from shapecycle.demo import cars
from shapecycle.errors import ConfigError, DataError
from shapecycle.mesh import Mesh

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
}


def _box(width: float, height: float, depth: float) -> Mesh:
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float) / 2
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    vertices = (corners * [width, height, depth]).astype(np.float32)
    return Mesh(vertices, np.array(faces))


# Pieces


def test_a_folder_in_use_gets_a_number_and_an_empty_one_does_not(tmp_path: Path) -> None:
    out = tmp_path / "demo-run"
    assert free_folder(out) == out
    out.mkdir()
    assert free_folder(out) == out
    (out / "a").touch()
    assert free_folder(out) == tmp_path / "demo-run-2"
    (tmp_path / "demo-run-2").touch()
    assert free_folder(out) == tmp_path / "demo-run-3"


def test_the_demo_trains_on_no_car_of_its_pictures() -> None:
    seeds = set(cars_world().seeds)
    assert len(seeds) > 100
    assert not seeds & {*cars.TRAIN_PICTURE_SEEDS, *cars.HELD_OUT_SEEDS}


@pytest.mark.parametrize("minutes", [0.0, -1.0, math.nan, math.inf])
def test_a_time_that_is_none_is_refused_before_anything_is_made(
    minutes: float, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="--minutes must be positive, found"):
        run(Demo(out=tmp_path / "out", minutes=minutes))
    assert not (tmp_path / "out").exists()


def test_missing_pictures_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no folder .*nowhere/train/images"):
        play(Demo(out=tmp_path / "out"), World(tmp_path / "nowhere", range(8), 40.0))
    assert not (tmp_path / "out").exists()


def test_a_pose_comes_back_from_its_matrix() -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(10):
        angles = (torch.rand(1, 3, generator=generator) - 0.5) * torch.tensor([6.2, 3.0, 6.2])
        pose = Pose(angles, torch.randn(1, 3, generator=generator))
        matrix = pose.camera_from_object()[0].numpy().astype(np.float64)
        again = pose_of(matrix).camera_from_object()[0].numpy()
        np.testing.assert_allclose(again, matrix, atol=1e-5)


def test_the_medoid_is_the_shape_in_the_middle() -> None:
    assert medoid([_box(0.2, 0.2, size) for size in (1.0, 0.3, 0.5, 0.45)]) in (2, 3)
    assert medoid([_box(0.2, 0.2, size) for size in (0.9, 0.5, 0.1)]) == 1


def test_the_diary_tells_how_long_a_phase_took(capsys: pytest.CaptureFixture[str]) -> None:
    diary = Diary()
    with diary.phase("Making shapes"):
        time.sleep(0.02)
    with diary.phase("Training"):
        pass
    assert 0.02 <= diary.seconds_of("Making") < 1
    assert diary.seconds_of("Training") < diary.seconds_of("Making")
    assert capsys.readouterr().err == "\n[1] Making shapes\n\n[2] Training\n"


def test_means_are_of_numbers_only() -> None:
    rows = [{"a": 1.0, "image": "x"}, {"a": 2.0, "image": "y"}]
    assert means(rows) == {"a": 1.5}


@pytest.mark.parametrize("azimuth", SIDES.values())
def test_every_side_of_a_long_car_is_shown_whole(azimuth: float) -> None:
    world = World(Path(), range(8), 40.0)
    mesh = cars.car_mesh(cars.sample_car(1, "pickup"))
    alpha = drawn_bare(mesh, around(azimuth), _close_up(world, TILE))[..., 3]
    assert alpha.shape == TILE
    assert max(alpha[0].max(), alpha[-1].max(), alpha[:, 0].max(), alpha[:, -1].max()) == 0
    assert alpha.mean() > 0.1


def test_bare_shapes_are_grey_and_lit_from_above() -> None:
    view = _close_up(World(Path(), range(8), 40.0), (64, 64))
    seen = drawn_bare(_box(0.5, 0.5, 0.5), around(0.0), view)
    inside = seen[seen[..., 3] == 1][:, :3]
    np.testing.assert_allclose(inside, inside[:, :1].repeat(3, 1), atol=1e-6)
    rows = np.flatnonzero(seen[:, 32, 3] == 1)
    assert seen[rows[0], 32, 0] > seen[rows[-1], 32, 0] + 0.1


# The whole


def _photograph(seed: int, azimuth: float, file: Path) -> np.ndarray:
    """Draw a car in one colour, and return its camera."""
    mesh = cars.car_mesh(cars.sample_car(seed))
    pose = around(azimuth)
    rgba = drawn_bare(mesh, pose, _close_up(World(Path(), range(8), 40.0), (48, 48)))
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


def test_the_demo_ends_with_one_report_of_everything_it_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "demo-run"
    path = play(Demo(out=out, minutes=0.02, device="cpu"), _small_world(tmp_path / "pictures"))
    assert path == out / "report.html"
    told = capsys.readouterr()
    assert told.out == "", "the report's path alone is the result"
    assert "[7] Drawing the pictures of this page" in told.err

    html = path.read_text()
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
