"""Cameras of other programs: each, by its own formula, sees a picture of this package the same."""

from math import radians

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from shapecycle.camera import Pose, View
from shapecycle.code_to_image.portrait import drawn_untextured
from shapecycle.export import cameras
from shapecycle.mesh import Mesh

FOV_Y = radians(40)
SIZE = (120, 160)
POSE = Pose(torch.tensor([[0.7, 0.35, 0.1]]), torch.tensor([[0.2, -0.1, -2.0]]))
CAMERA = POSE.camera_from_object()[0].double().numpy()
# Three tetrahedra far from each other, at places without any symmetry.
PLACES = np.array([[0.4, 0.0, 0.1], [-0.3, 0.25, 0.0], [0.0, -0.2, 0.35]])
TIP = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]) - 0.25
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


@pytest.fixture(scope="module")
def golden() -> np.ndarray:
    """Where the tetrahedra are in a picture that this package draws: their middles, in pixels from
    the upper left corner."""
    middles = []
    for place in PLACES:
        mesh = Mesh((place + 0.04 * TIP).astype(np.float32), FACES)
        view = View(torch.tensor([[0.0, 0.0, 1.0]]), SIZE, FOV_Y)
        alpha = drawn_untextured(mesh, POSE, view)[..., 3]
        rows, columns = np.nonzero(alpha > 0.5)
        middles.append([columns.mean() + 0.5, rows.mean() + 0.5])
    return np.array(middles)


def test_opencv_sees_the_picture(golden: np.ndarray) -> None:
    camera = cameras.to_opencv(CAMERA, FOV_Y, SIZE)
    seen = PLACES @ camera.rotation.T + camera.translation
    assert (seen[:, 2] > 0).all(), "in front of it"
    pixels = seen @ camera.matrix.T
    # Pixel centres are whole numbers there.
    np.testing.assert_allclose(pixels[:, :2] / pixels[:, 2:] + 0.5, golden, atol=0.6)


def test_colmap_sees_the_picture(golden: np.ndarray) -> None:
    camera = cameras.to_colmap(CAMERA, FOV_Y, SIZE)
    w, x, y, z = camera.quaternion
    seen = Rotation.from_quat([x, y, z, w]).apply(PLACES) + camera.translation
    fx, fy, cx, cy = camera.parameters
    assert camera.size == (160, 120)
    pixels = seen[:, :2] / seen[:, 2:] * [fx, fy] + [cx, cy]
    np.testing.assert_allclose(pixels, golden, atol=0.6)


def test_pytorch3d_sees_the_picture(golden: np.ndarray) -> None:
    camera = cameras.to_pytorch3d(CAMERA, FOV_Y)
    seen = PLACES @ camera.R + camera.T
    assert (seen[:, 2] > 0).all()
    # Its screens have +x to the left and +y up, in units of half the height.
    flat = seen[:, :2] / seen[:, 2:] / np.tan(radians(camera.fov) / 2)
    pixels = np.array([160, 120]) / 2 - flat * 120 / 2
    np.testing.assert_allclose(pixels, golden, atol=0.6)


def test_blender_sees_the_picture(golden: np.ndarray) -> None:
    camera = cameras.to_blender(CAMERA, FOV_Y)
    imported = PLACES @ cameras.BLENDER_FROM_OBJECT[:3, :3].T
    np.testing.assert_allclose(imported[:, 2], PLACES[:, 1], err_msg="its up is +z")
    seen = np.c_[imported, np.ones(3)] @ np.linalg.inv(camera.matrix_world).T
    assert (seen[:, 2] < 0).all(), "it looks along -z"
    flat = seen[:, :2] / -seen[:, 2:3] / np.tan(camera.angle_y / 2)
    pixels = np.array([160, 120]) / 2 + flat * [1, -1] * 120 / 2
    np.testing.assert_allclose(pixels, golden, atol=0.6)


def test_every_conversion_is_undone() -> None:
    found = [
        cameras.from_opencv(cameras.to_opencv(CAMERA, FOV_Y, SIZE), SIZE),
        cameras.from_colmap(cameras.to_colmap(CAMERA, FOV_Y, SIZE)),
        cameras.from_pytorch3d(cameras.to_pytorch3d(CAMERA, FOV_Y)),
        cameras.from_blender(cameras.to_blender(CAMERA, FOV_Y)),
    ]
    for matrix, fov_y in found:
        np.testing.assert_allclose(matrix, CAMERA, atol=1e-6)
        assert fov_y == pytest.approx(FOV_Y)


def test_cameras_that_this_package_does_not_have_are_refused() -> None:
    camera = cameras.to_colmap(CAMERA, FOV_Y, SIZE)
    for parameters, said in (
        ((100.0, 120.0, 80.0, 60.0), "pixels must be square"),
        ((100.0, 100.0, 20.0, 60.0), "principal point"),
    ):
        other = cameras.Colmap(camera.quaternion, camera.translation, camera.size, parameters)
        with pytest.raises(ValueError, match=said):
            cameras.from_colmap(other)
