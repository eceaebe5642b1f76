"""Silhouettes cut from real photographs, without colours: how near are the shapes seen in them?

    python runs/real_silhouettes.py RUN SILHOUETTES

SILHOUETTES holds masks/ (bare masks), shapes/ (meshes, +y up, front -z) and pairs.csv (mask,
model).
Prints means over models of Chamfer distance and F-score at .02, as written and after the
similarity that iterated closest points find from there, and the overlap of mask and drawing.
"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import trimesh

from shapecycle import load
from shapecycle.data.mesh_files import load_mesh
from shapecycle.data.photos import load_photo
from shapecycle.evaluate.geometry import SurfacePoints, compare_points
from shapecycle.evaluate.silhouettes import silhouette_iou
from shapecycle.geometry.boxes import normalise
from shapecycle.mesh import Mesh
from shapecycle.seen import SeeOptions

POINTS = 2048


def points_of(mesh: Mesh, stream: int) -> SurfacePoints:
    """Draw points as `evaluate` does."""
    return SurfacePoints(*mesh.sample(POINTS, np.random.default_rng([0, stream])))


def aligned(found: SurfacePoints, truth: SurfacePoints) -> SurfacePoints:
    """Move, turn and scale points onto others."""
    matrix, *_ = trimesh.registration.icp(
        found.positions, truth.positions, max_iterations=50, scale=True, reflection=False
    )
    moved = trimesh.transform_points(found.positions, matrix)
    normals = found.normals @ matrix[:3, :3].T
    return SurfacePoints(moved, normals / np.linalg.norm(normals, axis=1, keepdims=True))


def main() -> None:
    """See, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("silhouettes", type=Path)
    arguments = parser.parse_args()
    model, root = load(arguments.run), arguments.silhouettes
    pairs = list(csv.DictReader((root / "pairs.csv").open()))
    truths = {}
    for name in {row["model"] for row in pairs}:
        mesh = load_mesh(next((root / "shapes").glob(f"{name}__*.ply")))
        turned = Mesh(mesh.vertices * np.array([-1, 1, -1], mesh.vertices.dtype), mesh.faces)
        truths[name] = points_of(normalise(turned)[0], 1)
    photos = [load_photo(root / "masks" / row["mask"], to_see=True) for row in pairs]
    rows: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for start in range(0, len(pairs), 16):
        part = slice(start, start + 16)
        seen = model.see_photos(photos[part], SeeOptions())
        for row, photo, one in zip(pairs[part], photos[part], seen, strict=True):
            found, truth = points_of(model.mesh(one.code), 0), truths[row["model"]]
            plain, moved = (
                compare_points(found, truth),
                compare_points(aligned(found, truth), truth),
            )
            drawn = model.draw(one.code, one.size)[0, ..., 3]
            rows[row["model"]].append(
                (plain.chamfer, plain.f_score, moved.chamfer, moved.f_score,
                 silhouette_iou(drawn, photo.rgba[3]))
            )  # fmt: skip
    means = np.array([np.mean(scores, 0) for scores in rows.values()])
    error = means.std(0, ddof=1) / len(means) ** 0.5
    print(f"{len(pairs)} silhouettes of {len(means)} models; mean (standard error) over models")
    names = ("Chamfer", "F-score", "Chamfer, aligned", "F-score, aligned", "IoU with the mask")
    for name, mean, one_error in zip(names, means.mean(0), error, strict=True):
        print(f"{name:18} {mean:.4f} ({one_error:.4f})")


if __name__ == "__main__":
    main()
