"""What two folders suggest for the settings of a training."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan, degrees
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree  # type: ignore[import-untyped]

from shapecycle.config import FOV_DEGREES
from shapecycle.data import mesh_files, photos
from shapecycle.data.folders import counted, list_folder
from shapecycle.data.mesh_files import load_mesh
from shapecycle.data.photos import focal_length_of, load_photo, window_of
from shapecycle.geometry.boxes import normalise
from shapecycle.mesh import Mesh

LOOKED_AT = 48
"""Files of each folder, spread over it."""
POINTS = 2000
ASYMMETRIC = 0.03
"""Mean distance, in object diagonals, from a surface to its mirror image (the shapes' median), from
which they are no mirror images of themselves: of 24 procedural cars and chairs .008 to .015,
which is the spacing of the points, and of one half of each alone .09 to .22."""


@dataclass(frozen=True)
class Suggestions:
    """Settings for two folders.

    Attributes:
        preset: Of the networks' size.
        chosen: Values and reasons, by the settings' full names.
        remarks: What was found, a line each.
    """

    preset: str
    chosen: dict[str, tuple[Any, str]]
    remarks: list[str]


def suggested(images: Path, shapes: Path, *, has_gpu: bool) -> Suggestions:
    """Look at some files of both folders.

    Args:
        images: Folder of masked pictures.
        shapes: Folder of shapes.
        has_gpu: Whether trainings compute on one.

    Raises:
        DataError: If a folder cannot be read, or a file that was looked at cannot be used.
    """
    pictures = list_folder(images, "pictures", photos.SUFFIXES).files
    meshes = list_folder(shapes, "shapes", mesh_files.SUFFIXES).files
    chosen: dict[str, tuple[Any, str]] = {}
    remarks = [f"{counted(len(pictures), 'pictures')} in {images}"]
    sides = [_side(path) for path in _spread(pictures)]
    remarks.append(f"objects are {np.median(sides):.0f} pixels across in them (median)")
    lenses = [lens for path in _spread(pictures) if (lens := _fov_y(path)) is not None]
    if len(lenses) > len(_spread(pictures)) / 2:
        chosen["model.fov_y_degrees"] = (
            round(float(np.median(lenses)), 1),
            f"As the cameras of {len(lenses)} of {len(_spread(pictures))} pictures wrote it "
            "(EXIF); right only where frames were not cropped.",
        )
    else:
        remarks.append("cameras wrote no focal length into them: the field of view is not known")
    remarks.append(f"{counted(len(meshes), 'shapes')} in {shapes}")
    apart = [_mirror_distance(load_mesh(path)) for path in _spread(meshes)]
    if np.median(apart) > ASYMMETRIC:
        chosen["model.symmetric"] = (
            False,
            f"The shapes lie {np.median(apart):.3f} of their size from their mirror images in "
            "x = 0 (median).",
        )
    else:
        remarks.append("shapes are near to their mirror images in x = 0")
    is_fine = has_gpu and float(np.median(sides)) >= 128
    return Suggestions("standard" if is_fine else "laptop", chosen, remarks)


def _spread(files: Sequence[Path]) -> list[Path]:
    rows = np.linspace(0, len(files) - 1, min(LOOKED_AT, len(files))).round().astype(int)
    return [files[row] for row in rows.tolist()]


def _side(path: Path) -> float:
    """Return how large an object is in its picture, in pixels."""
    mask = load_photo(path).rgba[3]
    return window_of(mask, 0.0).half * mask.shape[0]


def _fov_y(path: Path) -> float | None:
    """Return the vertical field of view that a camera wrote into its picture, in degrees."""
    focal = focal_length_of(path)
    if focal is None:
        return None
    height, width = load_photo(path).rgba.shape[1:]
    # The number is that of a frame of 36 x 24 mm with the same diagonal.
    diagonal = np.hypot(36, 24)
    found = degrees(2 * atan(diagonal * height / np.hypot(width, height) / 2 / focal))
    return found if FOV_DEGREES[0] <= found <= FOV_DEGREES[1] else None


def _mirror_distance(mesh: Mesh) -> float:
    """Return how far a surface lies from its mirror image, in object diagonals."""
    points, _ = normalise(mesh)[0].sample(POINTS, np.random.default_rng(0))
    away = cKDTree(points).query(points * np.array([-1, 1, 1]))[0]
    return float(np.mean(away))
