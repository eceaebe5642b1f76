"""The training loop: it resumes where it stopped, and stops where numbers end."""

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_world import few_samples, small_car, tiny_settings

from shapecycle.config import Settings
from shapecycle.data.photo_set import PhotoSet, load_photos
from shapecycle.data.shapes import ShapeSet, load_shape_folder
from shapecycle.data.shards import write_shard
from shapecycle.errors import CheckpointError, OutOfMemory
from shapecycle.losses import Losses
from shapecycle.model_file import load_model
from shapecycle.train.checkpoint import load_state
from shapecycle.train.computing import Computing
from shapecycle.train.journal import Journal
from shapecycle.train.loop import NonFiniteLoss, Run, train
from shapecycle.train.signals import Stopped
from shapecycle.train.steps import Trainer

IMAGES = 40
"""Ten steps of four: some of every stage."""


@pytest.fixture(scope="module")
def data(
    world: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> tuple[PhotoSet, ShapeSet]:
    """Both folders; the pictures in shards where that is asked for."""
    images = world / "images"
    if getattr(request, "param", "folder") == "shards":
        images = tmp_path_factory.mktemp("shards") / "pictures.tar"
        pictures = sorted((world / "images").iterdir())
        write_shard(images, [(path.stem, {"png": path.read_bytes()}) for path in pictures])
    return load_photos(images, size=32), load_shape_folder(world / "shapes")


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with few_samples():
        yield


def _settings(**train_settings: object) -> Settings:
    return tiny_settings(
        **({"total_images": IMAGES, "shape_share": 0.3, "random_share": 0.4} | train_settings)
    )


def _run(folder: Path, data: tuple[PhotoSet, ShapeSet], **changes: object) -> Run:
    folder.mkdir(exist_ok=True)
    run = Run(
        folder, _settings(), *data, seed=3, computing=Computing("cpu", "float32"), seconds=None
    )
    return replace(run, **changes)  # type: ignore[arg-type]


def _train(run: Run) -> Path:
    journal = Journal(run.folder)
    try:
        return train(run, journal)
    finally:
        journal.close()


class _PulledPlug(Exception):
    """The power went."""


@pytest.mark.parametrize("data", ["folder", "shards"], indirect=True)
def test_a_resumed_training_ends_with_the_same_weights_to_the_bit(
    tmp_path: Path, data: tuple[PhotoSet, ShapeSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _train(_run(tmp_path / "whole", data))
    # The same with a state saved after every step, and an end in the middle of a stage.
    often = _settings(checkpoint_minutes=1e-9)
    steps = iter(range(8))
    record = Journal.record

    def pull_the_plug(journal: Journal, *args: object) -> None:
        if next(steps, None) is None:
            raise _PulledPlug
        record(journal, *args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "record", pull_the_plug)
        with pytest.raises(_PulledPlug):
            _train(_run(tmp_path / "parts", data, settings=often))
    assert 0 < sum(s["seen"] for s in load_state(tmp_path / "parts" / "state")["stages"]) < IMAGES
    torch.manual_seed(12345)  # whatever else the process did
    parts = _train(_run(tmp_path / "parts", data, resume=True))
    first, second = load_model(whole)[0].state_dict(), load_model(parts)[0].state_dict()
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, atol=0, rtol=0, msg=name)
    assert load_model(parts)[1].images == load_model(whole)[1].images


def test_the_same_seed_trains_the_same_weights_and_another_others(
    tmp_path: Path, data: tuple[PhotoSet, ShapeSet]
) -> None:
    few = _settings(total_images=12)
    weights = [
        load_model(_train(_run(tmp_path / name, data, settings=few, seed=seed)))[0].state_dict()
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    name = "renderer.deformation.coefficients.weight"
    torch.testing.assert_close(weights[0][name], weights[1][name], atol=0, rtol=0)
    assert (weights[0][name] - weights[2][name]).abs().max() > 1e-4


def test_a_run_leaves_a_journal_panels_a_model_and_states(
    tmp_path: Path, data: tuple[PhotoSet, ShapeSet]
) -> None:
    _train(_run(tmp_path / "run", data, settings=_settings(panel_images=16)))
    lines = [json.loads(x) for x in (tmp_path / "run/journal.jsonl").read_text().splitlines()]
    assert lines[0]["stage"] == "shapes"
    assert lines[-1]["stage"] == "all cycles"
    assert lines[-1]["images"] >= IMAGES
    assert lines[-1]["progress"] == 1.0
    assert all(isinstance(x, float) for x in lines[-1]["losses"].values())
    assert {"image_cycle_colour", "shape_cycle_pose", "pose_transport"} <= set(lines[-1]["losses"])
    assert len(list((tmp_path / "run/panels").glob("*.png"))) >= 2
    assert len(list((tmp_path / "run/state").glob("[0-9]*.pt"))) == 1


def test_a_loss_that_is_not_a_number_stops_the_training_by_name(
    tmp_path: Path, data: tuple[PhotoSet, ShapeSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer.shapes_step

    def poisoned(trainer: Trainer, lr_scale: float) -> dict[str, torch.Tensor]:
        return step(trainer, lr_scale) | {"dihedral_penalty": torch.tensor(torch.nan)}

    monkeypatch.setattr(Trainer, "shapes_step", poisoned)
    with pytest.raises(
        NonFiniteLoss, match=r"'dihedral_penalty' became nan in stage 'shapes' .*\n.*hint"
    ):
        _train(_run(tmp_path / "run", data))
    assert not (tmp_path / "run" / "model.safetensors").exists(), "nothing bad is saved"
    assert not (tmp_path / "run" / "state").exists()


def _failing(change: Callable[[Trainer], None]) -> Callable[[Trainer, float], Losses]:
    """Return a step that changes the model and fails as the rasteriser does."""

    def step(trainer: Trainer, lr_scale: float) -> Losses:
        change(trainer)
        raise ValueError("clip has 12 non-finite values; the first is nan at index (0, 0, 0)")

    return step


@torch.no_grad()
def _scale(trainer: Trainer, factor: float) -> None:
    for weights in trainer.networks.renderer.deformation.parameters():
        weights *= factor


@pytest.mark.parametrize(
    ("factor", "message"),
    [(torch.nan, "the weights 'renderer.*' are"), (1e30, "the vertices decoded from")],
)
def test_a_step_that_fails_on_diverged_weights_says_so(
    factor: float,
    message: str,
    tmp_path: Path,
    data: tuple[PhotoSet, ShapeSet],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Trainer, "shapes_step", _failing(lambda trainer: _scale(trainer, factor)))
    with pytest.raises(
        NonFiniteLoss, match=rf"{message}.* not finite in stage 'shapes' .*\n.*hint"
    ):
        _train(_run(tmp_path / "run", data))
    assert not (tmp_path / "run" / "state").exists()


def test_a_step_that_fails_on_finite_weights_shows_what_it_is(
    tmp_path: Path, data: tuple[PhotoSet, ShapeSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trainer, "shapes_step", _failing(lambda _: None))
    with pytest.raises(ValueError, match="clip has 12 non-finite values"):
        _train(_run(tmp_path / "run", data))


def test_weights_that_diverge_are_told_by_the_step_itself(
    tmp_path: Path, data: tuple[PhotoSet, ShapeSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer.shapes_step

    def diverging(trainer: Trainer, lr_scale: float) -> Losses:
        terms = step(trainer, lr_scale)
        _scale(trainer, torch.nan)
        return terms

    monkeypatch.setattr(Trainer, "shapes_step", diverging)
    with pytest.raises(NonFiniteLoss, match="in stage 'shapes' after 4 images"):
        _train(_run(tmp_path / "run", data))


def test_a_step_that_does_not_fit_into_the_memory_names_the_setting_to_lower(
    tmp_path: Path, data: tuple[PhotoSet, ShapeSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    def greedy(trainer: Trainer, lr_scale: float) -> Losses:
        return {"too large": torch.empty(1 << 50)}

    monkeypatch.setattr(Trainer, "random_step", greedy)
    with pytest.raises(
        OutOfMemory, match=r"'random cycle' with train.batch 4 .*[\s\S]*lower train"
    ):
        _train(_run(tmp_path / "run", data))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_between_two_steps_with_one_state_that_goes_on(
    number: signal.Signals,
    tmp_path: Path,
    data: tuple[PhotoSet, ShapeSet],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    step = Trainer.random_step

    def signalled(trainer: Trainer, lr_scale: float) -> Losses:
        signal.raise_signal(number)
        return step(trainer, lr_scale)

    before = signal.getsignal(number)
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "random_step", signalled)
        with pytest.raises(Stopped):
            _train(_run(tmp_path / "parts", data))
    assert signal.getsignal(number) == before
    assert len(list((tmp_path / "parts" / "state").iterdir())) == 1
    assert [s["seen"] for s in load_state(tmp_path / "parts" / "state")["stages"]] == [12, 4, 0]
    whole = _train(_run(tmp_path / "whole", data))
    parts = _train(_run(tmp_path / "parts", data, resume=True))
    first, second = load_model(whole)[0].state_dict(), load_model(parts)[0].state_dict()
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, atol=0, rtol=0, msg=name)


def test_a_second_signal_does_not_wait_for_the_step(
    tmp_path: Path, data: tuple[PhotoSet, ShapeSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    def signalled(trainer: Trainer, lr_scale: float) -> Losses:
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
        raise AssertionError("the second one stops at once")

    monkeypatch.setattr(Trainer, "shapes_step", signalled)
    with pytest.raises(KeyboardInterrupt) as caught:
        _train(_run(tmp_path / "run", data))
    assert not isinstance(caught.value, Stopped)


def test_a_state_of_other_settings_does_not_resume(
    tmp_path: Path, data: tuple[PhotoSet, ShapeSet]
) -> None:
    few = _settings(total_images=4)
    _train(_run(tmp_path / "run", data, settings=few))
    other = replace(few, model=replace(few.model, shape_code_size=5))
    with pytest.raises(CheckpointError, match=r"cannot resume: the state in .*does not fit"):
        _train(_run(tmp_path / "run", data, settings=other, resume=True))


def test_a_run_by_the_clock_runs_every_stage_to_its_end(
    tmp_path: Path, data: tuple[PhotoSet, ShapeSet]
) -> None:
    _train(_run(tmp_path / "run", data, seconds=1.0))
    last = json.loads((tmp_path / "run/journal.jsonl").read_text().splitlines()[-1])
    assert last["stage"] == "all cycles"
    assert last["progress"] == 1
    stages = load_state(tmp_path / "run" / "state")["stages"]
    assert all(stage["seen"] >= stage["images"] > 0 for stage in stages)
    assert sum(stage["seen"] for stage in stages) == last["images"]


def test_point_clouds_train_beside_meshes(tmp_path: Path, data: tuple[PhotoSet, ShapeSet]) -> None:
    photos, shapes = data
    car = small_car(20)
    cloud = replace(
        car, vertices=car.vertices, faces=car.faces[:0], normals=car.vertices * 0 + [0, 1, 0]
    )
    mixed = replace(shapes, meshes=[*shapes.meshes[:4], cloud, cloud])
    path = _train(_run(tmp_path / "run", (photos, mixed), settings=_settings(total_images=12)))
    assert load_model(path)[1].images >= 12
