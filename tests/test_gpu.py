"""What the pretended GPU cannot show: kernels, rounding and files on a real one."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_world import FOV_Y, few_samples, shapecycle, small_car, tiny_trainer, train_command
from torch import Tensor

import shapecycle as package
from shapecycle import rasterize as rz
from shapecycle.camera import View
from shapecycle.code_to_image.template import octasphere
from shapecycle.graphics_code import GraphicsCode
from shapecycle.model import Model
from shapecycle.model_file import save_model
from shapecycle.rasterize.backend import Backend, choose, warp_obstacle
from shapecycle.train.checkpoint import load_state, save_state
from shapecycle.train.step_graphs import WARM_UP
from shapecycle.train.steps import Trainer

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no NVIDIA GPU"),
]
needs_warp = pytest.mark.skipif(
    importlib.util.find_spec("warp") is None, reason="Warp is not installed"
)

DEVICE = "cuda"
STAGES = ("shapes", "random cycle", "all cycles")
SAME = 0.02
"""Mean difference of pictures from two devices: half precision moves outlines a little."""


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with few_samples():
        yield


# The rasteriser


@needs_warp
def test_warp_draws_on_a_gpu() -> None:
    assert choose("auto", torch.device(DEVICE), torch.float32) == "warp"


def _scene() -> tuple[Tensor, rz.Topology, View]:
    """Return three bumpy balls in camera space, parts of which hide each other."""
    template = octasphere(12)
    x, y, z = template.vertices.unbind(1)
    bumps = 0.4 + 0.12 * (4 * x + 1).sin() * (5 * y).sin() + 0.07 * (6 * z + x).sin()
    ball = template.vertices * bumps[:, None]
    scales = torch.tensor([[0.6, 1.0, 1.3], [1.0, 0.8, 0.7], [1.2, 1.2, 0.4]])[:, None]
    vertices = ball * scales - torch.tensor([0.0, 0.0, 1.7])
    window = torch.tensor([[0.0, 0.0, 1.0]]).expand(3, 3)
    return (
        vertices.to(DEVICE),
        rz.Topology.from_faces(template.faces).to(DEVICE),
        View(window.to(DEVICE), (61, 84), FOV_Y),
    )


def _drawn(backend: Backend) -> tuple[rz.Visibility, dict[str, Tensor], dict[str, Tensor]]:
    """Draw everything the rasteriser can, and return it with the gradients of its inputs."""
    base, topology, view = _scene()
    template = octasphere(12)
    uv, uv_faces = template.uv[None].to(DEVICE), template.uv_faces.to(DEVICE)
    source = torch.Generator().manual_seed(0)
    inputs = {
        "vertices": base.clone(),
        "values": torch.cat([base.sin(), base.cos()], 2),
        "albedo": torch.rand(3, 3, 32, 32, generator=source).to(DEVICE),
        "light": (0.3 * torch.randn(3, 9, 3, generator=source)).to(DEVICE),
    }
    inputs["light"][:, 0] = 2.5
    inputs = {name: value.requires_grad_() for name, value in inputs.items()}
    clip = view.clip(inputs["vertices"])
    seen = rz.rasterize(clip, topology, view.size, backend=backend)
    normals = rz.vertex_normals(inputs["vertices"], topology, backend=backend)
    spread = rz.interpolate(inputs["values"], clip, topology, seen, backend=backend)
    lit = rz.shade_textured(
        inputs["albedo"], uv, normals, inputs["light"], clip, topology, seen,
        uv_faces=uv_faces, backend=backend,
    )  # fmt: skip
    drawn = {
        "normals": normals,
        "spread": rz.antialias(spread, clip, topology, seen, backend=backend),
        "lit": rz.antialias(lit, clip, topology, seen, backend=backend),
    }
    weigh = torch.Generator().manual_seed(1)
    loss = sum(
        (torch.rand(value.shape, generator=weigh).to(DEVICE) * value).sum()
        for value in drawn.values()
    )
    gradients = torch.autograd.grad(loss, list(inputs.values()))
    return seen, drawn, dict(zip(inputs, gradients, strict=True))


@needs_warp
def test_kernels_and_reference_draw_the_same_there_with_the_same_gradients() -> None:
    seen, drawn, gradients = _drawn("torch")
    fast_seen, fast_drawn, fast_gradients = _drawn("warp")
    assert torch.equal(fast_seen.face_id, seen.face_id)
    torch.testing.assert_close(fast_seen.depth, seen.depth, atol=2e-6, rtol=0)
    for name, value in drawn.items():
        torch.testing.assert_close(fast_drawn[name], value, atol=2e-6, rtol=2e-6, msg=name)
    for name, gradient in gradients.items():
        # Additions are in no order there.
        atol = 1e-5 * float(gradient.abs().max())
        torch.testing.assert_close(
            fast_gradients[name], gradient, atol=atol, rtol=1e-4, msg=f"gradient of {name}"
        )


@needs_warp
@pytest.mark.skipif(
    warp_obstacle(torch.device("cpu")) is not None, reason="Warp does not draw on the processor"
)
def test_the_kernels_draw_there_what_they_draw_on_the_processor() -> None:
    base, topology, view = _scene()
    there = rz.rasterize(view.clip(base), topology, view.size, backend="warp")
    here = rz.rasterize(view.clip(base).cpu(), topology.to("cpu"), view.size, backend="warp")
    assert (there.face_id.cpu() != here.face_id).float().mean() < 1e-3, "but for rounding"


# Training


def test_every_stage_trains_there_and_goes_on_from_a_file(world: Path, tmp_path: Path) -> None:
    trainer = tiny_trainer(world, DEVICE)
    for name in STAGES:
        for _ in range(3):
            losses = trainer.stage(name)(1.0)
            assert {loss.device.type for loss in losses.values()} == {DEVICE}
            assert all(loss.isfinite() for loss in losses.values()), name
    trainer.fit_priors()
    save_state(tmp_path, trainer.state(), 1)
    again = tiny_trainer(world, DEVICE)
    again.load_state(load_state(tmp_path))
    for name in STAGES:
        first, second = trainer.stage(name)(1.0), again.stage(name)(1.0)
        for key, loss in first.items():
            torch.testing.assert_close(second[key], loss, atol=0.02, rtol=0.05, msg=key)


def test_recorded_steps_learn_what_steps_launched_one_by_one_learn(world: Path) -> None:
    plain, recorded = (tiny_trainer(world, DEVICE) for _ in range(2))
    assert recorded.graphs.is_on
    plain.graphs.is_on = False
    for name in STAGES:
        for one in (plain, recorded):
            one.prepare(name, 0.0)
        for k in range(2 * WARM_UP + 4):
            wanted, found = (one.stage(name)(0.9**k) for one in (plain, recorded))
            assert set(found) == set(wanted)
            for key, loss in wanted.items():
                torch.testing.assert_close(found[key], loss, atol=2e-3, rtol=5e-3, msg=f"{k} {key}")
            # Rounding, which is another one each time, must not add up; and nothing is replaced.
            for kept, value in zip(_learnt(recorded), _learnt(plain), strict=True):
                kept.copy_(value)
    assert recorded.graphs.obstacle is None
    assert recorded.graphs.is_on


def _learnt(trainer: Trainer) -> list[Tensor]:
    """List all tensors that steps change, in their places."""
    parts = [trainer.networks, *trainer.critics.networks.values()]
    seen = trainer.scenes.pose_light_buffer
    averages = [
        value
        for optimizer in trainer.optimizers().values()
        for state in optimizer.adam.state.values()
        for value in state.values()
    ]
    weights = [value for part in parts for value in part.state_dict().values()]
    return [*weights, *averages, seen.poses, seen.lights]


def test_a_step_is_alike_on_both_devices(world: Path) -> None:
    here, there = (tiny_trainer(world, device).stage("shapes")(1.0) for device in ("cpu", DEVICE))
    for name in ("dihedral_penalty", "edge_length_variation"):
        torch.testing.assert_close(there[name].cpu(), here[name], atol=0.02, rtol=0.05, msg=name)


def test_a_whole_training_runs_there(world: Path, tmp_path: Path) -> None:
    command = train_command(world, tmp_path / "run", "--total-images", 48, "--device", DEVICE)
    outcome = shapecycle(*command)
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "run" / "model.safetensors").is_file()


# Models


@pytest.fixture(scope="module")
def models(run: Path) -> tuple[Model, Model]:
    """One model file, loaded on the processor and on the GPU."""
    return package.load(run, device="cpu"), package.load(run, device=DEVICE)


def test_a_file_of_the_processor_draws_there_and_back_the_same_pictures(
    models: tuple[Model, Model], tmp_path: Path
) -> None:
    here, there = models
    generator = torch.Generator().manual_seed(0)
    code = here.sample_appearance(here.sample_shape(4, generator), generator)
    picture = here.draw(code, 64)
    assert np.abs(there.draw(code, 64) - picture).mean() < SAME
    save_model(there.networks, tmp_path / "model.safetensors", there.provenance)
    back = package.load(tmp_path, device="cpu")
    for name, value in here.networks.state_dict().items():
        torch.testing.assert_close(back.networks.state_dict()[name], value, atol=0, rtol=0)
    np.testing.assert_array_equal(back.draw(code, 64), picture)
    meshes = [model.mesh(code[:1]) for model in models]
    np.testing.assert_allclose(meshes[1].vertices, meshes[0].vertices, atol=1e-4)


def test_pictures_and_shapes_are_seen_alike_there(models: tuple[Model, Model], world: Path) -> None:
    paths = sorted((world / "images").iterdir())[:3]
    here, there = (model.see_all(paths, refine_steps=4) for model in models)
    for expected, found in zip(here, there, strict=True):
        assert found.code.shape.device.type == DEVICE
        code: GraphicsCode = found.code.map(lambda value: value.cpu())
        torch.testing.assert_close(code.shape, expected.code.shape, atol=0.1, rtol=0)
        drawn = [models[0].draw(one, 64) for one in (expected.code, code)]
        assert np.abs(drawn[0] - drawn[1]).mean() < 2 * SAME
    shapes = [model.read(small_car(0)).cpu() for model in models]
    torch.testing.assert_close(shapes[1], shapes[0], atol=0.1, rtol=0)
