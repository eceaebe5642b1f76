"""The ground: a soft shadow under an object that stands on its lowest point.

As under an even sky: a point of the ground is darker the more of the object is above it, and the
nearer. No light is traced.
"""

from math import tan

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from shapecycle import rasterize as rz
from shapecycle.camera import Pose, View

SIDE = 96
"""Cells along a side of the ground's map."""
REACH = 1.2
"""Half the side of the map, in object units."""
DARK = 0.75
"""Opacity of the shadow where the object touches the ground."""
HEIGHT = 0.12
"""Height above the ground, in object units, over which the shadow of a point fades to 1 / e."""
SOFT = (2, 5)
"""Cells over which the shadow is blurred, for what is near the ground, and for what is higher."""


def ground_shadow(
    vertices: Float[Tensor, "b v 3"], topology: rz.Topology, pose: Pose, view: View
) -> Float[Tensor, "b 1 h w"]:
    """Return the opacity of the shadow on the ground, in [0, 1], whatever stands before it.

    Args:
        vertices: In object space, y up.
        topology: Their faces.
        pose: Where the objects stand.
        view: What is drawn.
    """
    low = vertices[..., 1].amin(1)
    onto, x, z = _rays_on_ground(low, pose, view)
    map_of_shadow = _map(vertices, topology, low)
    grid = torch.stack([x / REACH, z / REACH], -1)
    found = F.grid_sample(map_of_shadow, grid, mode="bilinear", align_corners=False)
    return found * onto[:, None]


def under(
    premultiplied: Float[Tensor, "b 4 h w"], shadow: Float[Tensor, "b 1 h w"]
) -> Float[Tensor, "b 4 h w"]:
    """Lay premultiplied pictures over a black of some opacity."""
    alpha = premultiplied[:, 3:]
    return torch.cat([premultiplied[:, :3], alpha + (1 - alpha) * shadow], 1)


def _map(
    vertices: Float[Tensor, "b v 3"], topology: rz.Topology, low: Float[Tensor, " b"]
) -> Float[Tensor, "b 1 s s"]:
    """Return how dark the ground is, x to the right and z downwards."""
    height = vertices[..., 1] - low[:, None]
    x, z = vertices[..., 0] / REACH, vertices[..., 2] / REACH
    # Seen from below: what is lowest is nearest.
    clip = torch.stack([x, -z, height - 0.5, torch.ones_like(x)], 2)
    seen = rz.rasterize(clip, topology, (SIDE, SIDE))
    above = rz.interpolate(height[..., None], clip, topology, seen)
    dark = seen.mask[:, None] * torch.exp(-above / HEIGHT)
    near = dark * torch.exp(-above / (0.3 * HEIGHT))
    blurred = [_blurred(part, cells) for part, cells in zip((near, dark), SOFT, strict=True)]
    return DARK * torch.maximum(*blurred)


def _blurred(image: Float[Tensor, "b 1 s s"], cells: int) -> Float[Tensor, "b 1 s s"]:
    """Average over a square, twice; outside lies nothing."""
    for _ in range(2):
        image = F.avg_pool2d(image, 2 * cells + 1, 1, cells)
    return image


def _rays_on_ground(
    low: Float[Tensor, " b"], pose: Pose, view: View
) -> tuple[Float[Tensor, "b h w"], Float[Tensor, "b h w"], Float[Tensor, "b h w"]]:
    """Return whether the ray of each pixel meets the ground, and where, in object space."""
    height, width = view.size
    down, right = (
        (torch.arange(count, device=low.device) + 0.5) / count * 2 - 1 for count in (height, width)
    )
    centre_x, centre_y, half = (view.window[:, k, None, None] for k in range(3))
    slope = tan(view.fov_y / 2)
    x = (centre_x + half * (width / height) * right[None, None, :]) * slope
    y = (centre_y - half * down[None, :, None]) * slope
    x, y = x.expand(-1, height, width), y.expand(-1, height, width)
    camera = torch.stack([x, y, -torch.ones_like(x)], -1)
    object_from_camera = pose.rotation().mT
    along = torch.einsum("bij,bhwj->bhwi", object_from_camera, camera)
    eye = -torch.einsum("bij,bj->bi", object_from_camera, pose.translation)
    fall = along[..., 1]
    far = (low - eye[:, 1])[:, None, None] / torch.where(fall.abs() < 1e-6, -1e-6, fall)
    is_met = (far > 0).to(x.dtype)
    place = eye[:, None, None] + far[..., None] * along
    return is_met, place[..., 0], place[..., 2]
