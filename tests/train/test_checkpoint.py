"""Saved states: whole or not at all, the last two kept, and nothing else is one."""

import errno
from math import inf
from pathlib import Path

import pytest
import torch

from shapecycle.atomic import partial_path
from shapecycle.errors import CheckpointError
from shapecycle.train import checkpoint
from shapecycle.train.checkpoint import load_state, save_state


def test_the_last_state_comes_back(tmp_path: Path) -> None:
    for images in (8, 16, 1000):
        save_state(tmp_path / "state", {"weights": torch.full((2,), images), "n": images}, images)
    state = load_state(tmp_path / "state")
    assert state["n"] == 1000
    assert state["weights"].tolist() == [1000, 1000]


def test_only_the_last_two_states_are_kept(tmp_path: Path) -> None:
    for images in (8, 16, 100, 1000, 20000):
        save_state(tmp_path, {"n": images}, images)
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "000000001000.pt",
        "000000020000.pt",
    ]


def test_what_a_killed_save_left_is_cleared_and_never_read(tmp_path: Path) -> None:
    save_state(tmp_path, {"n": 1}, 1)
    (tmp_path / ".000000000002.pt.12.partial").write_bytes(b"half a state")
    assert load_state(tmp_path)["n"] == 1
    save_state(tmp_path, {"n": 3}, 3)
    assert not list(tmp_path.glob(".*"))


def test_a_state_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    save_state(tmp_path, {"n": 1}, 1)
    with pytest.raises(Exception, match="pickle"):
        save_state(tmp_path, {"n": (x for x in [1])}, 1)
    assert load_state(tmp_path)["n"] == 1


def test_a_damaged_last_state_gives_way_to_the_one_before(tmp_path: Path) -> None:
    save_state(tmp_path, {"n": 1}, 1)
    (tmp_path / "000000000002.pt").write_bytes(b"damaged")
    assert load_state(tmp_path)["n"] == 1


def test_a_folder_without_a_state_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"cannot resume: .*holds no state"):
        load_state(tmp_path / "state")


def test_files_that_are_no_states_are_named(tmp_path: Path) -> None:
    (tmp_path / "000000000002.pt").write_bytes(b"not a state")
    with pytest.raises(CheckpointError, match=r"000000000002\.pt is not a saved state") as caught:
        load_state(tmp_path)
    assert "weights_only" not in str(caught.value)


class _Trap:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('the trap sprang')",))


def test_no_code_in_a_state_is_run(tmp_path: Path) -> None:
    torch.save({"n": _Trap()}, tmp_path / "000000000002.pt")
    with pytest.raises(CheckpointError, match="is not a saved state"):
        load_state(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full here")
def test_a_full_disk_is_the_systems_own_error_and_names_the_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_state(tmp_path, {"n": 1}, 1)
    monkeypatch.setattr(checkpoint, "clear_partial", lambda folder: None)
    path = tmp_path / "000000000002.pt"
    partial_path(path).symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device") as caught:
        save_state(tmp_path, {"weights": torch.zeros(100_000)}, 2)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
    assert [file.name for file in tmp_path.iterdir()] == ["000000000001.pt"]


def test_the_best_state_is_kept_beside_the_last_two(tmp_path: Path) -> None:
    for images, misfit in ((8, None), (16, 0.5), (24, 0.25), (32, 0.75), (40, 0.3), (48, inf)):
        save_state(tmp_path, {"n": images}, images, misfit)
    names = [path.name for path in sorted(tmp_path.iterdir())]
    assert names == ["000000000040.pt", "000000000048.pt", "best-000000000024-0.250000.pt"]
    assert load_state(tmp_path)["n"] == 48
    assert load_state(tmp_path, best=True)["n"] == 24


def test_states_after_the_one_that_was_gone_on_from_are_dropped(tmp_path: Path) -> None:
    for images in (8, 16, 24):
        save_state(tmp_path, {"n": images}, images)
    save_state(tmp_path, {"n": 12}, 12)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["000000000012.pt"]


def test_the_best_state_is_copied_where_a_disk_knows_no_second_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(checkpoint.os, "link", refuse)
    save_state(tmp_path, {"n": 8}, 8, 0.5)
    assert load_state(tmp_path, best=True)["n"] == 8
    assert not list(tmp_path.glob(".*"))
