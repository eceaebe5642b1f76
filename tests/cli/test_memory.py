"""However many pictures are given, a few are held at a time; what happens meanwhile is told."""

import signal
import weakref
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest
from tiny_world import shapecycle

from shapecycle.cli import drawing, reconstruct
from shapecycle.data import photos
from shapecycle.data.photos import Photo
from shapecycle.model import Model


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return the most pictures that were in memory at the same time."""
    alive: list[weakref.ref[Photo]] = []
    most = 0
    load = photos.load_photo

    def counting(path: Path, *, to_see: bool = False) -> Photo:
        nonlocal most
        photo = load(path, to_see=to_see)
        alive.append(weakref.ref(photo))
        most = max(most, sum(one() is not None for one in alive))
        return photo

    monkeypatch.setattr(photos, "load_photo", counting)
    return lambda: most


def _commands(world: Path, run: Path) -> dict[str, list[object]]:
    steps = ["--refine-steps", 0, "--device", "cpu", "--out"]
    truth = ["--shapes", world / "shapes", "--cameras", world / "cameras.json"]
    return {
        "reconstruct": ["reconstruct", run, world / "images", *steps, "o"],
        "evaluate": ["evaluate", run, "--images", world / "images", *truth, *steps, "m.json"],
    }


@pytest.mark.parametrize("verb", ["reconstruct", "evaluate"])
def test_memory_does_not_grow_with_the_number_of_pictures(
    verb: str,
    run: Path,
    world: Path,
    here: Path,
    held: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(drawing.CODES, "cpu", 2)
    outcome = shapecycle(*_commands(world, run)[verb])
    assert outcome.code == 0, outcome.err
    # Two that are seen, and the two before that are still written.
    assert held() <= 4


def test_fewer_large_pictures_are_held_than_small_ones(
    run: Path,
    world: Path,
    here: Path,
    held: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reconstruct, "PIXELS_HELD", 3 * 48 * 48)
    outcome = shapecycle(*_commands(world, run)["reconstruct"])
    assert outcome.code == 0, outcome.err
    assert held() <= 6
    done = [int(line.split()[0]) for line in outcome.err.splitlines() if " of 12 pict" in line][:4]
    # The eighth picture is half as large again as the others.
    assert done == [3, 6, 8, 11]


@pytest.mark.parametrize("verb", ["reconstruct", "evaluate"])
def test_a_request_to_end_leaves_nothing(
    verb: str, run: Path, world: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def signalled(*_: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Model, "see_photos", signalled)
    keep = ["--keep", "kept"] if verb == "evaluate" else []
    outcome = shapecycle(*_commands(world, run)[verb], *keep)
    assert outcome.code == 130
    assert outcome.err.endswith("stopped\n")
    assert not list(here.iterdir())


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"no picture")])
@pytest.mark.parametrize("verb", ["reconstruct", "evaluate"])
def test_a_picture_that_changes_after_it_was_checked_is_named_and_nothing_is_left(
    verb: str,
    change: Callable[[Path], object],
    run: Path,
    world: Path,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(drawing.CODES, "cpu", 4)
    copytree(world, here / "world")
    last = max((here / "world" / "images").iterdir())
    see = Model.see_photos

    def meanwhile(self: Model, *what: object) -> object:
        if last.exists():
            change(last)
        return see(self, *what)  # type: ignore[arg-type]

    monkeypatch.setattr(Model, "see_photos", meanwhile)
    outcome = shapecycle(*_commands(here / "world", run)[verb])
    assert outcome.code == 2
    assert f"error: {last}: " in outcome.err
    assert "it was usable when this began" in outcome.err
    assert "Traceback" not in outcome.err
    assert [path.name for path in here.iterdir()] == ["world"]
