"""Does carrying only paste? Scores with sources taken out, and with few of them.

    python runs/fewer_sources.py RUN IMAGES SHAPES [--every 12] [--nearest 0 1 5 20] [--kept 20 40]

Takes out, for each picture, the sources nearest to its true shape (by Chamfer distance, as they
are), or keeps only those that were remembered first, which are spread out; and prints mean scores
of carried surfaces, and of the template, and the time a picture took. Pictures are named
SHAPE_VIEW.png. Look distances need the ``pretrained`` extra.
"""

import argparse
import time
from collections import defaultdict
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from shapecycle.data.mesh_files import load_mesh
from shapecycle.evaluate.efficientnet_lite0 import pretrained
from shapecycle.evaluate.geometry import compare
from shapecycle.evaluate.looks import DIRECTIONS, compare_looks, looks_of
from shapecycle.evaluate.scores import object_of, shape_of
from shapecycle.memory.source import Source
from shapecycle.mesh import Mesh
from shapecycle.model import Model, load

VIEWS = list(range(len(DIRECTIONS)))
Scores = dict[str, list[float]]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("shapes", type=Path)
    parser.add_argument("--every", type=int, default=12)
    parser.add_argument("--nearest", type=int, nargs="*", default=[0, 1, 5, 20])
    parser.add_argument("--kept", type=int, nargs="*", default=[20, 40])
    arguments = parser.parse_args()
    model, network = load(arguments.run), pretrained()
    sources = model.memory.sources
    found: dict[str, Scores] = defaultdict(lambda: defaultdict(list))
    fewer = {n: with_sources(model, sources[:n]) for n in arguments.kept}
    paths = sorted(arguments.images.glob("*.png"))[:: arguments.every]
    for _, group in groupby(paths, lambda path: object_of(path.name)):
        pictures = list(group)
        truth = load_mesh(shape_of(pictures[0], arguments.shapes))
        order = np.argsort([compare(_mesh(one), truth).chamfer for one in sources])
        tried = {f"{n} sources": one for n, one in fewer.items()}
        for n in arguments.nearest:
            left = tuple(sources[k] for k in sorted(order[n:]))
            tried[f"without the nearest {n}"] = with_sources(model, left)
        looks = looks_of(truth, network)
        for name, one in ({"template": model} | tried).items():
            kind: Any = "template" if name == "template" else "carried"
            one.see(pictures[0], surface=kind)  # prepares the sources
            start = time.perf_counter()
            seen = one.see_all(pictures, surface=kind)
            found[name]["seconds"].append((time.perf_counter() - start) / len(seen))
            for each in seen:
                mesh = one.mesh(each.code)
                scores = vars(compare(mesh, truth))
                scores |= compare_looks(looks_of(mesh, network), looks).mean(VIEWS)
                for score, value in scores.items():
                    found[name][score].append(value)
    for name, columns in found.items():
        print(f"{name:<24}" + "".join(f" {k} {np.mean(v):.4f}" for k, v in columns.items()))


def with_sources(model: Model, sources: tuple[Source, ...]) -> Model:
    """Return the same model with other sources."""
    return Model(model.networks, model.provenance, replace(model.memory, sources=sources))


def _mesh(source: Source) -> Mesh:
    return Mesh(source.vertices.numpy(), source.faces.numpy())


if __name__ == "__main__":
    main()
