"""Do points of one object find their like on another? Known on cars that are made by rule.

    python runs/correspondence.py RUN [--cars 12] [--first 5000]

Takes pairs of procedural cars that no training saw, and those of their solids that have as many
vertices, whose vertices correspond by construction. A vertex that can be seen is transferred in
three ways and then put onto the nearest point of the other car; the error is the distance from
its true place, in bounding-box diagonals:
nearest     where it is, on shapes aligned by their boxes;
template    by the nearest point of the template that lies on the one car, on the other;
carried     by the field that carries the one car to the other.
"""

import argparse
from itertools import permutations
from pathlib import Path

import numpy as np
import torch
from scipy.spatial import cKDTree

from shapecycle.code_to_image.template import spread_out
from shapecycle.data.surface_samples import seen_sides, surface_samples
from shapecycle.demo.cars.build import placed_solids
from shapecycle.demo.cars.design import sample_car
from shapecycle.demo.parts import whole_mesh
from shapecycle.demo.solids import Solid
from shapecycle.geometry.boxes import normalise
from shapecycle.geometry.thin_plate import ThinPlateSpline
from shapecycle.memory.atlas import TURNED
from shapecycle.memory.sources import CONTROLS
from shapecycle.mesh import Mesh
from shapecycle.model import Model, load

SURFACE_POINTS = 20_000


class Car:
    """A car, where the template lies on it, and which of its vertices can be seen."""

    def __init__(self, seed: int, model: Model) -> None:
        self.solids: list[Solid] = placed_solids(sample_car(seed))
        self.mesh: Mesh = normalise(whole_mesh(self.solids))[0]
        generator = np.random.default_rng(seed)
        self.normals = _vertex_normals(self.mesh)
        towards, against = seen_sides(
            self.mesh, self.mesh.vertices + 1e-3 * self.normals, self.normals, generator
        )
        self.is_seen = towards > against
        self.surface = cKDTree(surface_samples(self.mesh, SURFACE_POINTS, generator)[0])
        self.template = model.networks.renderer.vertices(model.read(self.mesh))

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


def corresponding(one: Car, other: Car) -> tuple[np.ndarray, np.ndarray]:
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
    first, second = np.concatenate(pairs, axis=1)
    kept = one.is_seen[first] & other.is_seen[second]
    return first[kept], second[kept]


@torch.no_grad()
def errors(one: Car, other: Car, model: Model) -> dict[str, float]:
    """Transfer vertices of one car to another."""
    first, second = corresponding(one, other)
    points, normals = one.mesh.vertices[first], one.normals[first]
    renderer = model.networks.renderer
    laid, turned = (x[0].numpy() for x in renderer.surface(one.template, 128))
    there = renderer.surface(other.template, 128)[0][0].numpy()
    tree = cKDTree(np.concatenate([laid, TURNED * turned], 1))
    texel = tree.query(np.concatenate([points, TURNED * normals], 1))[1]
    controls = spread_out(renderer.deformation.template, CONTROLS)
    field = ThinPlateSpline.fit(one.template[:, controls], other.template[:, controls])
    carried = field.points(torch.from_numpy(points).float()[None])[0].numpy()
    guesses = {"nearest": points, "template": there[texel], "carried": carried}
    true = other.mesh.vertices[second]
    return {
        name: float(np.linalg.norm(other.onto(guess) - true, axis=1).mean())
        for name, guess in guesses.items()
    }


def main() -> None:
    """Print the mean error of each way over all ordered pairs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--cars", type=int, default=12)
    parser.add_argument("--first", type=int, default=5000)
    arguments = parser.parse_args()
    model = load(arguments.run)
    cars = [Car(arguments.first + k, model) for k in range(arguments.cars)]
    rows = [errors(one, other, model) for one, other in permutations(cars, 2)]
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        print(f"{name:<10} {values.mean():.4f} +- {values.std() / len(values) ** 0.5:.4f}")


if __name__ == "__main__":
    main()
