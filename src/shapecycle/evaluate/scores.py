"""Scores of reconstructed pictures: each against its true shape and camera, and all together."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from shapecycle.data.mesh_files import SUFFIXES, load_mesh
from shapecycle.errors import DataError
from shapecycle.evaluate.geometry import compare
from shapecycle.evaluate.pose import azimuth_error, rotation_error
from shapecycle.evaluate.self_intersections import dihedral_deviation, self_intersecting_faces


def shape_of(picture: Path, shapes: Path) -> Path:
    """Return the shape file of ``<model>_<view>.png``.

    Raises:
        DataError: If there is none.
    """
    name = picture.stem.rpartition("_")[0]
    for suffix in SUFFIXES:
        path = shapes / f"{name}{suffix}"
        if path.is_file():
            return path
    raise DataError(
        f"{picture} has no shape: there is no {shapes / (name + '.ply')}",
        "pictures are named <model>_<view>.png and shapes <model>.ply",
    )


def score(folder: Path, shape: Path, camera: Float[np.ndarray, "4 4"]) -> dict[str, Any]:
    """Compare one written reconstruction with its true shape and camera.

    Returns:
        ``chamfer``, ``f_score``, ``normal_consistency`` as in `evaluate.geometry.compare`;
        ``silhouette_iou`` against the input; ``azimuth_error_degrees`` and
        ``rotation_error_degrees``; ``self_intersecting_faces``, the share of the mesh's faces that
        cross a face they do not touch; ``dihedral_degrees``, the mean angle between neighbours.
    """
    written = json.loads((folder / "code.json").read_text())
    mesh, truth = load_mesh(folder / "mesh.glb"), load_mesh(shape)
    pose = np.array(written["camera_from_object"])
    return {
        **vars(compare(mesh, truth)),
        "silhouette_iou": written["silhouette_iou"],
        "azimuth_error_degrees": float(np.degrees(azimuth_error(pose, camera))),
        "rotation_error_degrees": float(np.degrees(rotation_error(pose, camera))),
        "self_intersecting_faces": float(self_intersecting_faces(mesh.vertices, mesh.faces).mean()),
        "dihedral_degrees": float(np.degrees(dihedral_deviation(mesh.vertices, mesh.faces))),
    }


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Float[np.ndarray, " n"]]:
    """Return every number of the rows by name; names of files are left out."""
    names = [name for name, value in rows[0].items() if isinstance(value, float)]
    return {name: np.array([row[name] for row in rows]) for name in names}


def summarised(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return mean and median of every score, and the share of azimuths within 30 degrees."""
    columns = columns_of(rows)
    columns["azimuth_within_30"] = (columns["azimuth_error_degrees"] < 30).astype(float)
    return {
        name: {"mean": float(values.mean()), "median": float(np.median(values))}
        for name, values in columns.items()
    }
