"""Do sides that a picture does not show look like the photographs of them?

    python runs/far_sides.py RUN IMAGES [--apart 60]

Pictures are named OBJECT_VIEW.png. For all pairs of one object's pictures whose azimuths, as they
were seen, lie so many degrees apart, draws the first one's shape, texture and surface in the pose
and light that were seen in the second one, and prints the mean feature distance (1 - cosine of
EfficientNet-Lite0's features at strides 8, 16 and 32, before white) to that photograph: for either
surface, with and without what training photographs lent, and for the photograph's own code. Needs
the ``pretrained`` extra.
"""

import argparse
from collections import defaultdict
from dataclasses import replace
from itertools import groupby, permutations
from math import pi, radians
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from shapecycle.data.photos import crop, load_photo, window_of
from shapecycle.evaluate.efficientnet_lite0 import EfficientNetLite0, pretrained
from shapecycle.evaluate.scores import object_of
from shapecycle.graphics_code import GraphicsCode
from shapecycle.model import Model, load

SIDE = 128
"""Pixels along a side of what is compared."""


@torch.no_grad()
def features(rgba: np.ndarray, network: EfficientNetLite0) -> list[Tensor]:
    """Return pooled features of a straight-alpha picture, 4 x h x w, before white."""
    picture = torch.from_numpy(np.ascontiguousarray(rgba)).float()[None]
    white = picture[:, :3] * picture[:, 3:] + 1 - picture[:, 3:]
    return [layer.mean((2, 3)) for layer in network.features(white)]


def distance(first: list[Tensor], second: list[Tensor]) -> float:
    """Return the mean of 1 - cosine over the strides."""
    pairs = zip(first, second, strict=True)
    return float(np.mean([1 - float(F.cosine_similarity(a, b)) for a, b in pairs]))


def drawn(model: Model, code: GraphicsCode, like: GraphicsCode) -> np.ndarray:
    """Draw a code in another one's pose and light, cropped to what is drawn."""
    moved = code.with_pose_of(like).with_light_of(like)
    rgba = model.draw(moved, 2 * SIDE)[0].transpose(2, 0, 1)
    return crop(rgba, window_of(rgba[3], 0.1), SIDE)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--apart", type=float, default=60.0)
    arguments = parser.parse_args()
    model, network = load(arguments.run), pretrained()
    found: dict[str, list[float]] = defaultdict(list)
    files = sorted(arguments.images.glob("*.png"))
    for _, group in groupby(files, lambda path: object_of(path.name)):
        paths = list(group)
        photos = [load_photo(path).rgba for path in paths]
        true = [features(crop(p, window_of(p[3], 0.1), SIDE), network) for p in photos]
        for kind in ("template", "carried"):
            codes = [one.code for one in model.see_all(paths, surface=kind)]  # type: ignore[arg-type]
            bare = [replace(c, texture=replace(c.texture, fill=None)) for c in codes]
            for k, code in enumerate(codes):
                own = features(drawn(model, code, code), network)
                found[f"{kind}, its own photograph"].append(distance(own, true[k]))
            for i, j in permutations(range(len(paths)), 2):
                apart = float(codes[i].pose.angles[0, 0] - codes[j].pose.angles[0, 0])
                if abs((apart + pi) % (2 * pi) - pi) < radians(arguments.apart):
                    continue
                for name, some in (("nothing borrowed", bare), ("borrowed", codes)):
                    other = features(drawn(model, some[i], codes[j]), network)
                    found[f"{kind}, {name}"].append(distance(other, true[j]))
    for name, values in found.items():
        print(f"{name:<32} {np.mean(values):.3f}   {len(values)} pairs")


if __name__ == "__main__":
    main()
