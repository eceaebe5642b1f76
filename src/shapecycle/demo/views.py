"""Views of the demo's objects: cameras, drawings in neutral light, and pictures from files."""

from dataclasses import replace
from math import pi, radians
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image

from shapecycle.camera import Pose, View
from shapecycle.code_to_image.compositing import downsampled, unpremultiplied
from shapecycle.code_to_image.portrait import drawn_untextured as drawn_untextured
from shapecycle.code_to_image.portrait import neutral_light
from shapecycle.demo.world import World
from shapecycle.graphics_code import GraphicsCode
from shapecycle.memory.surfaces import SurfaceDecoder

SIDES = {"front": 0.0, "side": pi / 2, "behind": pi}
"""Azimuths from which reconstructions are shown, in radians."""
TILE = (100, 160)
"""Height and width of the pictures of meshes, in pixels."""


def around(azimuth: float) -> Pose:
    """Return the pose of a camera a little above, two diagonals away."""
    return Pose(torch.tensor([[azimuth, radians(15), 0.0]]), torch.tensor([[0.0, 0.0, -2.2]]))


def pose_of(camera_from_object: Float[np.ndarray, "4 4"]) -> Pose:
    """Return the angles and translation of a rigid matrix that does not look straight down."""
    m = camera_from_object
    angles = [
        np.arctan2(m[2, 0], m[2, 2]),
        np.arcsin(np.clip(m[2, 1], -1, 1)),
        np.arctan2(-m[0, 1], m[1, 1]),
    ]
    return Pose(
        torch.tensor(np.array([angles]), dtype=torch.float32),
        torch.tensor(m[None, :3, 3], dtype=torch.float32),
    )


def whole_frame(world: World, size: tuple[int, int]) -> View:
    """Return the view that the world's pictures show, at a height and width in pixels."""
    return View(torch.tensor([[0.0, 0.0, 1.0]]), size, radians(world.fov_y_degrees))


def close_up(world: World, size: tuple[int, int]) -> View:
    """Return the view that `around` fills with an object, whatever the world's field of view."""
    height, width = size
    fov_y = radians(world.fov_y_degrees)
    # At 2.2 diagonals a long object is nearly 1 wide, with the share of the perspective.
    half = 0.5 * height / width / (2.2 * np.tan(fov_y / 2))
    return View(torch.tensor([[0.0, 0.0, float(half)]]), size, fov_y)


@torch.no_grad()
def drawn_textured(
    surfaces: SurfaceDecoder, code: GraphicsCode, pose: Pose, view: View
) -> Float[np.ndarray, "h w 4"]:
    """Draw one code in another pose, in neutral light; returns what `drawn_untextured` does."""
    height, width = view.size
    fine = replace(view, size=(2 * height, 2 * width))
    code = replace(code, pose=pose, light=neutral_light())
    drawn = unpremultiplied(downsampled(surfaces.draw(code, fine), 2))
    result: np.ndarray = drawn[0].permute(1, 2, 0).numpy()
    return result


def pixels_of(path: Path) -> Float[np.ndarray, "h w 4"]:
    """Read a picture file: straight-alpha sRGB in [0, 1], row 0 on top."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGBA"), dtype=np.float32) / 255
