"""``shapecycle evaluate-drawings``."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from shapecycle.cli.output import write_new_file
from shapecycle.console import say
from shapecycle.data.folders import counted
from shapecycle.errors import CheckpointError, DataError, MissingExtra

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float

    from shapecycle.evaluate.distributions import PictureSet
    from shapecycle.evaluate.efficientnet_lite0 import EfficientNetLite0

SIDE = 128
"""Pixels along a side of what is compared: objects cropped to their masks, on white."""
MARGIN = 0.1
FEWEST = 20


@dataclass(frozen=True)
class EvaluateDrawings:
    """Compare drawings with photographs, as distributions; nothing is downloaded.

    Example: shapecycle evaluate-drawings drawings --photographs val/images --out scores.json
    """

    drawings: Positional[Path]
    """Folder of drawings with alpha, or what render and generate wrote."""
    photographs: Path
    """Folder of photographs that were not trained on, named OBJECT_VIEW.png."""
    out: Path
    """JSON file to create."""
    training: Path | None = None
    """Folder of the photographs trained on: the floor, and what may have been copied."""

    def run(self) -> None:
        """Print and write how far the drawings are from the photographs."""
        if self.out.exists():
            raise CheckpointError(f"{self.out} is there already", "name a new file")
        network = _network()
        sets = {"drawings": self.drawings, "photographs": self.photographs}
        if self.training is not None:
            sets["training"] = self.training
        pixels, objects = {}, {}
        for name, folder in sets.items():
            say(f"reading {folder} ...")
            pixels[name], objects[name] = _pictures(folder)
        scores: dict[str, Any] = {"pictures": {name: len(x) for name, x in pixels.items()}}
        if network is not None:
            features = _features(pixels, objects, network)
            scores |= _scores(features, "drawings")
            if "training" in features:
                scores["floor"] = _scores(features, "training")
        else:
            say("without the extra `pretrained` only patches are compared")
        scores["pyramid_distance"] = _pyramid(pixels["drawings"], pixels["photographs"])
        if "training" in pixels:
            floor = scores.setdefault("floor", {})
            floor["pyramid_distance"] = _pyramid(pixels["training"], pixels["photographs"])
        write_new_file(self.out, json.dumps(scores, indent=1) + "\n")
        for name, value in scores.items():
            say(f"{name}: {value}")
        print(self.out)


def _network() -> "EfficientNetLite0 | None":
    from shapecycle.evaluate.efficientnet_lite0 import pretrained

    try:
        return pretrained()
    except MissingExtra:
        return None


def _pictures(folder: Path) -> "tuple[Float[torch.Tensor, 'n 3 s s'], list[str]]":
    """Load the pictures in a folder and in those in it, cropped to their masks, on white."""
    import numpy as np
    import torch

    from shapecycle.data.photos import SUFFIXES, crop, load_photo, window_of
    from shapecycle.evaluate.scores import object_of

    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}", "give a folder of pictures")
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.parent.name != "masks" and path.is_file()
    )
    if len(files) < FEWEST:
        raise DataError(
            f"{folder} holds {counted(len(files), 'pictures')}",
            f"give at least {FEWEST}, with alpha or with masks",
        )
    found, objects = [], []
    for path in files:
        rgba = load_photo(path).rgba
        cropped = crop(rgba, window_of(rgba[3], MARGIN), SIDE)
        found.append(cropped[:3] * cropped[3:] + 1 - cropped[3:])
        # Drawings of one shape lie in a folder of its name.
        inner = path.parent.relative_to(folder)
        objects.append(object_of(path.name) or (path.stem if inner == Path() else str(inner)))
    return torch.from_numpy(np.stack(found)).float(), objects


def _features(
    pixels: "dict[str, Float[torch.Tensor, 'n 3 s s']]",
    objects: dict[str, list[str]],
    network: "EfficientNetLite0",
) -> "dict[str, PictureSet]":
    """Return features of three strides; each stride counts alike."""
    import numpy as np
    import torch

    from shapecycle.evaluate.distributions import PictureSet

    rows: dict[str, list[torch.Tensor]] = {}
    for name, some in pixels.items():
        parts: list[list[torch.Tensor]] = []
        with torch.no_grad():
            for chunk in some.split(32):
                parts.append([layer.mean((2, 3)) for layer in network.features(chunk)])
        rows[name] = [torch.cat(layer) for layer in zip(*parts, strict=True)]
    scales = [layer.norm(dim=1).mean() / layer.shape[1] ** 0.5 for layer in rows["photographs"]]
    return {
        name: PictureSet(
            np.concatenate(
                [(x / scale).numpy() for x, scale in zip(layers, scales, strict=True)], axis=1
            ),
            objects[name],
        )
        for name, layers in rows.items()
    }


def _scores(sets: "dict[str, PictureSet]", name: str) -> dict[str, Any]:
    """Compare one set with the photographs."""
    from shapecycle.evaluate import distributions

    ours, photographs = sets[name], sets["photographs"]
    scores: dict[str, Any] = {
        "kernel_distance": distributions.kernel_distance(ours, photographs),
        "kernel_interval": distributions.kernel_interval(ours, photographs),
        "frechet_distance": distributions.frechet_distance(ours, photographs),
        "told_apart": distributions.told_apart(ours, photographs),
        "spread": distributions.spread(ours) / distributions.spread(photographs),
    }
    if "training" in sets and name != "training":
        scores["nearest_training_picture"] = {
            "drawings": distributions.nearest_distance(ours, sets["training"]),
            "photographs": distributions.nearest_distance(photographs, sets["training"]),
        }
    return scores


def _pyramid(
    ours: "Float[torch.Tensor, 'n 3 s s']", photographs: "Float[torch.Tensor, 'm 3 s s']"
) -> Sequence[float]:
    from shapecycle.evaluate.distributions import pyramid_distance

    return pyramid_distance(ours, photographs)
