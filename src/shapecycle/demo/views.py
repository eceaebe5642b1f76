"""Views of the demo's objects: cameras, drawings in neutral light, and pictures from files."""

from dataclasses import replace
from math import pi, radians
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from shapecycle import rasterize as rz
from shapecycle.camera import Pose, View
from shapecycle.code_to_image.compositing import downsampled, unpremultiplied
from shapecycle.code_to_image.raw_mesh import draw_raw
from shapecycle.demo.world import World
from shapecycle.graphics_code import GraphicsCode
from shapecycle.memory.surfaces import SurfaceDecoder
from shapecycle.mesh import Mesh
from shapecycle.priors.solid_texture import SolidTexture

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


def neutral_light() -> Float[Tensor, "1 9 3"]:
    """Return white light, most of it from above right: harmonics of the camera's frame."""
    lamp = torch.nn.functional.normalize(torch.tensor([[0.4, 0.75, 0.55]]), dim=1)
    # A clamped cosine lobe, as in `priors.light.sample_light`.
    lobe = torch.tensor([pi] + [2 * pi / 3] * 3 + [pi / 4] * 5)
    light = 0.6 * rz.sh_basis(lamp[:, :, None])[:, :, 0] * lobe
    light[:, 0] += 0.45 * 2 * pi**0.5
    return light[:, :, None].expand(1, 9, 3)


def drawn_untextured(mesh: Mesh, pose: Pose, view: View) -> Float[np.ndarray, "h w 4"]:
    """Draw a mesh in grey, in neutral light.

    Returns:
        Straight-alpha sRGB in [0, 1], row 0 on top.
    """
    vertices = torch.from_numpy(mesh.vertices).float()[None]
    topology = rz.Topology.stack([mesh.faces])
    # A texture's first region is everywhere: with no other, it is of one colour.
    texture = SolidTexture.sample(1, torch.Generator(), regions=1)
    grey = replace(texture, colours=torch.full((1, 1, 3), 0.75))
    drawn = draw_raw(vertices, topology, grey, pose, neutral_light(), view)
    result: np.ndarray = drawn[0].permute(1, 2, 0).numpy()
    return result


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
