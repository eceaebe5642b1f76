"""Tensors of two devices do not meet: everything runs on a pretended GPU."""

import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from PIL import Image
from pretend_device import Pretended, pretended_gpu
from tiny_world import (
    few_samples,
    shapecycle,
    small_car,
    tiny_model,
    tiny_settings,
    tiny_trainer,
    train_command,
)
from torch import Tensor

import shapecycle as package
from shapecycle.graphics_code import GraphicsCode
from shapecycle.losses import Losses
from shapecycle.model import Model
from shapecycle.model_networks import Networks
from shapecycle.train import benchmark
from shapecycle.train.checkpoint import load_state, save_state
from shapecycle.train.step_graphs import WARM_UP, StepGraphs
from shapecycle.train.steps import Trainer

T = TypeVar("T")

GPU = torch.device("cuda", 0)
STAGES = ("shapes", "random cycle", "all cycles")
STEPS = 3
"""Of every stage: what a tiny trainer does every second step comes round."""


@pytest.fixture(scope="module", autouse=True)
def gpu(world: Path) -> Iterator[Pretended]:
    """Pretend for the whole module, after the world was made on the processor."""
    with few_samples(), pretended_gpu() as seen:
        yield seen


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _tensors(part)


@dataclass
class Trained:
    """A trainer after some steps of every stage.

    Attributes:
        losses: Of every step, by stage.
        synchronisations: How often the host waited in the last step, by stage and line.
        uploads: What was copied to the GPU in it, likewise.
    """

    trainer: Trainer
    losses: dict[str, list[Losses]]
    synchronisations: dict[str, dict[str, int]]
    uploads: dict[str, dict[str, int]]


@pytest.fixture(scope="module")
def trained(world: Path, gpu: Pretended) -> Trained:
    trained = Trained(tiny_trainer(world, "cuda"), {}, {}, {})
    for name in STAGES:
        trained.trainer.prepare(name, 0.0)
        step = trained.trainer.stage(name)
        trained.losses[name] = []
        for _ in range(STEPS):
            gpu.synchronisations.clear()
            gpu.uploads.clear()
            trained.losses[name].append(step(1.0))
        trained.synchronisations[name] = dict(gpu.synchronisations)
        trained.uploads[name] = dict(gpu.uploads)
    return trained


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_trains_there(trained: Trained, name: str) -> None:
    for losses in trained.losses[name]:
        assert {loss.device for loss in losses.values()} == {GPU}
        assert all(loss.isfinite() for loss in losses.values())
    assert trained.losses["shapes"][0]["shape_distance"] != 0


def test_what_learns_stays_there(trained: Trained) -> None:
    trainer = trained.trainer
    state = trainer.state()
    parts = ("networks", "ema", "critics", "pose_light_buffer")
    assert {tensor.device for part in parts for tensor in _tensors(state[part])} == {GPU}
    for optimizer in (trainer.geometry, trainer.appearance, trainer.poses):
        moments = [state["exp_avg"] for state in optimizer.adam.state.values()]
        assert moments
        assert {moment.device for moment in moments} == {GPU}


def test_a_step_waits_for_the_gpu_only_where_it_has_to(trained: Trained) -> None:
    # Positions are checked before they are drawn, and an optimal assignment is found by SciPy.
    assert _files(trained.synchronisations) <= {"rasterize/checks.py", "priors/pose.py"}
    waits = trained.synchronisations["all cycles"]
    assert sum(count for line, count in waits.items() if "/torch_backend/" not in line) <= 17


def test_a_step_copies_nothing_to_the_gpu_but_the_optimal_assignment(trained: Trained) -> None:
    assert _files(trained.uploads) <= {"priors/pose.py"}


