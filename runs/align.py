"""Turn, scale and move shapes at random, align them, and compare the rotations with the truth.

    python runs/align.py RUN SHAPES [--rotations 4] [--cut]

prints the median error, and how many are right, turned by half a turn, or otherwise wrong, for all
and for those that are not called doubtful. `--cut` takes all faces on one side of each shape away
before.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from shapecycle.cli.align import DOUBTFUL
from shapecycle.data.mesh_files import load_mesh
from shapecycle.data.simplify import simplify
from shapecycle.mesh import Mesh
from shapecycle.model import load

RIGHT, TURNED = 30.0, 150.0


def main() -> None:
    """Print the errors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("shapes", type=Path)
    parser.add_argument("--rotations", type=int, default=4)
    parser.add_argument("--cut", action="store_true")
    arguments = parser.parse_args()
    model, generator = load(arguments.run), np.random.default_rng(5)
    errors, confidences = [], []
    for file in sorted(arguments.shapes.iterdir()):
        mesh = simplify(load_mesh(file), 4000)
        if arguments.cut:
            mesh = cut(mesh)
        for turn in Rotation.random(arguments.rotations, rng=generator).as_matrix():
            moved = replace(mesh, vertices=7 * mesh.vertices @ turn.T + 3, normals=None)
            found = model.align(moved)[0]
            trace = np.trace(found.object_from_points @ turn)
            errors.append(np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1))))
            confidences.append(found.confidence)
        print(f"{file.stem}: {', '.join(f'{e:.0f}' for e in errors[-arguments.rotations :])}")
    told(np.array(errors), "all")
    told(np.array(errors)[np.array(confidences) >= DOUBTFUL], "not doubtful")


def cut(mesh: Mesh) -> Mesh:
    """Take away what lies on the left."""
    centres = mesh.vertices[mesh.faces].mean(1)[:, 0]
    return Mesh(mesh.vertices, mesh.faces[centres > np.median(mesh.vertices[:, 0])])


def told(errors: np.ndarray, name: str) -> None:
    """Print a line."""
    right, half = (errors < RIGHT).mean(), (errors > TURNED).mean()
    print(
        f"{name}: {len(errors)}, median {np.median(errors):.1f} degrees, {right:.1%} within "
        f"{RIGHT:.0f}, {half:.1%} half turns"
    )


if __name__ == "__main__":
    main()
