"""Models that remember something, without a training: cars to carry, and texels to borrow."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import trimesh
from jaxtyping import Float
from tiny_world import lively_networks, small_car, tiny_settings
from torch import Tensor
from torch.nn import functional as F

from shapecycle.camera import Pose
from shapecycle.config import as_dict
from shapecycle.geometry.boxes import normalise
from shapecycle.graphics_code import GraphicsCode, Surface, Texture
from shapecycle.memory.donors import Donor
from shapecycle.memory.memory import Memory
from shapecycle.memory.source import Source, source_of
from shapecycle.mesh import Mesh
from shapecycle.model import Model
from shapecycle.model_file import MODEL_NAME, Provenance, save_model
from shapecycle.model_networks import Networks


def mesh_of(shape: trimesh.Trimesh) -> Mesh:
    """Return a shape of trimesh's, normalised."""
    return normalise(Mesh(np.asarray(shape.vertices), np.asarray(shape.faces)))[0]


def shape_codes(count: int, seed: int = 0) -> Float[Tensor, "b n"]:
    """Return shape codes that `lively_networks` decodes into different shapes."""
    return torch.randn(count, 8, generator=torch.Generator().manual_seed(seed))


@lru_cache
def remembered_cars(count: int) -> tuple[Source, ...]:
    """Return cars with shape codes, of different numbers of vertices."""
    codes = shape_codes(count)
    found = [source_of(small_car(k), f"car{k}", codes[k]) for k in range(count)]
    return tuple(source for source in found if source is not None)


def smooth_colours(seed: int, side: int) -> Float[Tensor, "3 s s"]:
    """Return an image of colours that change slowly."""
    generator = torch.Generator().manual_seed(seed)
    coarse = 0.2 + 0.6 * torch.rand(1, 3, 4, 4, generator=generator)
    return F.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=True)[0]


def donor_of(name: str, texels: Float[Tensor, "4 s s"]) -> Donor:
    """Return a donor of these texels, of a shape and in a pose of any kind."""
    code = plain_code(torch.zeros(1, 8))
    return Donor(name, replace(code, texture=replace(code.texture, texels=texels[None])))


def whole_donor(seed: int, side: int = 128) -> Donor:
    """Return a donor that shows every texel."""
    seen = torch.ones(1, side, side)
    return donor_of(f"photo{seed}", torch.cat([smooth_colours(seed, side), seen]))


def memory_of(sources: int, donors: int) -> Memory:
    """Return a memory of cars and of whole photographs."""
    cars = remembered_cars(sources) if sources else ()
    return Memory(cars, tuple(whole_donor(k, 32) for k in range(donors)))


def remembering_model(
    sources: int = 3, donors: int = 0, *, networks: Networks | None = None
) -> Model:
    """Return a model that was not trained, with a memory."""
    provenance = Provenance(as_dict(tiny_settings()), 12, ["by hand"])
    networks = networks or lively_networks().eval()
    return Model(networks, provenance, memory_of(sources, donors))


def plain_code(shape: Float[Tensor, "b n"], *, seed: int = 0) -> GraphicsCode:
    """Give shapes textures, a pose seen a little from above, and an even light."""
    count = len(shape)
    generator = torch.Generator().manual_seed(seed)
    light = torch.zeros(count, 9, 3)
    light[:, 0] = 2.5
    return GraphicsCode(
        shape,
        Texture(torch.randn(count, 8, generator=generator)),
        Pose(
            torch.tensor([[0.5, 0.3, 0.0]]).expand(count, 3),
            torch.tensor([[0.0, 0.0, -1.6]]).expand(count, 3),
        ),
        light,
    )


def carried_surface(model: Model, rows: list[int]) -> Surface:
    """Return surfaces carried from the sources of some numbers, no handle moved."""
    prints = [model.memory.sources[row].fingerprint for row in rows]
    return Surface(torch.tensor(prints), torch.zeros(len(rows), len(model.surfaces.handles), 3))


def write_remembering_run(run: Path, sources: int, *, donors: int) -> Path:
    """Write a run folder with a model that remembers some cars, and return it."""
    model = remembering_model(sources, donors=donors)
    run.mkdir()
    save_model(model.networks, run / MODEL_NAME, model.provenance, model.memory)
    return run