class Repeated(StepGraphs):
    """Carries out parts of steps as usual, and checks that a recording would have done."""

    def __init__(self, gpu: Pretended) -> None:
        self.gpu, self.obstacle, self.is_on = gpu, None, False
        self.calls: Counter[Hashable] = Counter()
        self.recorded: dict[Hashable, list[str]] = {}

    def run(self, name: Hashable, part: Callable[[], T]) -> T:
        self.calls[name] += 1
        if self.calls[name] <= WARM_UP:
            return part()
        self.gpu.synchronisations.clear()
        self.gpu.uploads.clear()
        done: list[str] = []
        self.gpu.operations = done
        try:
            result = part()
        finally:
            self.gpu.operations = None
        for found in (self.gpu.synchronisations, self.gpu.uploads):
            lines = {line for line in found if "/torch_backend/" not in line}
            assert not lines, f"{name} would wait for the processor: {lines}"
        done = [line for line in done if "/torch_backend/" not in line]
        first = self.recorded.setdefault(name, done)
        assert len(done) == len(first), name
        for now, before in zip(done, first, strict=True):
            assert now == before, f"{name} is another one each time"
        return result


def test_what_is_recorded_is_the_same_in_every_step_and_waits_for_nothing(
    world: Path, gpu: Pretended
) -> None:
    trainer = tiny_trainer(world, "cuda")
    trainer.graphs = Repeated(gpu)
    for name in STAGES:
        for k in range(2 * WARM_UP + 6):
            trainer.stage(name)(0.9**k)
    assert set(trainer.graphs.recorded) == {
        ("shapes", 4), ("shapes", 2), ("random cycle", False), ("random cycle", True),
        "photographs",
        ("all cycles", True, None), ("all cycles", False, None),
    }  # fmt: skip


def _files(found: dict[str, dict[str, int]]) -> set[str]:
    """Name the files of all stages; the reference rasteriser does not draw on a real GPU."""
    lines = {line for lines in found.values() for line in lines if "/torch_backend/" not in line}
    return {line.partition(":")[0] for line in lines}


def test_a_training_goes_on_there_from_a_file(
    trained: Trained, world: Path, tmp_path: Path
) -> None:
    trained.trainer.fit_priors()
    save_state(tmp_path, trained.trainer.state(), 1)
    again = tiny_trainer(world, "cuda")
    again.load_state(load_state(tmp_path))
    for name in STAGES:
        first, second = trained.trainer.stage(name)(1.0), again.stage(name)(1.0)
        assert {loss.device for loss in second.values()} == {GPU}
        for key, loss in first.items():
            torch.testing.assert_close(second[key].cpu(), loss.cpu(), msg=key)
    again.fit_priors()
    with again.ema.applied():
        assert {value.device for value in again.networks.state_dict().values()} == {GPU}


def test_the_cost_of_a_training_is_measured_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "STAGE_STEPS", 1)
    cost = benchmark.benchmark(tiny_settings(), list(STAGES), "cuda")
    assert min(cost.images_per_second.values()) > 0


# The command line


