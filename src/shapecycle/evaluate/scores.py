"""Scores of reconstructed pictures: each against its true shape and camera, and all together."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from shapecycle.data.mesh_files import SUFFIXES, load_mesh
from shapecycle.errors import DataError
from shapecycle.evaluate.bootstrap import interval_of_mean
from shapecycle.evaluate.geometry import compare
from shapecycle.evaluate.pose import azimuth_error, rotation_error
from shapecycle.evaluate.self_intersections import dihedral_deviation, self_intersecting_faces
from shapecycle.mesh import Mesh

Row = dict[str, Any]


def object_of(picture: str) -> str:
    """Return the object that ``<object>_<view>.png`` shows; "" if the name does not tell."""
    return Path(picture).stem.rpartition("_")[0]


def shape_of(picture: Path, shapes: Path) -> Path:
    """Return the shape file of ``<model>_<view>.png``.

    Raises:
        DataError: If there is none.
    """
    name = object_of(picture.name)
    for suffix in SUFFIXES:
        path = shapes / f"{name}{suffix}"
        if path.is_file():
            return path
    raise DataError(
        f"{picture} has no shape: there is no {shapes / (name + '.ply')}",
        "pictures are named <model>_<view>.png and shapes <model>.ply",
    )


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """What `shapecycle reconstruct` wrote of one picture.

    Attributes:
        mesh: The surface.
        camera_from_object: The pose that was seen.
        silhouette_iou: Of the redrawn picture with the input.
    """

    mesh: Mesh
    camera_from_object: Float[np.ndarray, "4 4"]
    silhouette_iou: float

    @staticmethod
    def load(folder: Path) -> "Reconstruction":
        """Read one picture's folder."""
        written = json.loads((folder / "code.json").read_text())
        pose = np.array(written["camera_from_object"])
        return Reconstruction(load_mesh(folder / "mesh.glb"), pose, written["silhouette_iou"])


def score(written: Reconstruction, truth: Mesh, camera: Float[np.ndarray, "4 4"]) -> Row:
    """Compare one reconstruction with its true shape and camera.

    Returns:
        ``chamfer``, ``f_score``, ``normal_consistency`` as in `evaluate.geometry.compare`;
        ``silhouette_iou`` against the input; ``azimuth_error_degrees`` and
        ``rotation_error_degrees``; ``self_intersecting_faces``, the share of the mesh's faces that
        cross a face they do not touch; ``dihedral_degrees``, the mean angle between neighbours.
    """
    mesh, pose = written.mesh, written.camera_from_object
    return {
        **vars(compare(mesh, truth)),
        "silhouette_iou": written.silhouette_iou,
        "azimuth_error_degrees": float(np.degrees(azimuth_error(pose, camera))),
        "rotation_error_degrees": float(np.degrees(rotation_error(pose, camera))),
        "self_intersecting_faces": float(self_intersecting_faces(mesh.vertices, mesh.faces).mean()),
        "dihedral_degrees": float(np.degrees(dihedral_deviation(mesh.vertices, mesh.faces))),
    }


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Float[np.ndarray, " n"]]:
    """Return by name every number that all rows have; names of files are left out."""
    names = [name for name, value in rows[0].items() if isinstance(value, float)]
    common = [name for name in names if all(name in row for row in rows)]
    return {name: np.array([row[name] for row in rows]) for name in common}


def means(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the mean of every number that all rows have."""
    return {name: float(values.mean()) for name, values in columns_of(rows).items()}


def summarised(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Take rows of scores together.

    Returns:
        Mean, interval of the mean (see `interval_of_mean`) and median of every score, and of
        ``azimuth_within_30``, whether the azimuth is less than 30 degrees off; and, where rows
        have ``references``, the means of each one's scores.
    """
    columns = columns_of(rows)
    columns["azimuth_within_30"] = (columns["azimuth_error_degrees"] < 30).astype(float)
    objects = [object_of(row["image"]) for row in rows]
    summary: dict[str, dict[str, Any]] = {
        name: {
            "mean": float(values.mean()),
            "interval": interval_of_mean(values, objects),
            "median": float(np.median(values)),
        }
        for name, values in columns.items()
    }
    if "references" in rows[0]:
        summary["references"] = {
            name: means([row["references"][name] for row in rows]) for name in rows[0]["references"]
        }
    return summary
