"""Poses and windows: which way is which, and what undoes what."""

from math import pi, radians, tan

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shapecycle.camera import (
    Pose,
    clip_from_camera,
    moved_into_frame,
    placement_in_window,
    translation_in_window,
    window_around,
)
from shapecycle.evaluate.pose import look_at

FOV_Y = radians(50)
FULL = torch.tensor([[0.0, 0.0, 1.0]])


def _pose(azimuth: float = 0.0, elevation: float = 0.0, roll: float = 0.0) -> Pose:
    return Pose(torch.tensor([[azimuth, elevation, roll]]), torch.tensor([[0.0, 0.0, -2.0]]))


def _placed(point: list[float], pose: Pose) -> torch.Tensor:
    return pose.place(torch.tensor([[point]]))[0, 0]


def _angles(seed: int, count: int = 16) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    low, high = torch.tensor([-pi, -1.5, -pi]), torch.tensor([pi, 1.5, pi])
    return low + (high - low) * torch.rand(count, 3, generator=generator)


def _translations(seed: int, count: int = 16) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    away = torch.randn(count, 3, generator=generator) * torch.tensor([0.3, 0.3, 0.5])
    away[:, 2] = -1.0 - away[:, 2].abs()
    return away


def test_azimuth_zero_sees_the_front() -> None:
    front, back = (_placed([0, 0, z], _pose()) for z in (0.5, -0.5))
    assert front[2] > back[2], "the front, +z, is nearer to a camera that looks along -z"
    torch.testing.assert_close(_placed([0.5, 0, 0], _pose()), torch.tensor([0.5, 0.0, -2.0]))


def test_azimuth_of_a_right_angle_sees_the_side_at_plus_x() -> None:
    pose = _pose(azimuth=pi / 2)
    torch.testing.assert_close(_placed([0.5, 0, 0], pose), torch.tensor([0.0, 0.0, -1.5]))
    # From there the front is on the left.
    assert _placed([0, 0, 0.5], pose)[0] < -0.4


def test_elevation_sees_the_top() -> None:
    pose = _pose(elevation=pi / 2 - 0.01)
    assert _placed([0, 0.5, 0], pose)[2] == pytest.approx(-1.5, abs=1e-3)
    assert _placed([0, 0, 0.5], pose)[1] < -0.4, "what faces us slides down in the picture"


def test_roll_turns_the_picture_counter_clockwise() -> None:
    torch.testing.assert_close(
        _placed([0.5, 0, 0], _pose(roll=pi / 2)), torch.tensor([0.0, 0.5, -2.0])
    )


def test_rotations_are_orthonormal_and_keep_handedness() -> None:
    rotation = Pose(_angles(0), _translations(0)).rotation()
    torch.testing.assert_close(
        rotation @ rotation.mT, torch.eye(3).expand(16, 3, 3), atol=1e-6, rtol=0
    )
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(16))


def test_the_camera_stands_where_azimuth_and_elevation_say() -> None:
    angles = _angles(1)
    rotation = Pose(angles, _translations(1)).rotation()
    azimuth, elevation, _ = angles.unbind(1)
    toward = torch.stack(
        [azimuth.sin() * elevation.cos(), elevation.sin(), azimuth.cos() * elevation.cos()], 1
    )
    torch.testing.assert_close(rotation[:, 2], toward, atol=1e-6, rtol=0)


def test_poses_and_reported_cameras_agree() -> None:
    pose = Pose(torch.tensor([[0.7, 0.4, 0.0]]), torch.tensor([[0.0, 0.0, -1.6]]))
    torch.testing.assert_close(
        pose.camera_from_object()[0].double(),
        torch.from_numpy(look_at(0.7, 0.4, 1.6)),
        atol=1e-6,
        rtol=0,
    )


def test_placing_points_is_multiplying_by_the_matrix() -> None:
    pose = Pose(_angles(2), _translations(2))
    points = torch.randn(16, 5, 3, generator=torch.Generator().manual_seed(2))
    lifted = torch.cat([points, torch.ones(16, 5, 1)], 2)
    expected = lifted @ pose.camera_from_object().mT
    torch.testing.assert_close(pose.place(points), expected[..., :3])


@pytest.mark.parametrize(("axis", "sign"), [(0, 1), (0, -1), (1, 1), (1, -1)])
def test_right_and_up_in_space_are_right_and_up_in_clip_space(axis: int, sign: int) -> None:
    point = torch.tensor([[[0.0, 0.0, -2.0]]])
    point[0, 0, axis] += 0.3 * sign
    clip = clip_from_camera(point, FULL, fov_y=FOV_Y)[0, 0]
    assert clip[axis] * sign > 0
    assert clip[1 - axis] == pytest.approx(0, abs=1e-7)
    assert clip[3] == pytest.approx(2.0)


