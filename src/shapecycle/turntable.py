"""One object from all around, as an animation."""

from collections.abc import Sequence
from dataclasses import replace
from math import pi
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image

from shapecycle.camera import Pose
from shapecycle.code_to_image.compositing import pixels_over
from shapecycle.graphics_code import GraphicsCode
from shapecycle.model import Model

GIF_SECONDS = 4.0
"""What one turn around an object takes in an animation."""


def turned(
    model: Model, code: GraphicsCode, size: int, count: int, shadow: bool = False
) -> list[Float[np.ndarray, "h w 4"]]:
    """Draw one code from all around, beginning with its own pose.

    Args:
        model: Whose code it is.
        code: A batch of one.
        size: Side of the square pictures, in pixels.
        count: Of pictures.
        shadow: Whether a shadow falls on the ground.
    """
    code = code.map(torch.Tensor.cpu)
    turns = torch.zeros(count, 3)
    turns[:, 0] = torch.arange(count) * (2 * pi / count)
    angles = code.pose.angles + turns
    around = [
        replace(code, pose=Pose(angles[k : k + 1], code.pose.translation)) for k in range(count)
    ]
    # One distance from which the frame holds the object all around.
    places = torch.cat([model.in_frame(one).pose.translation.cpu() for one in around])
    place = torch.tensor([[0.0, 0.0, float(places[:, 2].min())]])
    moved = [replace(one, pose=Pose(one.pose.angles, place)) for one in around]
    return [model.draw(one, size, shadow=shadow)[0] for one in moved]


def save_animation(
    path: Path,
    frames: Sequence[Float[np.ndarray, "h w 4"]],
    background: Float[np.ndarray, "h w 3"] | None,
) -> None:
    """Write an animation: on white, where nothing else stands behind, for it has no soft edges."""
    behind = np.ones_like(frames[0][..., :3]) if background is None else background
    first, *others = (Image.fromarray(pixels_over(frame, behind)) for frame in frames)
    duration = round(1000 * GIF_SECONDS / len(frames))
    first.save(path, save_all=True, append_images=others, duration=duration, loop=0)
