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


def scores_of(world: World, paths: DemoPaths, *, trains: bool = True) -> dict[str, Any]:
    """Score the model's files against the truth, and beside them answers that need no learning.

    Args:
        world: What was learnt from.
        paths: Where its files are.
        trains: Whether there are training shapes, for the medoid among them is such an answer.

    Returns:
        ``seeing`` and ``drawing``, each with the ``shapecycle`` summary, the mean scores of
        ``truth`` against itself, and ``rows``; with training shapes also those of the ``medoid``,
        whose file name is at the top. Without, nothing was read of the shapes that were drawn, and
        the rows of ``drawing`` say which they are.
    """
    truths = {path.stem: load_mesh(path) for path in sorted((paths.held_out / "shapes").iterdir())}
    cameras = read_cameras(paths.held_out / "cameras.json")
    seen, drawn = [], []
    for picture in sorted((paths.held_out / "images").iterdir()):
        shape, camera = shape_of(picture, paths.held_out / "shapes"), cameras[picture.stem]
        written = Reconstruction.load(paths.meshes / picture.stem)
        ours = score(written, truths[shape.stem], camera)
        seen.append({"image": picture.name, "shape": shape.stem, **ours})
        if len(seen) % 10 == 0:
            say(f"  {len(seen)} pictures")
    for name, truth in truths.items():
        row: Scores = {"shape": name}
        if trains:
            folder = paths.read / name
            row |= vars(compare(load_mesh(folder / "0.glb"), truth))
            row["silhouette_iou"] = _drawing_overlap(folder, truth, world)
        drawn.append(row)
    truth_scores = {name: vars(compare(mesh, mesh)) for name, mesh in truths.items()}
    scores: dict[str, Any] = {
        "seeing": {
            "shapecycle": summarised(seen),
            "truth": means([truth_scores[row["shape"]] for row in seen]),
            "rows": seen,
        },
        "drawing": {"rows": drawn},
    }
    if trains:
        scores["drawing"]["shapecycle"] = means(drawn)
        scores["drawing"]["truth"] = means(list(truth_scores.values()))
        files = sorted(paths.shapes.iterdir())
        training = [load_mesh(path) for path in files]
        index = medoid(training)
        for part, found in zip(
            ("seeing", "drawing"), _of_one(training[index], world, paths, truths), strict=True
        ):
            scores[part]["medoid"] = found
        scores["medoid"] = files[index].name
    return scores


def _of_one(
    answer: Mesh, world: World, paths: DemoPaths, truths: dict[str, Mesh]
) -> tuple[Scores, Scores]:
    """Return what one mesh would score as the answer to all pictures, and to all shapes."""
    cameras = read_cameras(paths.held_out / "cameras.json")
    surfaces = {name: vars(compare(answer, mesh)) for name, mesh in truths.items()}
    seen, drawn = [], []
    for picture in sorted((paths.held_out / "images").iterdir()):
        shape = shape_of(picture, paths.held_out / "shapes")
        overlap = _overlap(answer, cameras[picture.stem], pixels_of(picture)[..., 3], world)
        seen.append(surfaces[shape.stem] | {"silhouette_iou": overlap})
    for name, scores in surfaces.items():
        overlap = _drawing_overlap(paths.read / name, answer, world)
        drawn.append(scores | {"silhouette_iou": overlap})
    return means(seen), means(drawn)


def _drawing_overlap(folder: Path, mesh: Mesh, world: World) -> float:
    """Return the mean overlap of what was read of a shape with a mesh, in the drawings' cameras."""
    overlaps = []
    for k in range(DRAWINGS):
        alpha = pixels_of(folder / f"{k}.png")[..., 3]
        record = json.loads((folder / f"{k}.json").read_text())
        overlaps.append(_overlap(mesh, np.array(record["camera_from_object"]), alpha, world))
    return float(np.mean(overlaps))


def _overlap(
    mesh: Mesh, camera: Float[np.ndarray, "4 4"], mask: Float[np.ndarray, "h w"], world: World
) -> float:
    """Return how well a mesh covers a picture's mask, seen in the picture's camera."""
    height, width = mask.shape
    drawn = drawn_untextured(mesh, pose_of(camera), whole_frame(world, (height, width)))
    return silhouette_iou(drawn[..., 3], mask)
