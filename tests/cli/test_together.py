"""Two processes that torchrun starts give what one gives, and fail as one does."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_world import Outcome, shapecycle

from shapecycle.cli.together import own_device
from shapecycle.errors import DataError
from shapecycle.parallel import ALONE, Team
from shapecycle.train.helpers import helped


def _two_processes(*arguments: object) -> Outcome:
    """Run the command line in two processes; what torchrun itself says is left out."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    source = str(Path(__file__).parents[2] / "src")
    done = subprocess.run(
        [*command, "--standalone", "-m", "shapecycle", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": source, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def _assert_alike(one: Path, two: Path) -> None:
    """Both folders hold the same files, with the same numbers up to rounding."""
    names = sorted(str(path.relative_to(one)) for path in one.rglob("*"))
    assert names == sorted(str(path.relative_to(two)) for path in two.rglob("*"))
    for name in names:
        first, second = one / name, two / name
        if name.endswith(".png"):
            with Image.open(first) as a, Image.open(second) as b:
                assert a.size == b.size
                away = np.abs(np.asarray(a, dtype=float) - np.asarray(b, dtype=float))
            # Rounding may move an outline by a pixel.
            assert away.mean() < 2
        elif name.endswith(".json") and name != "summary.json":
            a, b = (json.loads(path.read_text()) for path in (first, second))
            assert a.keys() == b.keys()
            np.testing.assert_allclose(a["code"]["shape"], b["code"]["shape"], atol=0.05)
            np.testing.assert_allclose(a["code"]["light"], b["code"]["light"], atol=0.05)
            np.testing.assert_allclose(a["camera_from_object"], b["camera_from_object"], atol=0.05)


def test_two_processes_reconstruct_what_one_does(run: Path, world: Path, here: Path) -> None:
    (here / "bad.png").write_text("hello")
    command = ["reconstruct", run, world / "images", "bad.png", "--skip-bad", "--refine-steps", 2,
               "--device", "cpu", "--out"]  # fmt: skip
    one, two = shapecycle(*command, "one"), _two_processes(*command, "two")
    assert (one.code, two.code) == (0, 0), two.err
    assert (one.out, two.out) == ("one\n", "two\n")
    assert two.err.count("left out 1 of 13 pictures") == 1
    assert two.err.count("  12 of 12 pictures\n") == 1
    _assert_alike(here / "one", here / "two")
    first, second = (json.loads((here / x / "summary.json").read_text()) for x in ("one", "two"))
    images = [[row["image"] for row in summary["pictures"]] for summary in (first, second)]
    assert images[0] == images[1] == sorted(path.name for path in (world / "images").iterdir())
    assert second["mean_silhouette_iou"] == pytest.approx(first["mean_silhouette_iou"], abs=0.02)
    assert {path.name for path in here.iterdir()} == {"bad.png", "one", "two"}


def test_samples_do_not_depend_on_the_number_of_processes(
    run: Path, world: Path, here: Path
) -> None:
    shapes = sorted((world / "shapes").iterdir())[:3]
    command = ["render", run, *shapes, "--samples", 3, "--size", 32, "--seed", 4,
               "--device", "cpu", "--out"]  # fmt: skip
    one, two = shapecycle(*command, "one"), _two_processes(*command, "two")
    assert (one.code, two.code) == (0, 0), two.err
    assert two.out == "two\n"
    _assert_alike(here / "one", here / "two")


def test_bad_input_is_told_once_and_nothing_is_left(run: Path, world: Path, here: Path) -> None:
    picture = min((world / "images").iterdir())
    (here / "bad.png").write_text("hello")
    # The second picture is the second process's.
    outcome = _two_processes("reconstruct", run, picture, "bad.png", "--out", "o")
    assert outcome.code != 0
    assert outcome.err.count("error: 1 of 2 pictures cannot be used") == 1
    assert outcome.err.count("bad.png: this is not a picture") == 1
    assert "exitcode  : 2" in outcome.err, "torchrun says how the first one ended"
    assert outcome.out == ""
    assert [path.name for path in here.iterdir()] == ["bad.png"]


def _works(team: Team) -> None:
    assert team.each(lambda: team.rank * 10) == [10 * rank for rank in range(team.size)]
    assert team.own(lambda: team.rank) == team.rank
    assert team.first(lambda: f"said by {team.rank}") == "said by 0"


def _fails(team: Team) -> int:
    if team.rank == 1:
        raise DataError("x.png is broken", "mend it")
    return team.rank


def _disk_is_full(team: Team) -> None:
    if not team.is_first:
        raise OSError(errno.ENOSPC, "no space left", "a.png")


def _everything(team: Team) -> None:
    _works(team)
    with pytest.raises(DataError, match=r"x\.png is broken\n  hint: mend it") as found:
        team.each(lambda: _fails(team))
    assert (found.value.what, found.value.hint) == ("x.png is broken", "mend it")
    with pytest.raises(OSError, match="no space left") as fault:
        team.own(lambda: _disk_is_full(team))
    assert (fault.value.errno, fault.value.filename) == (errno.ENOSPC, "a.png")
    _works(team)


def test_what_one_process_raises_all_raise() -> None:
    with helped(_everything, 2, "cpu") as team:
        _everything(team)


def test_one_process_alone_does_everything_itself() -> None:
    _works(ALONE)
    with pytest.raises(DataError, match="broken"):
        Team(1, 1).each(lambda: _fails(Team(1, 1)))


def test_each_process_takes_the_gpu_of_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    chosen: list[str] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    assert own_device("auto", Team(5, 8, 1)) == "cuda:1"
    assert chosen == ["cuda:1"]
    assert own_device("cpu", Team(5, 8, 1)) == "cpu"
    assert own_device("cuda", ALONE) == "cuda"
