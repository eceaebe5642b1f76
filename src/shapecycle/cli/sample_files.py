"""What ``render`` and ``generate`` share: options of sampling, and how samples are written."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from shapecycle.cli.inputs import MAX_SEED, check_range
from shapecycle.cli.output import camera_json

if TYPE_CHECKING:
    from shapecycle.graphics_code import GraphicsCode
    from shapecycle.model import Model


def check_sampling(samples: int, size: int, seed: int) -> None:
    """Raise if an option of a verb that samples is out of its range.

    Raises:
        ConfigError: Naming the option and its range.
    """
    check_range(samples, 1, 100_000, "--samples")
    check_range(size, 16, 4096, "--size")
    check_range(seed, 0, MAX_SEED, "--seed")


def write_samples(model: "Model", codes: "GraphicsCode", folder: Path, size: int) -> None:
    """Write ``<k>.png``, ``<k>.glb`` and ``<k>.json`` for every code."""
    import numpy as np
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for k in range(len(codes)):
        code = codes[k]
        picture = model.draw(code, size)[0]
        Image.fromarray((picture * 255).round().astype(np.uint8)).save(folder / f"{k}.png")
        model.mesh(code).save(folder / f"{k}.glb")
        record = {"code": code.to_json(), **camera_json(code.pose, model.networks.fov_y)}
        (folder / f"{k}.json").write_text(json.dumps(record, indent=1) + "\n")
