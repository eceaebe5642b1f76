"""Cameras of this package in the conventions of other programs, and back.

Here: camera +x to the right, +y up, looking along -z; ``camera_from_object`` is rigid, 4 x 4, for
column vectors; objects are +y up with their front to +z.
"""

from dataclasses import dataclass
from math import atan, tan

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation  # type: ignore[import-untyped]

Matrix = Float[np.ndarray, "4 4"]

DOWN_AND_FORWARD = np.diag([1.0, -1.0, -1.0, 1.0])
"""To cameras with +y down that look along +z: OpenCV's and COLMAP's."""
LEFT_AND_FORWARD = np.diag([-1.0, 1.0, -1.0, 1.0])
"""To cameras with +x to the left that look along +z: PyTorch3D's."""
BLENDER_FROM_OBJECT = np.array(
    [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, -1.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
)
"""What Blender's glTF importer does to an object: +y up becomes +z up."""


@dataclass(frozen=True)
class OpenCV:
    """A camera as OpenCV has it: +x right, +y down, +z forward.

    Attributes:
        rotation, translation: X_camera = R X + t, for column vectors.
        matrix: Intrinsics K in pixels; the centre of the upper left pixel is at (0, 0).
    """

    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, "3"]
    matrix: Float[np.ndarray, "3 3"]


@dataclass(frozen=True)
class Colmap:
    """An image and its camera as COLMAP's text files have them.

    Attributes:
        quaternion: QW QX QY QZ of the rotation from the world to a camera with +y down, +z forward.
        translation: TX TY TZ.
        size: WIDTH HEIGHT, in pixels.
        parameters: FX FY CX CY of a PINHOLE camera; the upper left pixel's centre is at (.5, .5).
    """

    quaternion: Float[np.ndarray, "4"]
    translation: Float[np.ndarray, "3"]
    size: tuple[int, int]
    parameters: tuple[float, float, float, float]


@dataclass(frozen=True)
class PyTorch3D:
    """Arguments of PyTorch3D's ``FoVPerspectiveCameras``: +x left, +y up, +z forward.

    Attributes:
        R: Rotation, for row vectors: X_camera = X R + T.
        T: Translation.
        fov: Vertical field of view, in degrees; pictures are square.
    """

    R: Float[np.ndarray, "3 3"]
    T: Float[np.ndarray, "3"]
    fov: float


@dataclass(frozen=True)
class Blender:
    """A Blender camera, for an object that its glTF importer has brought in.

    Attributes:
        matrix_world: World from camera.
        angle_y: Vertical field of view, in radians, with ``sensor_fit = "VERTICAL"``.
    """

    matrix_world: Matrix
    angle_y: float


def to_opencv(camera_from_object: Matrix, fov_y: float, size: tuple[int, int]) -> OpenCV:
    """Convert a camera.

    Args:
        camera_from_object: Where the object stands.
        fov_y: Vertical field of view, in radians.
        size: Height and width of the picture, in pixels.

    Example:
        >>> three_away = np.eye(4)
        >>> three_away[2, 3] = -3
        >>> camera = to_opencv(three_away, np.pi / 2, (480, 640))
        >>> camera.translation.tolist(), camera.matrix[0].round(3).tolist()
        ([0.0, 0.0, 3.0], [240.0, 0.0, 319.5])
    """
    moved = DOWN_AND_FORWARD @ camera_from_object
    focal, (height, width) = _focal(fov_y, size[0]), size
    matrix = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    return OpenCV(moved[:3, :3], moved[:3, 3], matrix)


def from_opencv(camera: OpenCV, size: tuple[int, int]) -> tuple[Matrix, float]:
    """Return ``camera_from_object`` and ``fov_y``; see `to_opencv`.

    Raises:
        ValueError: If pixels are not square, or the principal point is not the picture's centre:
            cameras here have neither.
    """
    height, width = size
    _check_centred(
        (camera.matrix[0, 0], camera.matrix[1, 1]),
        (camera.matrix[0, 2] + 0.5, camera.matrix[1, 2] + 0.5),
        (width, height),
    )
    moved = _rigid(camera.rotation, camera.translation)
    return DOWN_AND_FORWARD @ moved, _fov(camera.matrix[1, 1], height)


def to_colmap(camera_from_object: Matrix, fov_y: float, size: tuple[int, int]) -> Colmap:
    """Convert a camera; see `to_opencv`."""
    moved = DOWN_AND_FORWARD @ camera_from_object
    x, y, z, w = Rotation.from_matrix(moved[:3, :3]).as_quat(canonical=True)
    focal, (height, width) = _focal(fov_y, size[0]), size
    return Colmap(
        np.array([w, x, y, z]), moved[:3, 3], (width, height), (focal, focal, width / 2, height / 2)
    )


def from_colmap(camera: Colmap) -> tuple[Matrix, float]:
    """Return ``camera_from_object`` and ``fov_y``.

    Raises:
        ValueError: As `from_opencv` does.
    """
    fx, fy, cx, cy = camera.parameters
    _check_centred((fx, fy), (cx, cy), camera.size)
    w, x, y, z = camera.quaternion
    moved = _rigid(Rotation.from_quat([x, y, z, w]).as_matrix(), camera.translation)
    return DOWN_AND_FORWARD @ moved, _fov(fy, camera.size[1])


def to_pytorch3d(camera_from_object: Matrix, fov_y: float) -> PyTorch3D:
    """Convert a camera of square pictures; ``fov_y`` is in radians."""
    moved = LEFT_AND_FORWARD @ camera_from_object
    return PyTorch3D(moved[:3, :3].T, moved[:3, 3], float(np.degrees(fov_y)))


def from_pytorch3d(camera: PyTorch3D) -> tuple[Matrix, float]:
    """Return ``camera_from_object`` and ``fov_y``."""
    moved = _rigid(camera.R.T, camera.T)
    return LEFT_AND_FORWARD @ moved, float(np.radians(camera.fov))


def to_blender(camera_from_object: Matrix, fov_y: float) -> Blender:
    """Convert a camera; ``fov_y`` is in radians."""
    return Blender(BLENDER_FROM_OBJECT @ np.linalg.inv(camera_from_object), fov_y)


def from_blender(camera: Blender) -> tuple[Matrix, float]:
    """Return ``camera_from_object`` and ``fov_y``."""
    return np.linalg.inv(camera.matrix_world) @ BLENDER_FROM_OBJECT, camera.angle_y


def _rigid(rotation: Float[np.ndarray, "3 3"], translation: Float[np.ndarray, "3"]) -> Matrix:
    moved = np.eye(4)
    moved[:3, :3], moved[:3, 3] = rotation, translation
    return moved


def _focal(fov_y: float, height: int) -> float:
    return height / 2 / tan(fov_y / 2)


def _fov(focal: float, height: int) -> float:
    return 2 * atan(height / 2 / focal)


def _check_centred(
    focal: tuple[float, float], centre: tuple[float, float], size: tuple[int, int]
) -> None:
    if abs(focal[0] - focal[1]) > 1e-3 * abs(focal[1]):
        raise ValueError(
            f"pixels must be square, found focal lengths {focal[0]:g} and {focal[1]:g}"
        )
    off = max(abs(centre[k] - size[k] / 2) for k in range(2))
    if off > 0.01 * max(size):
        raise ValueError(
            f"the principal point must be the picture's centre, found {centre[0]:g}, {centre[1]:g} "
            f"in {size[0]} x {size[1]} pixels: crop the picture around it first"
        )
