"""Shapes of one's own: what is odd about each, beside the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations, product
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree  # type: ignore[import-untyped]

from shapecycle.data.shapes import is_watertight
from shapecycle.geometry.boxes import normalise
from shapecycle.mesh import Mesh

POINTS = 1024
ANCHORS = 96
"""Places whose distances to a shape describe it."""
NEIGHBOURS = 3
"""Others that a shape is compared with, the most alike."""
TURNED = 0.6
"""Distance to the others, turned, over that as it is, below which a shape lies turned."""
UNLIKE = 2.2
"""Distance to the others, over the folder's median, from which a shape is another kind."""
USUAL = 1.3
"""The same, up to which one does not doubt that it is the same kind."""
SAME = 0.004
"""Distance, in diagonals, up to which two shapes are one."""
LARGER = 3.0
"""Size over the folder's median, or the other way round, that is reported."""
FEW = 4
"""Shapes with which nothing can be compared."""


@dataclass(frozen=True)
class ShapeFinding:
    """What was found of one shape.

    Attributes:
        path: Its file.
        faces: How many it has; 0 for a point cloud.
        problems: What is odd about it.
        notes: What is worth knowing, and no problem.
    """

    path: Path
    faces: int
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def turns() -> tuple[list[str], Float[np.ndarray, "24 3 3"]]:
    """Return the rotations that take axes to axes, the one that leaves all first.

    Returns:
        For each, which axis of a file is up and which is its front, and the rotation that brings
        it upright.
    """
    names, matrices = [], []
    for order, signs in product(permutations(range(3)), product((1, -1), repeat=3)):
        matrix = np.zeros((3, 3))
        matrix[range(3), order] = signs
        if np.linalg.det(matrix) > 0:
            up, front = (_axis(matrix[row]) for row in (1, 2))
            names.append(f"--up {up} --front {front}")
            matrices.append(matrix)
    first = next(k for k, one in enumerate(matrices) if np.array_equal(one, np.eye(3)))
    order_ = [first, *(k for k in range(len(names)) if k != first)]
    return [names[k] for k in order_], np.stack([matrices[k] for k in order_])


def findings(paths: Sequence[Path], meshes: Sequence[Mesh]) -> list[ShapeFinding]:
    """Compare shapes with each other, as their files have them.

    Args:
        paths: Their files.
        meshes: As loaded, in any units.
    """
    names, rotations = turns()
    sizes = np.array([np.linalg.norm(np.ptp(mesh.vertices, axis=0)) for mesh in meshes])
    described = np.stack([_described(mesh, rotations) for mesh in meshes])
    upright = described[:, 0]
    apart = np.abs(described[:, :, None] - upright[None, None]).mean(3)  # shape, turn, other
    for k in range(len(meshes)):
        apart[k, :, k] = np.inf
    near = np.sort(apart, axis=2)[:, :, : min(NEIGHBOURS, max(1, len(meshes) - 1))].mean(2)
    usual = float(np.median(near[:, 0]))
    found = []
    for k, (path, mesh) in enumerate(zip(paths, meshes, strict=True)):
        problems, notes = [], []
        ratio = sizes[k] / np.median(sizes)
        if not 1 / LARGER < ratio < LARGER:
            problems.append(f"{ratio:.3g} times as large as the others: another unit?")
        same = np.flatnonzero(apart[k, 0, :k] < SAME)
        if len(same):
            problems.append(f"the same shape as {paths[int(same[0])].name}")
        if len(meshes) >= FEW:
            best = int(near[k].argmin())
            times = near[k].min() / usual
            if times > UNLIKE:
                problems.append(f"unlike the others: {times:.1f} times as far from them as usual")
            elif best and near[k, best] < TURNED * near[k, 0] and near[k, 0] > usual:
                also = " (or another kind of object)" if times > USUAL else ""
                problems.append(f"lies turned: it agrees best as {names[best]}{also}")
        if mesh.is_point_cloud:
            notes.append("point cloud")
        elif not is_watertight(mesh):
            notes.append("not watertight")
        found.append(ShapeFinding(path, len(mesh.faces), tuple(problems), tuple(notes)))
    return found


def _axis(row: Float[np.ndarray, "3"]) -> str:
    k = int(np.abs(row).argmax())
    return f"{'-' if row[k] < 0 else '+'}{'xyz'[k]}"


def _described(mesh: Mesh, rotations: Float[np.ndarray, "r 3 3"]) -> Float[np.ndarray, "r a"]:
    """Return how far a shape is from fixed places, for each way of turning it.

    Source:
        Prokudin et al., "Efficient learning on point clouds with basis point sets", ICCV 2019.
    """
    points = normalise(mesh)[0].sample(POINTS, np.random.default_rng(0))[0]
    anchors = np.random.default_rng(0).uniform(-0.4, 0.4, (ANCHORS, 3))
    tree = cKDTree(points)
    # Turning the shape is turning the anchors the other way.
    return np.stack([tree.query(anchors @ rotation)[0] for rotation in rotations])
