"""A world small enough for tests: cars of a few hundred faces and pictures of other cars."""

import io
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from math import radians
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from shapecycle import rasterize as rz
from shapecycle.camera import Pose, View
from shapecycle.code_to_image.raw_mesh import draw_raw
from shapecycle.config import ModelSettings, SceneSettings, Settings, merged
from shapecycle.data import shape_sampler
from shapecycle.data.photo_set import load_photos
from shapecycle.data.shapes import load_shape_folder
from shapecycle.data.simplify import simplify
from shapecycle.demo.cars import car_mesh, sample_car, write_ply
from shapecycle.geometry.boxes import normalise
from shapecycle.mesh import Mesh
from shapecycle.model import Model  # noqa: F401  takes its constants before any is patched
from shapecycle.model_networks import Networks
from shapecycle.priors.light import sample_light
from shapecycle.priors.pose import sample_pose
from shapecycle.priors.solid_texture import SolidTexture
from shapecycle.train import remember
from shapecycle.train import steps as train_steps
from shapecycle.train.steps import Trainer

FOV_Y = radians(50)
TINY: dict[str, dict[str, Any]] = {
    "model": {
        "image_size": 32,
        "fov_y_degrees": 50.0,
        "subdivisions": 4,
        "shape_code_size": 8,
        "texture_code_size": 8,
        "texture_resolution": 32,
        "shape_width": 16,
        "image_width": 8,
        "image_features": 16,
        "texture_width": 8,
        "critic_width": 4,
    },
    "scenes": {"photographed_shapes": 4},
    "train": {"batch": 4},
    "memory": {"sources": 3, "donors": 4},
}


def tiny_settings(**train: Any) -> Settings:
    """Return settings of networks that train a step in a hundredth of a second or so."""
    changes = TINY | {"train": TINY["train"] | train}
    settings: Settings = merged(Settings(), changes, source="test")
    return settings


def tiny_model() -> ModelSettings:
    """Return the model part of `tiny_settings`."""
    return tiny_settings().model


def lively_networks() -> Networks:
    """Return untrained networks, but for a decoder whose codes move vertices visibly."""
    torch.manual_seed(0)
    networks = Networks(tiny_model())
    with torch.no_grad():
        networks.renderer.deformation.coefficients.weight.mul_(40)
    return networks


def small_car(seed: int) -> Mesh:
    """Return a normalised car of about 300 faces."""
    return normalise(simplify(car_mesh(sample_car(seed)), 300))[0]


def pictures_of(
    meshes: Sequence[Mesh], pose: Pose, generator: torch.Generator, size: tuple[int, int]
) -> np.ndarray:
    """Draw meshes in random colours and lights: (b h w 4), 8 bits."""
    count, longest = len(meshes), max(len(mesh.vertices) for mesh in meshes)
    vertices = torch.stack(
        [
            torch.cat([v, v[:1].expand(longest - len(v), 3)])
            for v in (torch.from_numpy(mesh.vertices) for mesh in meshes)
        ]
    )
    topology = rz.Topology.stack([mesh.faces for mesh in meshes])
    view = View(torch.tensor([[0.0, 0.0, 1.0]]).expand(count, 3), size, FOV_Y)
    solid = SolidTexture.sample(count, generator)
    drawn = draw_raw(vertices, topology, solid, pose, sample_light(count, generator), view)
    pixels: np.ndarray = (drawn.permute(0, 2, 3, 1) * 255).round().byte().numpy()
    return pixels


def write_world(folder: Path, *, pictures: int = 12, shapes: int = 8) -> None:
    """Write ``images/``, ``shapes/``, a truth for both in ``cameras.json``, and ``tiny.yaml``.

    Pictures are 48 pixels high, the last one 72 wide; they show the cars ``shapes/`` holds.
    """
    (folder / "shapes").mkdir(parents=True)
    (folder / "images").mkdir()
    cars = [small_car(seed) for seed in range(shapes)]
    for seed, car in enumerate(cars):
        write_ply(folder / "shapes" / f"car{seed}.ply", car)
    generator = torch.Generator().manual_seed(0)
    pose = sample_pose(pictures, SceneSettings(), generator, torch.device("cpu"))
    views = {}
    for k, matrix in enumerate(pose.camera_from_object().tolist()):
        one = Pose(pose.angles[k : k + 1], pose.translation[k : k + 1])
        size = (48, 72 if k == pictures - 1 else 48)
        pixels = pictures_of([cars[k % shapes]], one, generator, size)[0]
        name = f"car{k % shapes}_{k:02d}"
        Image.fromarray(pixels).save(folder / "images" / f"{name}.png")
        views[name] = {"camera_from_object": matrix}
    (folder / "cameras.json").write_text(json.dumps({"views": views}))
    (folder / "tiny.yaml").write_text(json.dumps(TINY))


@contextmanager
def few_samples() -> Iterator[None]:
    """Keep few points of every training shape, few pixels of photographs, fit shapes coarsely."""
    kept, side, steps = shape_sampler.SAMPLES_KEPT, remember.COARSE, train_steps.TEMPLATE_STEPS
    shape_sampler.SAMPLES_KEPT, remember.COARSE, train_steps.TEMPLATE_STEPS = 1200, 16, 0
    try:
        yield
    finally:
        shape_sampler.SAMPLES_KEPT, remember.COARSE = kept, side
        train_steps.TEMPLATE_STEPS = steps


def tiny_trainer(world: Path, device: str) -> Trainer:
    """Return a trainer on a tiny world that does every second step what is done now and then."""
    settings = tiny_settings(autoencoder_every=2, r1_every=2, pose_light_buffer=4)
    photos = load_photos(world / "images", size=settings.model.image_size)
    meshes = load_shape_folder(world / "shapes").meshes[:3]
    generator = torch.Generator(device=device).manual_seed(3)
    shapes = shape_sampler.ShapeSampler.of(meshes, generator=generator, device=device)
    return Trainer(settings, photos, shapes, seed=3, device=device)


@dataclass(frozen=True)
class Outcome:
    """What a command did: its exit code and what it printed."""

    code: int
    out: str
    err: str


def shapecycle(*arguments: object) -> Outcome:
    """Run the real command line in this process."""
    from shapecycle.__main__ import main

    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["shapecycle", *map(str, arguments)]
    code = 0
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    finally:
        sys.argv = before
    return Outcome(code, out.getvalue(), err.getvalue())


def train_command(world: Path, out: Path, *more: object) -> list[object]:
    """Return the arguments of a training on a tiny world."""
    return [
        "train", "--images", world / "images", "--shapes", world / "shapes", "--out", out,
        "--config", world / "tiny.yaml", "--device", "cpu", *more,
    ]  # fmt: skip
