"""Cameras of a labelled test set, and how far a predicted one is off.

A camera is a rigid matrix ``camera_from_object``: camera +x right, +y up, looking along -z;
object +y up, front +z. Azimuth 0 looks at the front, azimuth 90 degrees stands on +x. Angles
are radians, except in files.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from shapecycle.errors import DataError

UNIT_DISTANCE = 1.75
"""Distance of a camera whose ratio is 1 in ``cams`` files, in object units."""


def look_at(azimuth: float, elevation: float, distance: float) -> Float[np.ndarray, "4 4"]:
    """Place an upright camera that looks at the origin.

    Args:
        azimuth: In radians; 0 on +z, pi/2 on +x.
        elevation: In radians, in [-pi/2, pi/2]; positive above the ground plane.
        distance: From the origin to the camera, in object units.

    Returns:
        ``camera_from_object`` for the camera at
        ``distance * (sin az cos el, sin el, cos az cos el)``, without roll.
    """
    sin_a, cos_a = math.sin(azimuth), math.cos(azimuth)
    sin_e, cos_e = math.sin(elevation), math.cos(elevation)
    return np.array(
        [
            [cos_a, 0.0, -sin_a, 0.0],
            [-sin_a * sin_e, cos_e, -cos_a * sin_e, 0.0],
            [sin_a * cos_e, sin_e, cos_a * cos_e, -distance],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )


def azimuth_of(camera_from_object: Float[np.ndarray, "*b 4 4"]) -> Float[np.ndarray, "*b"]:
    """Azimuth from which cameras look at the object.

    Args:
        camera_from_object: Rigid matrices; only the rotation is used.

    Returns:
        Angles in radians, in [-pi, pi]. Meaningless for a camera that looks straight down or up.
    """
    backwards = camera_from_object[..., 2, :3]
    return np.asarray(np.arctan2(backwards[..., 0], backwards[..., 2]))


def azimuth_error(
    predicted: Float[np.ndarray, "*b 4 4"], truth: Float[np.ndarray, "*b 4 4"]
) -> Float[np.ndarray, "*b"]:
    """Angle between the azimuths of two cameras.

    Args:
        predicted: ``camera_from_object`` matrices.
        truth: ``camera_from_object`` matrices.

    Returns:
        Angles in radians, in [0, pi].
    """
    difference = azimuth_of(predicted) - azimuth_of(truth)
    return np.asarray(np.abs(np.arctan2(np.sin(difference), np.cos(difference))))


def rotation_error(
    predicted: Float[np.ndarray, "*b 4 4"], truth: Float[np.ndarray, "*b 4 4"]
) -> Float[np.ndarray, "*b"]:
    """Angle of the rotation that takes one camera's orientation to the other's.

    Args:
        predicted: ``camera_from_object`` matrices; only the rotations are used.
        truth: ``camera_from_object`` matrices; only the rotations are used.

    Returns:
        Geodesic distances on SO(3), in radians, in [0, pi].
    """
    between = predicted[..., :3, :3] @ np.swapaxes(truth[..., :3, :3], -1, -2)
    skew = between - np.swapaxes(between, -1, -2)
    doubled_sine = np.linalg.norm(
        np.stack([skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0]], axis=-1), axis=-1
    )
    doubled_cosine = np.trace(between, axis1=-2, axis2=-1) - 1
    # Not arccos of the trace: near 0 and pi it loses half the digits.
    return np.asarray(np.arctan2(doubled_sine, doubled_cosine))


def read_cameras(path: Path) -> dict[str, Float[np.ndarray, "4 4"]]:
    """Read the true cameras of a test set.

    Two layouts are known. Both are JSON objects; other keys are left alone:

    - ``{"cams": {MODEL: [[azimuth, elevation, in-plane rotation, ratio, ...], ...]}}``, angles
      in degrees, one row per view, distance 1.75 * ratio. View 7 of MODEL is ``MODEL_07``. The
      in-plane rotation must be 0.
    - ``{"views": {STEM: {"camera_from_object": 4x4 rows, ...}}}``.

    Args:
        path: The file.

    Returns:
        ``camera_from_object`` for each picture, by its file name without the ending.

    Raises:
        DataError: If the file cannot be read, or anything in it is not as above.
    """
    content = _read_object(path)
    if isinstance(content.get("views"), dict):
        cameras = {
            stem: _camera_of_view(view, f"{path}: view '{stem}'")
            for stem, view in content["views"].items()
        }
    elif isinstance(content.get("cams"), dict):
        cameras = {
            f"{model}_{index:02d}": _camera_of_row(row, f"{path}: view {index} of '{model}'")
            for model, rows in content["cams"].items()
            for index, row in enumerate(_rows(rows, f"{path}: model '{model}'"))
        }
    else:
        raise DataError(
            f"{path} has neither an object 'cams' nor an object 'views'",
            "give the cameras.json that belongs to the test pictures",
        )
    if not cameras:
        raise DataError(f"{path} holds no camera", "give one camera per test picture")
    return cameras


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", "check the path") from error
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}", "write it again as UTF-8 JSON") from error
    if not isinstance(content, dict):
        raise DataError(
            f"{path} holds a JSON {type(content).__name__}, not an object",
            "put the cameras under 'cams' or 'views'",
        )
    return content


def _rows(rows: object, place: str) -> list[object]:
    if not isinstance(rows, list):
        raise DataError(f"{place} is not a list of views", "give one row of numbers per view")
    return rows


def _camera_of_row(row: object, place: str) -> Float[np.ndarray, "4 4"]:
    """A camera from degrees, in-plane rotation and ratio."""
    numbers = _finite_numbers(row, place)
    if numbers.ndim != 1 or len(numbers) < 4:
        raise DataError(
            f"{place} has the shape {numbers.shape}",
            "give [azimuth, elevation, in-plane rotation, ratio] in degrees",
        )
    azimuth, elevation, in_plane, ratio = numbers[:4]
    if in_plane != 0:
        raise DataError(
            f"{place} has an in-plane rotation of {in_plane:g} degrees",
            "only upright cameras can be given this way; use 'views' with 4x4 matrices",
        )
    if abs(elevation) > 90 or ratio <= 0:
        raise DataError(
            f"{place} has elevation {elevation:g} and distance ratio {ratio:g}",
            "the elevation lies in [-90, 90] degrees and the ratio is positive",
        )
    return look_at(math.radians(azimuth), math.radians(elevation), UNIT_DISTANCE * ratio)


def _camera_of_view(view: object, place: str) -> Float[np.ndarray, "4 4"]:
    """A camera from a matrix, which has to be rigid."""
    if not isinstance(view, dict) or "camera_from_object" not in view:
        raise DataError(f"{place} has no 'camera_from_object'", "give it as four rows of four")
    matrix = _finite_numbers(view["camera_from_object"], place)
    if matrix.shape != (4, 4):
        raise DataError(
            f"{place}: camera_from_object has the shape {matrix.shape}",
            "give it as four rows of four numbers",
        )
    rotation = matrix[:3, :3]
    is_rigid = (
        np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3)
        and np.linalg.det(rotation) > 0
        and np.allclose(matrix[3], [0, 0, 0, 1])
    )
    if not is_rigid:
        raise DataError(
            f"{place}: camera_from_object is not a rotation and a translation",
            "leave scale, mirroring and projection out of it",
        )
    return matrix


def _finite_numbers(value: object, place: str) -> Float[np.ndarray, "..."]:
    try:
        numbers = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{place} holds something that is not a number", "fix the file") from error
    if not np.isfinite(numbers).all():
        raise DataError(f"{place} holds a number that is not finite", "fix the file")
    return numbers
