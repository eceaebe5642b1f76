"""``reconstruct`` on tar shards: each picture once, whatever was stopped, like one of a folder."""

import json
import os
import shutil
from pathlib import Path

import pytest
from remembering import write_remembering_run
from tiny_world import shapecycle

from shapecycle.atomic import partial_path
from shapecycle.data.shards import read_shard, write_shard
from shapecycle.memory import surfaces as surfaces_module


@pytest.fixture(autouse=True)
def _small_atlases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surfaces_module, "ATLAS_SIDE", 64)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reconstruct_shards") / "run"
    return write_remembering_run(folder, 3, donors=2)


@pytest.fixture(scope="module")
def shards(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shards, of three and of two pictures."""
    folder = tmp_path_factory.mktemp("reconstruct_shards") / "shards"
    folder.mkdir()
    pictures = sorted((world / "images").iterdir())
    for name, some in (("a", pictures[:3]), ("b", pictures[3:5])):
        samples = [(path.stem, {"png": path.read_bytes(), "cls": b"1"}) for path in some]
        write_shard(folder / f"{name}.tar", samples)
    return folder


def _reconstruct(run: Path, *inputs: object) -> list[object]:
    return ["reconstruct", run, *inputs, "--refine-steps", 2, "--device", "cpu"]


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def made(run: Path, shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reconstruct_shards") / "out"
    outcome = shapecycle(*_reconstruct(run, shards), "--out", out)
    assert outcome.code == 0, outcome.err
    assert "5 reconstructions written to" in outcome.err
    return out


def test_what_is_seen_in_a_shard_is_what_is_seen_in_its_pictures(
    run: Path, world: Path, made: Path, here: Path
) -> None:
    pictures = sorted((world / "images").iterdir())[:3]
    outcome = shapecycle(*_reconstruct(run, *pictures), "--out", here / "folder")
    assert outcome.code == 0, outcome.err
    found = list(read_shard(made / "a.tar"))
    assert [key for key, _ in found] == [path.stem for path in pictures]
    for key, files in found:
        written = _files(here / "folder" / key)
        assert set(files) == set(written) == {"render.png", "mesh.glb", "code.json"}
        assert json.loads(files["code.json"]) == json.loads(written["code.json"])
        assert files["render.png"] == written["render.png"]
        assert files["mesh.glb"] == written["mesh.glb"]


def test_the_index_names_all_shards_and_doubts(made: Path) -> None:
    index = json.loads((made / "index.json").read_text())
    assert [(row["file"], row["count"]) for row in index["shards"]] == [("a.tar", 3), ("b.tar", 2)]
    assert index["count"] == 5
    assert 0 <= index["mean_silhouette_iou"] <= 1
    assert index["left_out"] == {}


def test_what_was_stopped_goes_on_to_the_same_files(
    run: Path, shards: Path, made: Path, here: Path
) -> None:
    out = Path(shutil.copytree(made, here / "out"))
    (out / "b.tar").unlink()
    (out / "index.json").unlink()
    # What a process that was killed left.
    left = partial_path(out / "b.tar")
    left = left.with_name(left.name.replace(f".{os.getpid()}.", ".999999999."))
    left.write_bytes(b"unfinished")
    outcome = shapecycle(*_reconstruct(run, shards), "--out", out, "--resume")
    assert outcome.code == 0, outcome.err
    assert "1 of 2 shards are there already" in outcome.err
    assert _files(out) == _files(made)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "already holds something"),
        (("--resume", "--surface", "template"), "another options"),
    ],
)
def test_nothing_is_mixed(
    run: Path, shards: Path, made: Path, options: tuple[object, ...], said: str
) -> None:
    before = _files(made)
    outcome = shapecycle(*_reconstruct(run, shards), "--out", made, *options)
    assert outcome.code == 2
    assert said in outcome.err
    assert _files(made) == before


def test_other_shards_are_refused(run: Path, shards: Path, made: Path) -> None:
    outcome = shapecycle(*_reconstruct(run, shards / "a.tar"), "--out", made, "--resume")
    assert outcome.code == 2
    assert "another shards" in outcome.err


def test_a_damaged_result_is_named(run: Path, shards: Path, made: Path, here: Path) -> None:
    for name in ("b.tar", "b.summary.json"):
        out = Path(shutil.copytree(made, here / name))
        whole = (out / name).read_bytes()
        (out / name).write_bytes(whole[: len(whole) // 2])
        outcome = shapecycle(*_reconstruct(run, shards), "--out", out, "--resume")
        assert outcome.code == 2
        assert f"{name} is damaged" in outcome.err


def test_bad_pictures_are_named_or_left_out_and_named(run: Path, shards: Path, here: Path) -> None:
    samples = [*read_shard(shards / "a.tar"), ("bad", {"png": b"nothing"})]
    write_shard(here / "in.tar", samples)
    command = [*_reconstruct(run, "in.tar"), "--out", "out"]
    outcome = shapecycle(*command)
    assert outcome.code == 2
    assert "in.tar/bad.png: this is not a picture" in outcome.err
    assert not Path("out").exists()
    outcome = shapecycle(*command, "--skip-bad")
    assert outcome.code == 0, outcome.err
    index = json.loads(Path("out/index.json").read_text())
    assert index["count"] == 3
    assert list(index["left_out"]) == ["in.tar/bad"]
    assert "in.tar/bad: this is not a picture" in outcome.err


def test_shards_and_pictures_are_not_mixed(
    run: Path, world: Path, shards: Path, here: Path
) -> None:
    outcome = shapecycle(*_reconstruct(run, shards, world / "images"), "--out", "out")
    assert outcome.code == 2
    assert "is no tar shard" in outcome.err
    shutil.copy(shards / "a.tar", here / "A.tar")
    outcome = shapecycle(*_reconstruct(run, shards, "A.tar"), "--out", "out")
    assert outcome.code == 2
    assert "both be written to 'A.tar'" in outcome.err
    assert not Path("out").exists()


@pytest.mark.parametrize("option", [("--resume",), ("--workers", 2)])
def test_options_for_shards_are_refused_for_pictures(
    run: Path, world: Path, here: Path, option: tuple[object, ...]
) -> None:
    pytest.importorskip("ray")
    outcome = shapecycle(*_reconstruct(run, world / "images"), "--out", "out", *option)
    assert outcome.code == 2
    assert f"{option[0]} is for tar shards" in outcome.err
    assert not Path("out").exists()


def test_shards_called_like_our_own_files_do_not_overwrite_them(
    run: Path, shards: Path, here: Path
) -> None:
    Path("in").mkdir()
    for name in ("index", "reconstruction"):
        shutil.copy(shards / "b.tar", here / "in" / f"{name}.tar")
    for more in ((), ("--resume",)):
        outcome = shapecycle(*_reconstruct(run, "in"), "--out", "out", *more)
        assert outcome.code == 0, outcome.err
    assert json.loads(Path("out/index.json").read_text())["count"] == 4


def test_a_shard_that_is_given_twice_is_named(run: Path, shards: Path, here: Path) -> None:
    outcome = shapecycle(*_reconstruct(run, shards, shards / "b.tar"), "--out", "out")
    assert outcome.code == 2
    assert "b.tar is given twice" in outcome.err
