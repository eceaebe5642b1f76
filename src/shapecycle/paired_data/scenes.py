"""One object seen from several sides, with all that is known of each picture."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from shapecycle.camera import View, moved_into_frame
from shapecycle.code_to_image.channels import channels
from shapecycle.code_to_image.compositing import over, resized, unpremultiplied
from shapecycle.code_to_image.ground import ground_shadow, under
from shapecycle.data.shards import json_bytes
from shapecycle.graphics_code import GraphicsCode
from shapecycle.model import Model
from shapecycle.paired_data.keypoints import Keypoints, seen_keypoints

DEPTH_STEPS = 10_000
"""Steps of a stored depth in one object unit."""
FINER = 2
"""Samples along a side of each pixel."""
DECIMALS = 5


@dataclass(frozen=True, eq=False)
class Scenes:
    """Draws objects, several views of each.

    Attributes:
        model: What draws.
        size: Side of the square pictures, in pixels.
        keypoints: Which are looked up.
        moves: Whether objects are moved to where the frame does not cut them.
        shadow: Whether shadows fall on the ground; no mask shows them.
    """

    model: Model
    size: int
    keypoints: Keypoints
    moves: bool = True
    shadow: bool = False

    @torch.no_grad()
    def files(
        self,
        code: GraphicsCode,
        views: GraphicsCode,
        backgrounds: "Sequence[Float[np.ndarray, 'h w 3'] | None]",
        about: dict[str, Any],
    ) -> list[dict[str, bytes]]:
        """Draw one object from several sides.

        Args:
            code: The object, a batch of one.
            views: As many codes as views, of which pose and light count.
            backgrounds: What stands behind each.
            about: What else the records of all say.

        Returns:
            The files of each picture, by what their names end in: image.png (sRGB, straight alpha
            where there is no background), mask.png, depth.png (16 bits), normal.png, and json.
        """
        model, count = self.model, len(views)
        surfaces = next(iter(model.surfaces(code)))
        vertices = surfaces.vertices.repeat(count, 1, 1)
        pose = views.pose
        if self.moves:
            pose = moved_into_frame(vertices, pose, fov_y=model.networks.fov_y)
        window = vertices.new_tensor([[0.0, 0.0, 1.0]]).repeat(count, 1)
        fine = View(window, (FINER * self.size, FINER * self.size), model.networks.fov_y)
        view = View(window, (self.size, self.size), model.networks.fov_y)
        drawn = model.networks.renderer.draw_surface(
            vertices, surfaces.albedo.repeat(count, 1, 1, 1), pose, views.light, fine,
            faces=surfaces.faces,
        )  # fmt: skip
        mask = _bytes(resized(drawn[:, 3:], view.size))[..., 0]
        if self.shadow:
            drawn = under(drawn, ground_shadow(vertices, surfaces.faces.topology, pose, fine))
        rgba = unpremultiplied(resized(drawn, view.size)).cpu()
        known = channels(vertices, surfaces.faces.topology, pose, view)
        places = self.keypoints.places(surfaces).repeat(count, 1, 1)
        points = seen_keypoints(places, pose, known.depth, view).cpu()
        depth = (known.depth[:, 0] * DEPTH_STEPS).round().clamp(0, 65535).cpu().numpy()
        normals = _bytes((known.normals + 1) / 2)
        light = views.light.cpu()
        matrices = pose.camera_from_object().cpu()
        angles = torch.atan2(pose.angles.sin(), pose.angles.cos()).cpu()
        shape, texture = (_numbers(x[0]) for x in (code.shape, code.texture.code))
        found = []
        for k in range(count):
            picture = rgba[k]
            if (background := backgrounds[k]) is not None:
                behind = torch.from_numpy(np.array(background)).permute(2, 0, 1)
                picture = over(picture, behind)
            record = {
                **about,
                "view": k,
                "camera_from_object": _numbers(matrices[k]),
                "fov_y": model.networks.fov_y,
                "azimuth": round(float(angles[k, 0]), DECIMALS),
                "elevation": round(float(angles[k, 1]), DECIMALS),
                "roll": round(float(angles[k, 2]), DECIMALS),
                "keypoints": [[round(x, 2), round(y, 2), int(s)] for x, y, s in points[k].tolist()],
                "light": _numbers(light[k]),
                "shape": shape,
                "texture": texture,
            }
            found.append(
                {
                    "image.png": _png(_bytes(picture[None])[0]),
                    "mask.png": _png(mask[k]),
                    "depth.png": _png(depth[k].astype(np.uint16)),
                    "normal.png": _png(normals[k]),
                    "json": json_bytes(record),
                }
            )
        return found


def _bytes(images: Float[Tensor, "b c h w"]) -> UInt8[np.ndarray, "b h w c"]:
    pixels = (images.clamp(0, 1) * 255).round().byte()
    return np.ascontiguousarray(pixels.permute(0, 2, 3, 1).cpu().numpy())


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _numbers(values: Tensor) -> Any:
    return np.round(values.cpu().numpy().astype(np.float64), DECIMALS).tolist()
