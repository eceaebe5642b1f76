"""``shapecycle render`` and ``shapecycle generate``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shapecycle.cli.commands import Generate, Render
from shapecycle.cli.inputs import LARGEST_SEED, chosen_device, files_of, refuse_bad, within
from shapecycle.cli.output import camera_json, new_folder, say
from shapecycle.errors import ShapecycleError

if TYPE_CHECKING:
    from shapecycle.graphics_code import GraphicsCode
    from shapecycle.model import Model


def render(command: Render) -> None:
    """Draw every shape several times, or none if one file is bad."""
    import torch

    from shapecycle.data.mesh_files import SUFFIXES, load_mesh
    from shapecycle.model import load

    _check(command)
    files = files_of(command.shapes, tuple(SUFFIXES), "shapes")
    with new_folder(command.out) as out:
        model = load(command.model, device=chosen_device(command.device))
        codes, bad = {}, []
        for path in files:
            try:
                codes[path.stem] = model.read(load_mesh(path))
            except ShapecycleError as error:
                bad.append(error)
        refuse_bad(bad, len(files), skip_bad=command.skip_bad, kind="shapes")
        generator = torch.Generator().manual_seed(command.seed)
        for stem, shape in codes.items():
            dressed = model.dress(shape.expand(command.samples, -1), generator)
            write_samples(model, dressed, out / stem, command.size)
            say(f"  {stem}")
    say(f"{len(codes)} shapes, {command.samples} pictures of each, are in")
    print(command.out)


def generate(command: Generate) -> None:
    """Make new objects."""
    import torch

    from shapecycle.model import load

    _check(command)
    with new_folder(command.out) as out:
        model = load(command.model, device=chosen_device(command.device))
        generator = torch.Generator().manual_seed(command.seed)
        shape = model.sample_shape(command.samples, generator)
        write_samples(model, model.dress(shape, generator), out, command.size)
    say(f"{command.samples} new objects are in")
    print(command.out)


def _check(command: Render | Generate) -> None:
    within(command.samples, 1, 100_000, "--samples")
    within(command.size, 16, 4096, "--size")
    within(command.seed, 0, LARGEST_SEED, "--seed")


def write_samples(model: "Model", codes: "GraphicsCode", folder: Path, size: int) -> None:
    """Write ``<k>.png``, ``<k>.glb`` and ``<k>.json`` for every code."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for k in range(len(codes)):
        code = codes[k]
        picture = model.draw(code, size)[0]
        Image.fromarray((picture * 255).round().astype(np.uint8)).save(folder / f"{k}.png")
        model.mesh(code).save(folder / f"{k}.glb")
        told = {"code": code.to_json(), **camera_json(code.pose, model.translator.fov_y)}
        (folder / f"{k}.json").write_text(json.dumps(told, indent=1) + "\n")
