"""What ``render`` and ``generate`` share: options of sampling, and how samples are written."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapecycle.cli.drawing import codes_at_once, drawn
from shapecycle.cli.inputs import MAX_SEED, check_range
from shapecycle.cli.output import camera_json
from shapecycle.cli.writer import Writer

if TYPE_CHECKING:
    import numpy as np
    import torch
    from jaxtyping import Float

    from shapecycle.graphics_code import GraphicsCode
    from shapecycle.memory.canvas import Canvas
    from shapecycle.mesh import Mesh
    from shapecycle.model import Model


def check_sampling(samples: int, size: int, seed: int) -> None:
    """Raise if an option of a verb that samples is out of its range.

    Raises:
        ConfigError: Naming the option and its range.
    """
    check_range(samples, 1, 100_000, "--samples")
    check_range(size, 16, 4096, "--size")
    check_range(seed, 0, MAX_SEED, "--seed")


def generator_of(seed: int, *numbers: int) -> "torch.Generator":
    """Return the generator of one sample: which others are made, and where, plays no part."""
    import numpy as np
    import torch

    state = np.random.SeedSequence([seed, *numbers]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state) >> 1)


@dataclass(frozen=True, eq=False)
class Sample:
    """One code that is to be drawn and written.

    Attributes:
        code: A batch of one.
        path: Where its files go, without the endings.
        canvas: The given shape that it colours, if it does.
        background: What stands behind it, in sRGB; None for nothing.
    """

    code: "GraphicsCode"
    path: Path
    canvas: "Canvas | None" = None
    background: "Float[np.ndarray, 'h w 3'] | None" = None


def write_samples(
    model: "Model",
    samples: Sequence[Sample],
    size: int,
    writer: Writer[None],
    *,
    turntable: int = 0,
    shadow: bool = False,
) -> None:
    """Draw samples, and begin to write ``<path>.png``, ``<path>.glb`` and ``<path>.json`` for each.

    Args:
        model: What draws.
        samples: Those of one resolution of texels.
        size: Side of the square pictures, in pixels.
        writer: What writes.
        turntable: Views of an animation, ``<path>.gif``; 0 for none.
        shadow: Whether shadows fall on the ground.
    """
    import torch

    from shapecycle.graphics_code import GraphicsCode
    from shapecycle.turntable import turned

    at_once = codes_at_once(model.device.type)
    for start in range(0, len(samples), at_once):
        chunk = samples[start : start + at_once]
        codes = GraphicsCode.stack([one.code for one in chunk])
        for some, pictures in drawn(model, codes, [(size, size)] * len(chunk), shadow=shadow):
            meshes = model.meshes(codes[some])
            jobs = []
            for k, picture, mesh in zip(some, pictures, meshes, strict=True):
                one, fov_y = chunk[k], model.networks.fov_y
                one = replace(one, code=one.code.map(torch.Tensor.cpu))
                frames = turned(model, one.code, size, turntable, shadow) if turntable else []
                jobs.append(partial(_write, one, picture, mesh, frames, fov_y))
            writer.begin(jobs)


def _write(
    sample: Sample,
    picture: "Float[np.ndarray, 'h w 4']",
    mesh: "Mesh",
    frames: "Sequence[Float[np.ndarray, 'h w 4']]",
    fov_y: float,
) -> None:
    from PIL import Image

    from shapecycle.code_to_image.compositing import pixels_over
    from shapecycle.turntable import save_animation

    code, path = sample.code, sample.path
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels_over(picture, sample.background)).save(
        path.with_name(f"{path.name}.png")
    )
    if frames:
        save_animation(path.with_name(f"{path.name}.gif"), frames, sample.background)
    record: dict[str, Any] = {"code": code.to_json(), **camera_json(code.pose, fov_y)}
    if sample.canvas is not None:
        assert mesh.texture is not None
        mesh = sample.canvas.textured(mesh.texture)
        record["object_from_mesh"] = sample.canvas.object_from_mesh.tolist()
    mesh.save(path.with_name(f"{path.name}.glb"))
    path.with_name(f"{path.name}.json").write_text(json.dumps(record, indent=1) + "\n")
