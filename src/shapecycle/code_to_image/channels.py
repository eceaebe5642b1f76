"""What is known of a drawn picture beside its colours: depth and normals, per pixel."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from shapecycle import rasterize as rz
from shapecycle.camera import Pose, View


@dataclass(frozen=True, eq=False)
class Channels:
    """Of pictures, at the centres of their pixels.

    Attributes:
        depth: How far surfaces are in front of the camera along its axis, in object units; 0 where
            nothing is.
        normals: Unit normals in the camera's frame; 0 where nothing is.
    """

    depth: Float[Tensor, "b 1 h w"]
    normals: Float[Tensor, "b 3 h w"]


def channels(
    vertices: Float[Tensor, "b v 3"], topology: rz.Topology, pose: Pose, view: View
) -> Channels:
    """Draw depth and normals of surfaces.

    Args:
        vertices: In object space.
        topology: Their faces.
        pose: Where they stand.
        view: What is drawn.
    """
    camera = pose.place(vertices)
    clip = view.clip(camera)
    visible = rz.rasterize(clip, topology, view.size)
    values = torch.cat([rz.vertex_normals(camera, topology), -camera[..., 2:]], 2)
    drawn = rz.interpolate(values, clip, topology, visible)
    return Channels(drawn[:, 3:], F.normalize(drawn[:, :3], dim=1))
