"""Poses and cameras in the one frame of this package.

Right-handed; the camera has +x to the right, +y up and looks along -z; image row 0 is on top.
Distances are in object units, in which an object's bounding box has a diagonal of about 1.
A *window* is the square part of the frame that a network looks at: ``(centre_x, centre_y, half)``
in units of half the frame's height, x to the right, y up, from the frame's centre.
"""

from dataclasses import dataclass
from math import tan

import torch
from jaxtyping import Float
from torch import Tensor

NEAR, FAR = 0.05, 50.0
FRAMING_ROUNDS = 6


@dataclass(frozen=True, eq=False)
class Pose:
    """Where an object stands in front of the camera, for a batch.

    Attributes:
        angles: Azimuth, elevation and roll of the camera around the object, in radians, of any
            size: from azimuth a and elevation e the camera sees the object from the direction
            (sin a cos e, sin e, cos a cos e), so that azimuth 0 looks at the front.
        translation: The object's origin in camera space, in object units; z is negative in front
            of the camera.
    """

    angles: Float[Tensor, "b 3"]
    translation: Float[Tensor, "b 3"]

    def __len__(self) -> int:
        return len(self.angles)

    def __getitem__(self, index: int | slice | list[int]) -> "Pose":
        """Take some items; an integer keeps the batch axis, with one item."""
        pick = [range(len(self))[index]] if isinstance(index, int) else index
        return Pose(self.angles[pick], self.translation[pick])

    def rotation(self) -> Float[Tensor, "b 3 3"]:
        """Return the rotations of camera_from_object: Rz(roll) Rx(elevation) Ry(-azimuth)."""
        azimuth, elevation, roll = self.angles.unbind(1)
        (ca, sa), (ce, se), (cr, sr) = ((x.cos(), x.sin()) for x in (azimuth, elevation, roll))
        one, zero = torch.ones_like(ca), torch.zeros_like(ca)
        turn = _matrix(ca, zero, -sa, zero, one, zero, sa, zero, ca)
        tip = _matrix(one, zero, zero, zero, ce, -se, zero, se, ce)
        bank = _matrix(cr, -sr, zero, sr, cr, zero, zero, zero, one)
        return bank @ tip @ turn

    def camera_from_object(self) -> Float[Tensor, "b 4 4"]:
        """Return the rigid transforms as homogeneous matrices, for column vectors."""
        bottom = self.angles.new_tensor([0.0, 0.0, 0.0, 1.0]).expand(len(self.angles), 1, 4)
        top = torch.cat([self.rotation(), self.translation[:, :, None]], 2)
        return torch.cat([top, bottom], 1)

    def place(self, vertices: Float[Tensor, "b v 3"]) -> Float[Tensor, "b v 3"]:
        """Carry points from object space to camera space, both in object units."""
        return vertices @ self.rotation().mT + self.translation[:, None]


def _matrix(*entries: Tensor) -> Float[Tensor, "b 3 3"]:
    return torch.stack(entries, 1).view(-1, 3, 3)


def clip_from_camera(
    points: Float[Tensor, "b v 3"],
    window: Float[Tensor, "b 3"],
    *,
    fov_y: float,
    aspect: float = 1.0,
) -> Float[Tensor, "b v 4"]:
    """Project camera-space points to the clip space of a window.

    Args:
        points: Camera-space positions, in object units.
        window: The part of the frame that fills the picture; (0, 0, 1) is the whole frame.
        fov_y: Full vertical field of view of the whole frame, in radians, in (0, pi).
        aspect: Width over height of the picture that is drawn, > 0.

    Returns:
        OpenGL clip-space positions: x and y in [-w, w] inside the window, z in [-w, w] between
        the near and the far plane.

    Source:
        OpenGL 4.6 core specification, section 13.8; the window is an off-axis frustum.
    """
    x, y, z = points.unbind(2)
    centre_x, centre_y, half = (window[:, k, None] for k in range(3))
    slope = tan(fov_y / 2)
    clip_x = (x / slope + centre_x * z) / (half * aspect)
    clip_y = (y / slope + centre_y * z) / half
    clip_z = (-z * (FAR + NEAR) - 2 * FAR * NEAR) / (FAR - NEAR)
    return torch.stack([clip_x, clip_y, clip_z, -z], 2)