def test_the_edge_of_the_field_of_view_is_the_edge_of_the_picture() -> None:
    top = torch.tensor([[[0.0, 2.0 * tan(FOV_Y / 2), -2.0]]])
    clip = clip_from_camera(top, FULL, fov_y=FOV_Y, aspect=1.5)[0, 0]
    assert clip[1] / clip[3] == pytest.approx(1.0, abs=1e-6)
    side = torch.tensor([[[1.5 * 2.0 * tan(FOV_Y / 2), 0.0, -2.0]]])
    clip = clip_from_camera(side, FULL, fov_y=FOV_Y, aspect=1.5)[0, 0]
    assert clip[0] / clip[3] == pytest.approx(1.0, abs=1e-6)


def test_a_window_magnifies_its_part_of_the_frame() -> None:
    window = torch.tensor([[0.2, -0.1, 0.5]])
    point = torch.tensor([[[0.3, 0.1, -2.0]]])
    whole = clip_from_camera(point, FULL, fov_y=FOV_Y)[0, 0]
    part = clip_from_camera(point, window, fov_y=FOV_Y)[0, 0]
    at = whole[:2] / whole[3]
    torch.testing.assert_close(part[:2] / part[3], (at - window[0, :2]) / 0.5)


@settings(deadline=None, max_examples=50, derandomize=True)
@given(
    st.tuples(*[st.floats(-1, 1)] * 2),
    st.floats(-3, 2),
    st.tuples(*[st.floats(-1, 1)] * 2),
    st.floats(0.05, 2),
    st.floats(0.2, 2.5),
)
def test_placement_and_translation_undo_each_other(
    at: tuple[float, float],
    size: float,
    centre: tuple[float, float],
    half: float,
    fov_y: float,
) -> None:
    placement = torch.tensor([[*at, size]], dtype=torch.float64)
    window = torch.tensor([[*centre, half]], dtype=torch.float64)
    translation = translation_in_window(placement, window, fov_y=fov_y)
    assert translation[0, 2] < 0, "objects stand in front of the camera"
    back = placement_in_window(translation, window, fov_y=fov_y)
    torch.testing.assert_close(back, placement, atol=1e-9, rtol=1e-9)


def test_a_placement_says_where_in_the_window_the_origin_is() -> None:
    placement = torch.tensor([[0.25, -0.5, 0.1]])
    window = torch.tensor([[0.3, 0.2, 0.6]])
    translation = translation_in_window(placement, window, fov_y=FOV_Y)
    clip = clip_from_camera(translation[:, None], window, fov_y=FOV_Y)[0, 0]
    torch.testing.assert_close(clip[:2] / clip[3], placement[0, :2])


def test_a_window_around_points_contains_them_tightly() -> None:
    generator = torch.Generator().manual_seed(3)
    points = torch.randn(8, 40, 3, generator=generator) * 0.4
    points[..., 2] -= 3
    for margin in (0.0, 0.25):
        window = window_around(points, fov_y=FOV_Y, margin=margin)
        clip = clip_from_camera(points, window, fov_y=FOV_Y)
        reach = (clip[..., :2] / clip[..., 3:]).abs().amax((1, 2))
        torch.testing.assert_close(reach, torch.full((8,), 1 / (1 + margin)))


def test_what_is_in_the_frame_stays_and_what_is_not_is_moved_into_it() -> None:
    points = (torch.rand(1, 60, 3, generator=torch.Generator().manual_seed(0)) - 0.5).expand(
        4, -1, -1
    )
    angles = torch.tensor([[0.3, 0.2, 0.0]]).expand(4, 3)
    places = torch.tensor([[0.0, 0, -3], [1.5, 0, -3], [0, -0.2, -0.7], [0.1, 0.1, 0.3]])
    pose = moved_into_frame(points, Pose(angles, places), fov_y=0.7)
    torch.testing.assert_close(pose.translation[0], places[0])
    camera = pose.place(points)
    window = window_around(camera, fov_y=0.7, margin=0.0)
    assert (camera[..., 2] < 0).all()
    assert (window[:, :2].abs() + window[:, 2:]).max() < 0.99
    # No farther than it takes: the second touches the margin.
    assert (window[1, 0].abs() + window[1, 2]).item() == pytest.approx(0.97, abs=0.01)
