"""``train`` on tar shards: by several processes, stopped and gone on with, like on a folder."""

import json
import shutil
import signal
from pathlib import Path

import pytest
from tiny_world import few_samples, shapecycle, train_command

from shapecycle.data import photo_set
from shapecycle.data.shards import read_shard, write_shard
from shapecycle.losses import Losses
from shapecycle.model import load
from shapecycle.train.steps import Trainer


@pytest.fixture(scope="module")
def shards(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two shards, as `synthesize` writes them."""
    folder = tmp_path_factory.mktemp("train_from_shards") / "shards"
    folder.mkdir()
    pictures = sorted((world / "images").iterdir())
    rows = []
    for k, some in enumerate((pictures[:7], pictures[7:])):
        samples = [(path.stem, {"image.png": path.read_bytes(), "json": b"{}"}) for path in some]
        write_shard(folder / f"{k}.tar", samples)
        rows.append({"file": f"{k}.tar", "first": 7 * k, "count": len(some)})
    (folder / "index.json").write_text(json.dumps({"count": 12, "shards": rows}))
    return folder


def _command(world: Path, shards: Path, *more: object) -> list[object]:
    command = train_command(world, Path("run"), *more)
    command[command.index("--images") + 1] = shards
    return command


def test_a_training_from_shards_goes_on_and_remembers_their_pictures(
    world: Path, shards: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer.random_step

    def stopped(trainer: Trainer, lr_scale: float) -> Losses:
        signal.raise_signal(signal.SIGTERM)
        return step(trainer, lr_scale)

    with monkeypatch.context() as patch, few_samples():
        patch.setattr(Trainer, "random_step", stopped)
        outcome = shapecycle(*_command(world, shards, "--total-images", 40))
        assert outcome.code == 130, outcome.err
    assert "12 pictures in 2 shards, read in turn" in outcome.err
    with few_samples():
        outcome = shapecycle(*_command(world, shards, "--resume"))
        assert outcome.code == 0, outcome.err
    names = {donor.name for donor in load(Path("run")).memory.donors}
    assert names <= {path.stem for path in (world / "images").iterdir()}
    assert len(names) == 4


def test_other_shards_are_refused_when_it_goes_on(world: Path, shards: Path, here: Path) -> None:
    with few_samples():
        outcome = shapecycle(*_command(world, shards, "--total-images", 8))
        assert outcome.code == 0, outcome.err
        other = Path(shutil.copytree(shards, here / "other"))
        (other / "index.json").unlink()
        outcome = shapecycle(*_command(world, other, "--total-images", 16, "--resume"))
    assert outcome.code == 2
    assert "begun with 12 pictures" in outcome.err
    assert "gives an unknown number of" in outcome.err


def test_two_processes_train_from_shards(world: Path, shards: Path, here: Path) -> None:
    with few_samples():
        outcome = shapecycle(
            *_command(world, shards, "--total-images", 48, "--processes", 2),
            *("--config", _batch_of_eight(world, here)),
        )
    assert outcome.code == 0, outcome.err


def _batch_of_eight(world: Path, here: Path) -> Path:
    settings = json.loads((world / "tiny.yaml").read_text())
    settings["train"]["batch"] = 8
    (here / "eight.yaml").write_text(json.dumps(settings))
    return here / "eight.yaml"


def test_a_bad_picture_that_comes_late_loses_nothing(
    world: Path, shards: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("bad").mkdir()
    samples = [sample for k in (0, 1) for sample in read_shard(shards / f"{k}.tar")]
    write_shard(here / "bad" / "0.tar", [*samples[:9], ("broken", {"png": b"nothing"})])
    # Of the blocks that are read ahead the bad picture is in the first.
    monkeypatch.setattr(photo_set, "TO_BEGIN_WITH", 9)
    with few_samples():
        outcome = shapecycle(*_command(world, here / "bad", "--total-images", 40))
        assert outcome.code == 2
        assert "0.tar/broken.png: this is not a picture" in outcome.err
        assert "--resume --skip-bad" in outcome.err
        assert list(Path("run/state").glob("*.pt"))
        outcome = shapecycle(*_command(world, here / "bad", "--resume", "--skip-bad"))
    assert outcome.code == 0, outcome.err
    assert "resumed after" in outcome.err
    assert "left out 1 picture" in outcome.err
