"""What a run folder says of where it was trained."""

import json
import shutil
import subprocess
from pathlib import Path

from tiny_world import few_samples, shapecycle, train_command

from shapecycle.cli.surroundings import NAME, commit_of, versions


def test_a_run_says_where_and_from_what_it_was_trained_each_time(world: Path, here: Path) -> None:
    with few_samples():
        for more in (("--total-images", 8), ("--resume", "--total-images", 16)):
            outcome = shapecycle(*train_command(world, Path("run"), *more))
            assert outcome.code == 0, outcome.err
        first, second = json.loads(Path("run", NAME).read_text())
        assert first["command"][:2] == ["shapecycle", "train"]
        assert "--resume" in second["command"]
        assert {"python", "shapecycle", "torch", "numpy"} <= set(first["versions"])
        assert {"processor", "cores", "memory_gb", "gpu"} <= set(first["hardware"])
        assert first["data"] == second["data"]
        other = Path(shutil.copytree(world / "images", here / "images"))
        one, two = sorted(other.iterdir())[:2]
        shutil.copyfile(one, two)
        command = train_command(world, Path("other"), "--total-images", 8)
        command[command.index("--images") + 1] = other
        assert shapecycle(*command).code == 0
    (third,) = json.loads(Path("other", NAME).read_text())
    assert third["data"]["pictures"] != first["data"]["pictures"]
    assert third["data"]["shapes"] == first["data"]["shapes"]


def test_the_commit_of_a_checkout_says_whether_files_were_changed(here: Path) -> None:
    assert commit_of(here) is None
    git = ["git", "-c", "user.name=a", "-c", "user.email=b"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run([*git, *words], check=True)
    commit = commit_of(here)
    assert commit is not None
    assert len(commit) == 40
    Path("new.txt").touch()
    assert commit_of(here) == f"{commit} with changes"


def test_versions_are_of_all_that_is_required() -> None:
    assert all(versions().values())
    assert "ray" not in versions() or versions()["ray"]
