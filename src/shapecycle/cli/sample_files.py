"""What ``render`` and ``generate`` share: options of sampling, and how samples are written."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from shapecycle.cli.drawing import codes_at_once, drawn
from shapecycle.cli.inputs import MAX_SEED, check_range
from shapecycle.cli.output import camera_json
from shapecycle.cli.writer import Writer
from shapecycle.console import say
from shapecycle.data.folders import counted

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    from shapecycle.graphics_code import GraphicsCode
    from shapecycle.mesh import Mesh
    from shapecycle.model import Model
    from shapecycle.parallel import Team


def check_sampling(samples: int, size: int, seed: int) -> None:
    """Raise if an option of a verb that samples is out of its range.

    Raises:
        ConfigError: Naming the option and its range.
    """
    check_range(samples, 1, 100_000, "--samples")
    check_range(size, 16, 4096, "--size")
    check_range(seed, 0, MAX_SEED, "--seed")


def write_samples(
    model: "Model", codes: "GraphicsCode", paths: Sequence[Path], size: int, team: "Team"
) -> None:
    """Write ``<path>.png``, ``<path>.glb`` and ``<path>.json`` for every code.

    Args:
        model: What draws.
        codes: A batch of codes, alike in all processes, which share them out.
        paths: Where each one's files go, without the endings.
        size: Side of the square pictures, in pixels.
        team: The processes.
    """
    at_once = team.size * codes_at_once(model.device.type)
    with Writer[None]() as writer:
        for start in range(0, len(codes), at_once):
            chunk = range(start, min(start + at_once, len(codes)))
            team.each(partial(_draw, model, codes, paths, size, team.share(chunk), writer))
            say(f"  {chunk.stop} of {counted(len(codes), 'pictures')}")
        team.own(writer.finish)


def _draw(
    model: "Model",
    codes: "GraphicsCode",
    paths: Sequence[Path],
    size: int,
    numbers: list[int],
    writer: Writer[None],
) -> None:
    """Draw some codes, and begin to write what was drawn."""
    import torch

    if not numbers:
        return
    chunk = codes[numbers]
    for some, pictures in drawn(model, chunk, [(size, size)] * len(numbers)):
        code = chunk[some]
        meshes, code = model.meshes(code), code.map(torch.Tensor.cpu)
        writer.begin(
            [
                partial(_write, code[i], picture, mesh, paths[numbers[k]], model.networks.fov_y)
                for i, (k, picture, mesh) in enumerate(zip(some, pictures, meshes, strict=True))
            ]
        )


def _write(
    code: "GraphicsCode",
    picture: "Float[np.ndarray, 'h w 4']",
    mesh: "Mesh",
    path: Path,
    fov_y: float,
) -> None:
    import numpy as np
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = (picture * 255).round().astype(np.uint8)
    Image.fromarray(pixels).save(path.with_name(f"{path.name}.png"))
    mesh.save(path.with_name(f"{path.name}.glb"))
    record = {"code": code.to_json(), **camera_json(code.pose, fov_y)}
    path.with_name(f"{path.name}.json").write_text(json.dumps(record, indent=1) + "\n")
