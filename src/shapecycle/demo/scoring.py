"""Scores of what a demo wrote, beside answers that need no learning."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from shapecycle.console import say
from shapecycle.data.mesh_files import load_mesh
from shapecycle.demo.views import drawn_untextured, pixels_of, pose_of, whole_frame
from shapecycle.demo.world import DRAWINGS, DemoPaths, World
from shapecycle.evaluate.geometry import compare
from shapecycle.evaluate.pose import read_cameras
from shapecycle.evaluate.references import medoid
from shapecycle.evaluate.scores import Reconstruction, means, score, shape_of, summarised
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
    index = medoid(training)
    typical = training[index]
    truths = {path.stem: load_mesh(path) for path in sorted((paths.held_out / "shapes").iterdir())}
    typical_scores = {name: vars(compare(typical, mesh)) for name, mesh in truths.items()}
    truth_scores = {name: vars(compare(mesh, mesh)) for name, mesh in truths.items()}

    cameras = read_cameras(paths.held_out / "cameras.json")
    seen, typical_seen = [], []
    for picture in sorted((paths.held_out / "images").iterdir()):
        shape, camera = shape_of(picture, paths.held_out / "shapes"), cameras[picture.stem]
        written = Reconstruction.load(paths.meshes / picture.stem)
        ours = score(written, truths[shape.stem], camera)
        seen.append({"image": picture.name, "shape": shape.stem, **ours})
        overlap = _overlap(typical, camera, pixels_of(picture)[..., 3], world)
        typical_seen.append(typical_scores[shape.stem] | {"silhouette_iou": overlap})
        if len(seen) % 10 == 0:
            say(f"  {len(seen)} pictures")

    drawn, typical_drawn = [], []
    for name, truth in truths.items():
        folder = paths.read / name
        surface = vars(compare(load_mesh(folder / "0.glb"), truth))
        overlap, typical_overlap = _drawing_overlaps(folder, truth, typical, world)
        drawn.append({"shape": name, **surface, "silhouette_iou": overlap})
        typical_drawn.append(typical_scores[name] | {"silhouette_iou": typical_overlap})
    return {
        "medoid": files[index].name,
        "seeing": {
            "shapecycle": summarised(seen),
            "medoid": means(typical_seen),
            "truth": means([truth_scores[row["shape"]] for row in seen]),
            "rows": seen,
        },
        "drawing": {
            "shapecycle": means(drawn),
            "medoid": means(typical_drawn),
            "truth": means(list(truth_scores.values())),
            "rows": drawn,
        },
    }


def _drawing_overlaps(
    folder: Path, truth: Mesh, typical: Mesh, world: World
) -> tuple[float, float]:
    """Return the mean overlap of what was read of a shape with it, and with the typical one."""
    overlaps = []
    for k in range(DRAWINGS):
        alpha = pixels_of(folder / f"{k}.png")[..., 3]
        record = json.loads((folder / f"{k}.json").read_text())
        camera = np.array(record["camera_from_object"])
        overlaps.append([_overlap(mesh, camera, alpha, world) for mesh in (truth, typical)])
    ours, others = np.mean(overlaps, axis=0).tolist()
    return ours, others


def _overlap(
    mesh: Mesh, camera: Float[np.ndarray, "4 4"], mask: Float[np.ndarray, "h w"], world: World
) -> float:
    """Return how well a mesh covers a picture's mask, seen in the picture's camera."""
    height, width = mask.shape
    drawn = drawn_untextured(mesh, pose_of(camera), whole_frame(world, (height, width)))
    return silhouette_iou(drawn[..., 3], mask)