@pytest.fixture(scope="module")
def run(world: Path, gpu: Pretended, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a training on the GPU, which was read again when it was done."""
    run = tmp_path_factory.mktemp("gpu") / "run"
    command = train_command(world, run, "--total-images", 24, "--device", "cuda")
    gpu.uploads.clear()
    outcome = shapecycle(*command)
    assert outcome.code == 0, outcome.err
    assert gpu.uploads, "it was there"
    outcome = shapecycle(*command, "--resume")
    assert outcome.code == 0, outcome.err
    return run


def test_a_whole_training_runs_there(run: Path) -> None:
    lines = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    assert lines[-1]["stage"] == "all cycles"
    assert {"image_cycle_colour", "pose_transport"} <= set(lines[-1]["losses"])
    assert list((run / "panels").glob("*.png"))
    weights = package.load(run).networks.state_dict()
    assert {value.device.type for value in weights.values()} == {"cpu"}, "the file has no device"


def test_pictures_are_reconstructed_and_scored_there(
    run: Path, world: Path, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for path in (min((world / "images").iterdir()), max((world / "images").iterdir())):
        (images / path.name).write_bytes(path.read_bytes())
    command = ["evaluate", run, "--images", images, "--shapes", world / "shapes", "--refine-steps",
               2, "--cameras", world / "cameras.json", "--out", tmp_path / "m.json",
               "--keep", tmp_path / "kept", "--device", "cuda"]  # fmt: skip
    outcome = shapecycle(*command)
    assert outcome.code == 0, outcome.err
    assert len(json.loads((tmp_path / "m.json").read_text())["pictures"]) == 2
    assert len(list((tmp_path / "kept").glob("*/render.png"))) == 2


@pytest.mark.parametrize("verb", ["reconstruct", "render", "generate"])
def test_verbs_give_there_what_they_give_on_the_processor(
    verb: str, run: Path, world: Path, tmp_path: Path
) -> None:
    commands: dict[str, list[object]] = {
        "reconstruct": [min((world / "images").iterdir()), "--refine-steps", 1],
        "render": [min((world / "shapes").iterdir()), "--samples", 1, "--size", 32],
        "generate": ["--samples", 1, "--size", 32],
    }
    pictures = []
    for device in ("cpu", "cuda"):
        out = tmp_path / device
        outcome = shapecycle(verb, run, *commands[verb], "--out", out, "--device", device)
        assert outcome.code == 0, outcome.err
        (path,) = out.rglob("*.png")
        pictures.append(np.asarray(Image.open(path), dtype=np.float32) / 255)
    # Half precision there or here moves an outline by less than a pixel.
    assert np.abs(pictures[0] - pictures[1]).mean() < 0.05


# In Python


@pytest.fixture(scope="module")
def model(run: Path, gpu: Pretended) -> Model:
    return package.load(run, device="cuda")


@pytest.fixture(scope="module")
def code(model: Model) -> GraphicsCode:
    generator = torch.Generator().manual_seed(0)
    return model.sample_appearance(model.sample_shape(2, generator), generator)


def test_a_model_samples_draws_and_meshes_there(model: Model, code: GraphicsCode) -> None:
    assert model.device == GPU
    parts = (code.shape, code.texture.code, code.pose.angles, code.pose.translation, code.light)
    assert {part.device for part in parts} == {GPU}
    for framed in (False, True):
        picture = model.draw(code, 24, framed=framed)
        assert picture.shape == (2, 24, 24, 4)
    mesh = model.mesh(code[:1])
    assert np.isfinite(mesh.vertices).all()
    message = json.loads(json.dumps(code[:1].to_json()))
    again = model.draw(GraphicsCode.from_json(message), 24)
    # Texels are kept in 8 bits.
    np.testing.assert_allclose(again, model.draw(code[:1], 24), atol=0.005)


def test_a_model_sees_pictures_there_and_draws_what_it_saw(model: Model, world: Path) -> None:
    paths = sorted((world / "images").iterdir())[:2]
    array = torch.from_numpy(np.asarray(Image.open(paths[0]), dtype=np.float32) / 255)
    seen = model.see_all([*paths, array.numpy(), array, array.to("cuda")], refine_steps=2)
    assert {one.code.shape.device for one in seen} == {GPU}
    assert model.see(paths[0], refine_steps=0).hypotheses[0].pose.angles.device == GPU
    assert model.draw(seen[0].code, seen[0].size).shape == (1, 48, 48, 4)
    assert model.mesh(seen[0].code).texture is not None


def test_a_model_reads_shapes_there(model: Model, world: Path) -> None:
    for shape in (small_car(0), min((world / "shapes").iterdir())):
        assert model.read(shape).device == GPU


def test_codes_go_between_models_of_two_devices(model: Model, run: Path) -> None:
    other = package.load(run)
    shape = other.read(small_car(0))
    generator = torch.Generator().manual_seed(0)
    code = other.sample_appearance(shape, generator)
    there, here = model.draw(code, 24), other.draw(code, 24)
    assert np.abs(there - here).mean() < 0.05


def test_the_templates_faces_follow_the_networks() -> None:
    renderer = Networks(tiny_model()).renderer
    assert renderer.topology.device == torch.device("cpu")
    renderer.surface(torch.zeros(1, len(renderer.deformation.template.vertices), 3), 4)
    assert renderer.to("cuda").topology.device == GPU
    vertices = renderer.vertices(torch.zeros(1, tiny_model().shape_code_size, device="cuda"))
    assert {part.device for part in renderer.surface(vertices, 4)} == {GPU}
    assert renderer.to("cpu").topology.device == torch.device("cpu")


def test_doctor_names_the_gpu() -> None:
    outcome = shapecycle("doctor")
    assert outcome.code == 0, outcome.err
    assert "NVIDIA Pretended" in outcome.out
