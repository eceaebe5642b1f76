"""Pictures are drawn together and written in threads; order stays and no error is lost."""

import errno
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from tiny_world import few_samples, shapecycle, train_command

import shapecycle as package
from shapecycle.cli import drawing
from shapecycle.cli.drawing import drawn
from shapecycle.cli.writer import Writer
from shapecycle.train.journal import Journal


def _slow(number: int) -> int:
    time.sleep(0.02 * (number % 3))
    return number


def test_results_keep_the_order_of_the_jobs() -> None:
    with Writer[int]() as writer:
        for start in (0, 7, 14):
            writer.begin([partial(_slow, k) for k in range(start, start + 7)])
        assert writer.finish() == list(range(21))


def _fail() -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_an_error_surfaces_before_more_is_begun() -> None:
    with Writer[int]() as writer:
        writer.begin([_fail])
        with pytest.raises(OSError, match="No space left"):
            writer.begin([partial(_slow, 1)])


def _stops_half_way() -> None:
    with Writer[int]() as writer:
        writer.begin([partial(_slow, 2)] * 50)
        raise ZeroDivisionError


def test_after_an_error_no_thread_writes_on() -> None:
    with pytest.raises(ZeroDivisionError):
        _stops_half_way()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("writer")]


@pytest.mark.parametrize("verb", ["reconstruct", "render", "generate"])
def test_a_full_disk_is_told_and_nothing_is_left(
    verb: str, run: Path, world: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, path: Path, *_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Image.Image, "save", full)
    if verb == "reconstruct":  # its files are made in the memory first
        monkeypatch.undo()
        monkeypatch.setattr(Path, "write_bytes", full)
    inputs: dict[str, list[object]] = {
        "reconstruct": [world / "images", "--refine-steps", 0],
        "render": [world / "shapes", "--size", 16],
        "generate": ["--size", 16],
    }
    outcome = shapecycle(verb, run, *inputs[verb], "--out", "o")
    assert outcome.code == 2
    assert outcome.err.count("error: ") == 1
    assert "No space left on device" in outcome.err
    assert not list(here.iterdir())


FULL = "No space left on device"


def _full_for_models(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, FULL)


def _full_for_panels(self: Journal, *_: object) -> None:
    raise OSError(errno.ENOSPC, FULL, str(self.folder / "panels" / "1.png"))


def _full_for_lines(*_: object) -> None:
    raise OSError(errno.ENOSPC, FULL)


@pytest.mark.parametrize(
    ("place", "name", "fault", "told"),
    [
        (safetensors.torch, "save", _full_for_models, "o/model.safetensors"),
        (Journal, "panel", _full_for_panels, "o/panels/1.png"),
        (Journal, "_write", _full_for_lines, "o"),
    ],
)
@pytest.mark.parametrize("is_resumed", [False, True])
def test_a_full_disk_is_told_by_a_training_with_what_to_do(
    is_resumed: bool,
    place: object,
    name: str,
    fault: Callable[..., None],
    told: str,
    run: Path,
    world: Path,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    more = ["--total-images", 16]
    if is_resumed:
        copytree(run, here / "o")
        more = ["--total-images", 112, "--resume"]
    states = list((here / "o").rglob("*.pt"))
    monkeypatch.setattr(place, name, fault)
    with few_samples():
        outcome = shapecycle(*train_command(world, Path("o"), *more))
    assert outcome.code == 2, outcome.err
    assert "Traceback" not in outcome.err
    assert f"error: cannot write {told}: {FULL}\n  hint: make room on that disk" in outcome.err
    assert "--resume" in outcome.err
    assert set(states) <= set((here / "o").rglob("*.pt"))
    assert not list((here / "o").rglob("*.partial"))


def test_codes_of_one_size_are_drawn_together_as_many_as_memory_allows(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(drawing.PIXELS, "cpu", 3 * 24 * 24)
    model = package.load(run)
    generator = torch.Generator().manual_seed(0)
    codes = model.sample_appearance(model.sample_shape(7, generator), generator)
    large = (60, 60)
    sizes = [(24, 24), large, (24, 24), (24, 24), (24, 24), large, (16, 24)]
    parts = list(drawn(model, codes, sizes))
    assert [numbers for numbers, _ in parts] == [[0, 2, 3], [4], [1], [5], [6]]
    for numbers, pictures in parts:
        for number, picture in zip(numbers, pictures, strict=True):
            assert picture.shape == (*sizes[number], 4)
            alone = model.draw(codes[number], sizes[number])[0]
            # The decoders run in bfloat16, whose rounding depends on the batch.
            assert np.abs(picture - alone).mean() < 0.01


def test_meshes_of_several_codes_are_those_of_each(run: Path) -> None:
    model = package.load(run)
    generator = torch.Generator().manual_seed(0)
    codes = model.sample_appearance(model.sample_shape(3, generator), generator)
    for k, mesh in enumerate(model.meshes(codes)):
        alone = model.mesh(codes[k])
        np.testing.assert_allclose(mesh.vertices, alone.vertices, atol=0.01)
        assert mesh.texture is not None
        np.testing.assert_allclose(mesh.texture, alone.texture, atol=0.02)
