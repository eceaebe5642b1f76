"""``synthesize``: every picture once, whatever was stopped, with what is true of it."""

import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from remembering import write_remembering_run
from tiny_world import shapecycle

from shapecycle.atomic import partial_path
from shapecycle.data.shards import read_shard
from shapecycle.memory import surfaces as surfaces_module

OPTIONS = ("--count", 10, "--views", 2, "--shard", 4, "--size", 32, "--keypoints", 5, "--out", "o")


@pytest.fixture(autouse=True)
def _small_atlases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surfaces_module, "ATLAS_SIDE", 64)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a model that remembers three cars."""
    folder = tmp_path_factory.mktemp("synthesize") / "run"
    return write_remembering_run(folder, 3, donors=2)


def _pictures(folder: Path) -> dict[str, dict[str, bytes]]:
    return {
        key: dict(files)
        for path in sorted(folder.glob("pictures-*.tar"))
        for key, files in read_shard(path)
    }


def _pixels(contents: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(contents)))


@pytest.fixture
def made(run: Path, here: Path) -> dict[str, dict[str, bytes]]:
    outcome = shapecycle("synthesize", run, *OPTIONS)
    assert outcome.code == 0, outcome.err
    return _pictures(Path("o"))


def test_every_picture_is_there_once_and_the_index_says_where(
    made: dict[str, dict[str, bytes]],
) -> None:
    assert list(made) == [f"{k:09d}" for k in range(10)]
    index = json.loads(Path("o/index.json").read_text())
    assert [one["count"] for one in index["shards"]] == [4, 4, 2]
    assert sorted(p.name for p in Path("o").glob("*.tar")) == [
        one["file"] for one in index["shards"]
    ]
    assert set(index["files"]) == set(made["000000000"])


def test_channels_agree_with_each_other(made: dict[str, dict[str, bytes]]) -> None:
    for files in made.values():
        record: dict[str, Any] = json.loads(files["json"])
        image, mask = _pixels(files["image.png"]), _pixels(files["mask.png"])
        depth, normal = _pixels(files["depth.png"]), _pixels(files["normal.png"])
        assert image.shape == (32, 32, 4)
        assert np.array_equal(image[..., 3], mask)
        assert depth.dtype in (np.uint16, np.int32)
        inside = mask == 255
        assert inside.any()
        assert (depth[inside] > 0).mean() > 0.97
        away = -np.array(record["camera_from_object"])[2, 3]
        assert abs(depth[depth > 0] / 10_000 - away).max() < 0.6
        assert normal[inside][:, 2].mean() > 128, "most of what is seen faces the camera"
        assert len(record["keypoints"]) in (5, 6)


def test_views_of_one_object_share_its_shape_and_differ_in_pose(
    made: dict[str, dict[str, bytes]],
) -> None:
    records = [json.loads(files["json"]) for files in made.values()]
    assert [one["object"] for one in records] == [k // 2 for k in range(10)]
    assert records[0]["shape"] == records[1]["shape"] != records[2]["shape"]
    assert records[0]["azimuth"] != records[1]["azimuth"]


def test_what_was_stopped_goes_on_to_the_same_files(
    run: Path, made: dict[str, dict[str, bytes]]
) -> None:
    whole = {path.name: path.read_bytes() for path in Path("o").iterdir()}
    Path("o/pictures-000001.tar").unlink()
    Path("o/index.json").unlink()
    outcome = shapecycle("synthesize", run, *OPTIONS, "--resume")
    assert outcome.code == 0, outcome.err
    assert {path.name: path.read_bytes() for path in Path("o").iterdir()} == whole


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "already holds something"),
        (("--resume", "--seed", 1), "another seed"),
        (("--resume", "--shapes", "."), "shapes"),
    ],
)
def test_nothing_is_mixed(
    run: Path, made: dict[str, dict[str, bytes]], options: tuple[object, ...], said: str
) -> None:
    before = {path.name: path.read_bytes() for path in Path("o").iterdir()}
    outcome = shapecycle("synthesize", run, *OPTIONS, *options)
    assert outcome.code == 2
    assert said in outcome.err
    assert {path.name: path.read_bytes() for path in Path("o").iterdir()} == before


def test_a_damaged_shard_is_named(run: Path, made: dict[str, dict[str, bytes]]) -> None:
    shard = Path("o/pictures-000001.tar")
    shard.write_bytes(shard.read_bytes()[:-11_000])
    outcome = shapecycle("synthesize", run, *OPTIONS, "--resume")
    assert outcome.code == 2
    assert "pictures-000001.tar is damaged" in outcome.err


def test_what_a_killed_process_left_is_cleared(
    run: Path, made: dict[str, dict[str, bytes]]
) -> None:
    shard = Path("o/pictures-000001.tar")
    left = partial_path(shard)
    left = left.with_name(left.name.replace(f".{os.getpid()}.", ".999999999."))
    shard.rename(left)
    outcome = shapecycle("synthesize", run, *OPTIONS, "--resume")
    assert outcome.code == 0, outcome.err
    assert not left.exists()
    assert _pictures(Path("o")) == made


@pytest.mark.parametrize("contents", ["[]", "{", None])
def test_what_was_not_begun_does_not_go_on(
    run: Path, made: dict[str, dict[str, bytes]], contents: str | None
) -> None:
    begun = Path("o/synthesis.json")
    begun.unlink()
    if contents is not None:
        begun.write_text(contents)
    outcome = shapecycle("synthesize", run, *OPTIONS, "--resume")
    assert outcome.code == 2
    assert "synthesis.json" in outcome.err


def test_pictures_that_changed_are_noticed(run: Path, world: Path, here: Path) -> None:
    first, second = sorted((world / "images").iterdir())[:2]
    shutil.copyfile(first, "light.png")
    options = (*OPTIONS, "--light-from", "light.png")
    assert shapecycle("synthesize", run, *options).code == 0
    shutil.copyfile(second, "light.png")
    outcome = shapecycle("synthesize", run, *options, "--resume")
    assert outcome.code == 2
    assert "another pictures" in outcome.err


@pytest.mark.parametrize("contents", ["ply", "v 0 0 0\nvn 0 0 1\n"])
def test_a_shape_that_cannot_be_drawn_leaves_nothing_behind(
    run: Path, here: Path, contents: str
) -> None:
    Path("bad.obj").write_text(contents)
    outcome = shapecycle("synthesize", run, *OPTIONS, "--shapes", "bad.obj")
    assert outcome.code == 2
    assert "bad.obj" in outcome.err
    assert not Path("o").exists()


def test_meshes_that_are_gone_are_written_again(run: Path, here: Path) -> None:
    assert shapecycle("synthesize", run, *OPTIONS, "--meshes").code == 0
    before = {path.name: path.read_bytes() for path in Path("o").iterdir()}
    Path("o/meshes-000000.tar").unlink()
    assert shapecycle("synthesize", run, *OPTIONS, "--meshes", "--resume").code == 0
    assert {path.name: path.read_bytes() for path in Path("o").iterdir()} == before


def test_given_shapes_are_drawn_with_their_meshes(run: Path, world: Path, here: Path) -> None:
    shape = min((world / "shapes").iterdir())
    outcome = shapecycle("synthesize", run, *OPTIONS, "--shapes", shape, "--meshes")
    assert outcome.code == 0, outcome.err
    records = [json.loads(files["json"]) for files in _pictures(Path("o")).values()]
    assert {one["surface"] for one in records} == {shape.stem}
    meshes = [key for path in sorted(Path("o").glob("meshes-*")) for key, _ in read_shard(path)]
    assert meshes == [f"{k:09d}" for k in range(5)]


def test_a_background_folder_without_pictures_is_refused_first(run: Path, here: Path) -> None:
    Path("empty").mkdir()
    outcome = shapecycle("synthesize", run, *OPTIONS, "--background", "empty")
    assert outcome.code == 2
    assert "empty" in outcome.err
    assert not Path("o").exists()


@pytest.mark.parametrize(
    ("option", "value"), [("--shard", 5), ("--count", 0), ("--views", 0), ("--turntable", 8)]
)
def test_options_out_of_range_are_refused_before_anything_is_made(
    run: Path, here: Path, option: str, value: int
) -> None:
    outcome = shapecycle("synthesize", run, *OPTIONS, option, value)
    assert outcome.code == 2
    assert option in outcome.err
    assert not Path("o").exists()
