"""Scores of what a demo wrote, beside answers that need no learning."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree  # type: ignore[import-untyped]

from shapecycle.console import say
from shapecycle.data.mesh_files import load_mesh
from shapecycle.data.photos import load_photo
from shapecycle.demo.views import drawn_untextured, pixels_of, pose_of, whole_frame
from shapecycle.demo.world import DRAWINGS, DemoPaths, World
from shapecycle.evaluate.geometry import compare
from shapecycle.evaluate.pose import read_cameras
from shapecycle.evaluate.scores import score, shape_of, summarised
from shapecycle.evaluate.silhouettes import silhouette_iou
from shapecycle.mesh import Mesh

Scores = dict[str, Any]


def scores_of(world: World, paths: DemoPaths) -> dict[str, Any]:
    """Score the model's files and the baselines against the truth.

    Returns:
        ``seeing`` and ``drawing``, each with the ``shapecycle`` summary, the mean scores of
        ``medoid`` and of ``truth`` against itself, and ``rows``; and ``medoid``, a file name.
    """
    files = sorted(paths.shapes.iterdir())
    training = [load_mesh(path) for path in files]
    typical = medoid(training)
    truths = {path.stem: load_mesh(path) for path in sorted((paths.held_out / "shapes").iterdir())}
    typical_scores = {k: vars(compare(training[typical], mesh)) for k, mesh in truths.items()}
    truth_scores = {k: vars(compare(mesh, mesh)) for k, mesh in truths.items()}

    cameras = read_cameras(paths.held_out / "cameras.json")
    seen = []
    for path in sorted((paths.held_out / "images").iterdir()):
        shape = shape_of(path, paths.held_out / "shapes")
        row = score(paths.meshes / path.stem, shape, cameras[path.stem])
        seen.append({"image": path.name, "shape": shape.stem, **row})
        if len(seen) % 10 == 0:
            say(f"  {len(seen)} pictures")
    drawn = [
        {"shape": stem, **_drawing_scores(paths.drawings / stem, mesh, training[typical], world)}
        for stem, mesh in truths.items()
    ]
    typical_seen = [
        typical_scores[row["shape"]]
        | {"silhouette_iou": _typical_iou(row["image"], training[typical], cameras, world)}
        for row in seen
    ]
    typical_drawn = [
        typical_scores[row["shape"]] | {"silhouette_iou": row.pop("medoid_silhouette_iou")}
        for row in drawn
    ]
    return {
        "medoid": files[typical].name,
        "seeing": {
            "shapecycle": summarised([{k: v for k, v in r.items() if k != "shape"} for r in seen]),
            "medoid": means(typical_seen),
            "truth": means([truth_scores[row["shape"]] for row in seen]),
            "rows": seen,
        },
        "drawing": {
            "shapecycle": means(drawn),
            "medoid": means(typical_drawn),
            "truth": means([truth_scores[row["shape"]] for row in drawn]),
            "rows": drawn,
        },
    }


def medoid(meshes: Sequence[Mesh], points: int = 256) -> int:
    """Return the index of the mesh with the least mean Chamfer distance to all others."""
    drawn = [mesh.sample(points, np.random.default_rng([0, k]))[0] for k, mesh in enumerate(meshes)]
    everything = np.concatenate(drawn)
    distances = np.stack(
        [cKDTree(one).query(everything)[0].reshape(-1, points).mean(1) for one in drawn]
    )
    return int((distances + distances.T).mean(1).argmin())


def means(rows: Sequence[Scores]) -> dict[str, float]:
    """Return the mean of every number in the rows."""
    names = [name for name, value in rows[0].items() if isinstance(value, float)]
    return {name: float(np.mean([row[name] for row in rows])) for name in names}


def _typical_iou(picture: str, mesh: Mesh, cameras: dict[str, np.ndarray], world: World) -> float:
    """Return how well a mesh covers a held-out picture's mask in the picture's true camera."""
    mask = load_photo(world.pictures / "val" / "images" / picture).rgba[3]
    pose = pose_of(cameras[Path(picture).stem])
    drawn = drawn_untextured(mesh, pose, whole_frame(world, (mask.shape[0], mask.shape[1])))
    return silhouette_iou(drawn[..., 3], mask)


def _drawing_scores(folder: Path, truth: Mesh, typical: Mesh, world: World) -> Scores:
    """Compare the drawings of one shape, and the mesh they show, with the shape itself."""
    overlaps = []
    for k in range(DRAWINGS):
        alpha = pixels_of(folder / f"{k}.png")[..., 3]
        record = json.loads((folder / f"{k}.json").read_text())
        pose = pose_of(np.array(record["camera_from_object"]))
        view = whole_frame(world, (alpha.shape[0], alpha.shape[1]))
        overlaps.append(
            [
                silhouette_iou(alpha, drawn_untextured(mesh, pose, view)[..., 3])
                for mesh in (truth, typical)
            ]
        )
    ours, others = np.mean(overlaps, axis=0).tolist()
    return {
        **vars(compare(load_mesh(folder / "0.glb"), truth)),
        "silhouette_iou": ours,
        "medoid_silhouette_iou": others,
    }