def window_around(
    points: Float[Tensor, "b v 3"], *, fov_y: float, margin: float
) -> Float[Tensor, "b 3"]:
    """Return the square windows around the projections of camera-space points.

    Args:
        points: Camera-space positions, all in front of the camera (z < 0).
        fov_y: Full vertical field of view, in radians, in (0, pi).
        margin: What is added to half the side, as a fraction of it, >= 0.

    Returns:
        Centre and half side, in units of half the frame's height.
    """
    slope = tan(fov_y / 2)
    flat = points[..., :2] / (-points[..., 2:] * slope)
    low, high = flat.amin(1), flat.amax(1)
    half = ((high - low) / 2).amax(1, keepdim=True) * (1 + margin)
    return torch.cat([(low + high) / 2, half], 1)


def moved_into_frame(
    points: Float[Tensor, "b v 3"], pose: Pose, *, fov_y: float, margin: float = 0.03
) -> Pose:
    """Move objects as far as they must, and no farther, for the square frame to hold them.

    Args:
        points: Of the objects, in object space.
        pose: Where they stand; angles stay.
        fov_y: Full vertical field of view of the frame, in radians, in (0, pi).
        margin: What is left free along the frame's edges, as a fraction of its half side.
    """
    slope, room = tan(fov_y / 2), 1 - margin
    translation = pose.translation
    for _ in range(FRAMING_ROUNDS):
        camera = Pose(pose.angles, translation).place(points)
        # Whatever reaches behind the camera is first put in front of it.
        back = (camera[..., 2].amax(1) + NEAR).clamp(min=0)
        camera = camera - back[:, None, None] * camera.new_tensor([0.0, 0.0, 1.0])
        translation = translation - back[:, None] * translation.new_tensor([0.0, 0.0, 1.0])
        window = window_around(camera, fov_y=fov_y, margin=0.0)
        centre, half = window[:, :2], window[:, 2:]
        away = (half / room).clamp(min=1)
        aside = (centre.abs() + half / away - room).clamp(min=0) * centre.sign()
        depth = -translation[:, 2:] * away
        # By what moves the nearest points far enough: farther ones follow in the next rounds.
        nearest = (-camera[..., 2]).amin(1, keepdim=True) * away
        translation = torch.cat([translation[:, :2] * away - aside * slope * nearest, -depth], 1)
    return Pose(pose.angles, translation)


def translation_in_window(
    placement: Float[Tensor, "b 3"], window: Float[Tensor, "b 3"], *, fov_y: float
) -> Float[Tensor, "b 3"]:
    """Turn what can be seen in a window into a camera-space translation.

    Args:
        placement: Where the object's origin appears in the window (x, y; the window spans
            [-1, 1]), and the logarithm of the window's half side at the object's depth, in
            object units.
        window: The window inside the frame.
        fov_y: Full vertical field of view of the frame, in radians, in (0, pi).

    Returns:
        The object's origin in camera space, in object units.
    """
    slope = tan(fov_y / 2)
    depth = placement[:, 2:].exp() / (window[:, 2:] * slope)
    at = window[:, :2] + window[:, 2:] * placement[:, :2]
    return torch.cat([at * slope * depth, -depth], 1)


def placement_in_window(
    translation: Float[Tensor, "b 3"], window: Float[Tensor, "b 3"], *, fov_y: float
) -> Float[Tensor, "b 3"]:
    """Undo `translation_in_window`, for translations in front of the camera (z < 0)."""
    slope = tan(fov_y / 2)
    depth = -translation[:, 2:]
    at = translation[:, :2] / (depth * slope)
    size = (depth * window[:, 2:] * slope).log()
    return torch.cat([(at - window[:, :2]) / window[:, 2:], size], 1)


@dataclass(frozen=True)
class View:
    """Which part of the frame is drawn, and how finely.

    Attributes:
        window: Square windows in the frame, see `camera`; (0, 0, 1) is the whole frame.
        size: Height and width of the picture, in pixels; the window's height is the picture's.
        fov_y: Full vertical field of view of the whole frame, in radians.
    """

    window: Float[Tensor, "b 3"]
    size: tuple[int, int]
    fov_y: float

    def clip(self, points: Float[Tensor, "b v 3"]) -> Float[Tensor, "b v 4"]:
        """Project camera-space points to the clip space of the picture, see `clip_from_camera`."""
        aspect = self.size[1] / self.size[0]
        return clip_from_camera(points, self.window, fov_y=self.fov_y, aspect=aspect)
