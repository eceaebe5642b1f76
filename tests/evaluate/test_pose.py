"""Laws of camera errors, and the files true cameras come in."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import trimesh
from jaxtyping import Float
from numpy.testing import assert_allclose

from shapecycle.errors import DataError
from shapecycle.evaluate.pose import (
    azimuth_error,
    azimuth_of,
    look_at,
    read_cameras,
    rotation_error,
)

ROW = [30.0, 20.0, 0, 0.8, 25]


def random_cameras(count: int, seed: int) -> Float[np.ndarray, "n 4 4"]:
    generator = np.random.default_rng(seed)
    made = [
        trimesh.transformations.random_rotation_matrix(generator.random(3)) for _ in range(count)
    ]
    return np.stack(made)


def turned(camera: Float[np.ndarray, "4 4"], angle: float) -> Float[np.ndarray, "4 4"]:
    turn = trimesh.transformations.rotation_matrix(angle, [0.3, -0.5, 0.8])
    return np.asarray(turn @ camera)


def written(folder: Path, content: object) -> Path:
    path = folder / "cameras.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("azimuth", [-3.0, -1.0, 0.0, 0.4, 2.5])
@pytest.mark.parametrize("elevation", [-0.7, 0.0, 0.5])
def test_a_camera_stands_where_it_was_put_and_sees_the_origin_ahead(
    azimuth: float, elevation: float
) -> None:
    camera = look_at(azimuth, elevation, 1.5)
    position = np.array(
        [
            math.sin(azimuth) * math.cos(elevation),
            math.sin(elevation),
            math.cos(azimuth) * math.cos(elevation),
        ]
    )
    assert_allclose(camera @ [*(1.5 * position), 1], [0, 0, 0, 1], atol=1e-12)
    assert_allclose(camera @ [0, 0, 0, 1], [0, 0, -1.5, 1], atol=1e-12)
    assert_allclose(camera[:3, :3] @ camera[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(camera) == pytest.approx(1)
    assert azimuth_of(camera) == pytest.approx(azimuth)


def test_up_is_up_and_the_side_that_faces_plus_x_is_right_from_the_front() -> None:
    camera = look_at(0.0, 0.3, 1.0)
    assert (camera @ [0, 1, 0, 0])[1] > 0
    assert_allclose(camera @ [1, 0, 0, 0], [1, 0, 0, 0], atol=1e-12)


def test_straight_from_above_is_a_camera_too() -> None:
    camera = look_at(0.5, math.pi / 2, 2.0)
    assert_allclose(camera[:3, :3] @ camera[:3, :3].T, np.eye(3), atol=1e-12)


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, 1.0, 3.0, math.pi - 1e-7, math.pi])
def test_turning_a_camera_by_an_angle_is_an_error_of_that_angle(angle: float) -> None:
    camera = random_cameras(1, seed=0)[0]
    assert rotation_error(turned(camera, angle), camera) == pytest.approx(
        angle, abs=1e-14, rel=1e-6
    )


def test_the_rotation_error_is_a_distance() -> None:
    a, b, c = (random_cameras(100, seed) for seed in range(3))
    assert_allclose(rotation_error(a, b), rotation_error(b, a))
    assert_allclose(rotation_error(a, a), 0, atol=1e-12)
    assert (rotation_error(a, c) <= rotation_error(a, b) + rotation_error(b, c) + 1e-9).all()
    assert (rotation_error(a, b) > 0).all()
    assert rotation_error(a, b).max() <= math.pi


def test_the_frame_of_the_object_plays_no_part_in_the_rotation_error() -> None:
    a, b, turn = (random_cameras(50, seed) for seed in range(3))
    assert_allclose(rotation_error(a @ turn, b @ turn), rotation_error(a, b))


@pytest.mark.parametrize(
    ("predicted", "truth", "error"),
    [(10, 350, 20), (350, 10, 20), (0, 180, 180), (90, -90, 180), (45, 45, 0), (-170, 170, 20)],
)
def test_azimuths_are_compared_around_the_circle(
    predicted: float, truth: float, error: float
) -> None:
    first = look_at(math.radians(predicted), 0.2, 1.0)
    second = look_at(math.radians(truth), 0.6, 2.0)
    assert azimuth_error(first, second) == pytest.approx(math.radians(error), abs=1e-9)


def test_many_cameras_are_compared_at_once() -> None:
    a, b = random_cameras(6, 0), random_cameras(6, 1)
    assert_allclose(azimuth_error(a, b), [azimuth_error(x, y) for x, y in zip(a, b, strict=True)])
    assert rotation_error(a.reshape(2, 3, 4, 4), b.reshape(2, 3, 4, 4)).shape == (2, 3)


def test_a_file_of_degrees_gives_a_camera_per_picture(tmp_path: Path) -> None:
    rows = [[10.0 * k, 25.0, 0, 0.7, 25] for k in range(12)]
    cameras = read_cameras(written(tmp_path, {"format": "...", "cams": {"SS_014": rows}}))
    assert len(cameras) == 12
    assert_allclose(
        cameras["SS_014_07"], look_at(math.radians(70), math.radians(25), 1.75 * 0.7), atol=1e-12
    )
    assert azimuth_of(cameras["SS_014_11"]) == pytest.approx(math.radians(110))


def test_a_file_of_matrices_gives_them_back(tmp_path: Path) -> None:
    camera = look_at(0.3, 0.2, 1.4)
    view = {
        "azimuth_degrees": math.degrees(0.3),
        "elevation_degrees": math.degrees(0.2),
        "camera_from_object": camera.tolist(),
    }
    path = written(tmp_path, {"fov_y_degrees": 40.0, "views": {"car_3_00": view}})
    cameras = read_cameras(path)
    assert list(cameras) == ["car_3_00"]
    assert_allclose(cameras["car_3_00"], camera)


MIRRORED = np.diag([-1.0, 1, 1, 1]).tolist()
SCALED = np.diag([2.0, 2, 2, 1]).tolist()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "JSON list"),
        ({"cameras": {}}, "neither an object 'cams' nor"),
        ({"cams": {}}, "no camera"),
        ({"views": {}}, "no camera"),
        ({"cams": {"a": 5}}, "model 'a' is not a list"),
        ({"cams": {"a": [ROW, [1, 2]]}}, r"view 1 of 'a' has the shape \(2,\)"),
        ({"cams": {"a": [["x", 0, 0, 1]]}}, "view 0 of 'a' holds something"),
        ({"cams": {"a": [{"azimuth": 1}]}}, "view 0 of 'a' holds something"),
        ({"cams": {"a": [[[1], 0, 0, 1]]}}, "view 0 of 'a' holds something"),
        ({"cams": {"a": [[math.nan, 0, 0, 1]]}}, "not finite"),
        ({"cams": {"a": [[None, 0, 0, 1]]}}, "not finite"),
        ({"cams": {"a": [[0, 0, 5, 1]]}}, "in-plane rotation of 5"),
        ({"cams": {"a": [[0, 91, 0, 1]]}}, "elevation 91"),
        ({"cams": {"a": [[0, 9, 0, 0]]}}, "distance ratio 0"),
        ({"views": {"b_01": [1]}}, "view 'b_01' has no 'camera_from_object'"),
        ({"views": {"b_01": {"azimuth_degrees": 1}}}, "view 'b_01' has no 'camera_from_object'"),
        ({"views": {"b_01": {"camera_from_object": [[1, 0], [0, 1]]}}}, r"shape \(2, 2\)"),
        ({"views": {"b_01": {"camera_from_object": MIRRORED}}}, "not a rotation"),
        ({"views": {"b_01": {"camera_from_object": SCALED}}}, "not a rotation"),
    ],
)
def test_a_malformed_file_is_refused_by_name(tmp_path: Path, content: object, message: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(DataError, match=message) as caught:
        read_cameras(path)
    assert str(path) in caught.value.what
    assert caught.value.hint


def test_a_file_that_is_not_json_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "cameras.json"
    path.write_bytes(b"\xff\xfe{")
    with pytest.raises(DataError, match=r"cameras\.json is not JSON"):
        read_cameras(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cameras\.json cannot be read: No such file"):
        read_cameras(tmp_path / "cameras.json")
