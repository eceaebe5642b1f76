"""Do points of one object find their like on another? Known on objects that are made by rule.

    python runs/correspondence.py RUN [--world cars] [--count 12] [--first 5000]

Takes pairs of procedural objects that no training saw, and those of their solids that have as many
vertices, whose vertices correspond by construction. A vertex that can be seen is transferred in
two ways; the error is the distance of where it is found on the other object from its true place,
in bounding-box diagonals:
nearest     to the nearest point of the other, on shapes aligned by their boxes;
keypoints   as `shapecycle keypoints` does: `memory.places.Places`.
"""

import argparse
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.spatial import cKDTree

from shapecycle.data.surface_samples import seen_sides, surface_samples
from shapecycle.demo import cars, chairs
from shapecycle.demo.cars import build as cars_build
from shapecycle.demo.chairs import build as chairs_build
from shapecycle.demo.parts import whole_mesh
from shapecycle.demo.solids import Solid
from shapecycle.geometry.boxes import normalise
from shapecycle.memory.places import Places
from shapecycle.mesh import Mesh
from shapecycle.model import Model, load

SURFACE_POINTS = 20_000
WORLDS: dict[str, Callable[[int], list[Solid]]] = {
    "cars": lambda seed: cars_build.placed_solids(cars.sample_car(seed)),
    "chairs": lambda seed: chairs_build.placed_solids(chairs.sample_chair(seed)),
}


class Object:
    """An object, what was read of it, and which of its vertices can be seen."""

    def __init__(self, solids: list[Solid], seed: int, model: Model) -> None:
        self.solids = solids
        self.mesh: Mesh = normalise(whole_mesh(solids))[0]
        generator = np.random.default_rng(seed)
        self.normals = _vertex_normals(self.mesh)
        towards, against = seen_sides(
            self.mesh, self.mesh.vertices + 1e-3 * self.normals, self.normals, generator
        )
        self.is_seen = towards > against
        self.surface = cKDTree(surface_samples(self.mesh, SURFACE_POINTS, generator)[0])
        canvas, self.code = model.canvas(self.mesh)
        self.object_from_mesh: Any = canvas.object_from_mesh

    def placed(self, points: np.ndarray) -> torch.Tensor:
        """Return points of the mesh in object space."""
        matrix = self.object_from_mesh
        return torch.from_numpy(points @ matrix[:3, :3].T + matrix[:3, 3]).float()

    def onto(self, points: np.ndarray) -> np.ndarray:
        """Move points to the nearest ones of the surface."""
        found: np.ndarray = self.surface.data[self.surface.query(points)[1]]
        return found


def _vertex_normals(mesh: Mesh) -> np.ndarray:
    normals, areas = mesh.face_normals()
    total = np.zeros_like(mesh.vertices, dtype=np.float64)
    for corner in range(3):
        np.add.at(total, mesh.faces[:, corner], normals * areas[:, None])
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


def corresponding(one: Object, other: Object) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers of vertices that correspond and can be seen on both cars."""
    pairs: list[np.ndarray] = []
    starts = [np.cumsum([0, *(len(s.vertices) for s in car.solids)]) for car in (one, other)]
    taken: set[int] = set()
    for k, solid in enumerate(one.solids):
        for m, like in enumerate(other.solids):
            same = like.name == solid.name and len(like.vertices) == len(solid.vertices)
            if same and m not in taken:
                taken.add(m)
                row = np.arange(len(solid.vertices))
                pairs.append(np.stack([starts[0][k] + row, starts[1][m] + row]))
                break
    if not pairs:
        return np.zeros(0, int), np.zeros(0, int)
    first, second = np.concatenate(pairs, axis=1)
    kept = one.is_seen[first] & other.is_seen[second]
    return first[kept], second[kept]


@torch.no_grad()
def errors(one: Object, other: Object, model: Model) -> dict[str, float]:
    """Transfer vertices of one object to another; nothing where none correspond."""
    first, second = corresponding(one, other)
    if not len(first):
        return {}
    points, true = one.mesh.vertices[first], other.mesh.vertices[second]
    places = Places.at(model.surfaces, one.code, one.placed(points))
    found = places.on(model.surfaces, other.code)
    off = {
        "nearest": np.linalg.norm(other.onto(points) - true, axis=1),
        "keypoints": (found - other.placed(true)).norm(dim=1).numpy(),
    }
    return {name: float(distances.mean()) for name, distances in off.items()}


def main() -> None:
    """Print the mean error of each way over all ordered pairs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--world", choices=WORLDS, default="cars")
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--first", type=int, default=5000)
    arguments = parser.parse_args()
    model, solids = load(arguments.run), WORLDS[arguments.world]
    seeds = range(arguments.first, arguments.first + arguments.count)
    objects = [Object(solids(seed), seed, model) for seed in seeds]
    found = [errors(one, other, model) for one, other in permutations(objects, 2)]
    rows = [row for row in found if row]
    print(f"{len(rows)} of {len(found)} pairs have parts that correspond")
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        print(f"{name:<10} {values.mean():.4f} +- {values.std() / len(values) ** 0.5:.4f}")
    ratio = np.mean([row["keypoints"] for row in rows]) / np.mean([row["nearest"] for row in rows])
    print(f"keypoints are off by {ratio:.2f} of what nearest points are")


if __name__ == "__main__":
    main()
