"""How good is the choice among the sources that are carried to a picture?

    python runs/candidates.py RUN IMAGES SHAPES [--every 6]

Carries each of the candidates to every sixth picture and fits it by itself, and prints mean scores
against the true shape of the one that `carry` chooses, of the one that the mask alone would
choose, of the best one by the truth, and of an average one. Pictures are named SHAPE_VIEW.png.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor

from shapecycle.data.mesh_files import load_mesh
from shapecycle.evaluate.geometry import compare
from shapecycle.evaluate.scores import shape_of
from shapecycle.graphics_code import Surface
from shapecycle.memory import carry as carrying
from shapecycle.memory.sources import Sources
from shapecycle.mesh import Mesh
from shapecycle.model import load

SCORES = ("f_score", "chamfer", "normal_consistency")


class Only:
    """Sources of which one alone is a candidate."""

    def __init__(self, sources: Sources, row: int) -> None:
        self._sources, self._row = sources, row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sources, name)

    def nearest(self, templates: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Return the one."""
        apart = (templates - self._sources.templates[self._row]).norm(dim=2).mean(1)
        return torch.full((len(templates), 1), self._row), apart[:, None]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("shapes", type=Path)
    parser.add_argument("--every", type=int, default=6)
    arguments = parser.parse_args()
    model = load(arguments.run)
    decoder = model.surfaces
    sources = decoder.sources
    assert sources is not None, "the model remembers no shapes"
    calls: dict[str, Any] = {}

    def recorded(*given: Any, **named: Any) -> carrying.Carried:
        calls["given"], calls["named"] = given, named
        return carrying.carry(*given, **named)

    rows: list[dict[str, dict[str, float]]] = []
    for path in sorted(arguments.images.glob("*.png"))[:: arguments.every]:
        truth = load_mesh(shape_of(path, arguments.shapes))
        with mock.patch("shapecycle.model.carry", recorded):
            chosen = model.see(path, surface="carried")
        networks, _, handles, shape, pose, mask, view = calls["given"]
        candidates = sources.nearest(networks.renderer.vertices(shape), carrying.CANDIDATES)[0][0]
        scores = []
        for row in candidates.tolist():
            one = carrying.carry(
                networks, Only(sources, row), handles, shape, pose, mask, view, **calls["named"]
            )
            fingerprint = torch.tensor([sources.sources[row].fingerprint])
            code = replace(chosen.code, surface=Surface(fingerprint, one.moves))
            mesh = model.mesh(code)
            scores.append(_scores(mesh, truth) | {"misfit": float(one.misfit[0])})
        rows.append(
            {
                "chosen": _scores(model.mesh(chosen.code), truth),
                "by the mask alone": min(scores, key=lambda one: one["misfit"]),
                "best by the truth": max(scores, key=lambda one: one["f_score"]),
                "average": {k: float(np.mean([one[k] for one in scores])) for k in SCORES},
            }
        )
    for name in rows[0]:
        means = [np.mean([row[name][score] for row in rows]) for score in SCORES]
        print(f"{name:<20}" + "".join(f" {s} {m:.4f}" for s, m in zip(SCORES, means, strict=True)))


def _scores(mesh: Mesh, truth: Mesh) -> dict[str, float]:
    return {name: float(value) for name, value in vars(compare(mesh, truth)).items()}


if __name__ == "__main__":
    main()
