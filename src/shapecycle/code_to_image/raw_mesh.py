"""Raw meshes as they come from files, drawn flat-shaded from both sides; no gradients."""

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle import rasterize as rz
from shapecycle.camera import Pose, View
from shapecycle.code_to_image.compositing import downsampled
from shapecycle.code_to_image.renderer import MIN_SHADING
from shapecycle.priors.solid_texture import SolidTexture


@torch.no_grad()
def draw_raw(
    vertices: Float[Tensor, "b v 3"],
    topology: rz.Topology,
    texture: SolidTexture,
    pose: Pose,
    light: Float[Tensor, "b 9 3"],
    view: View,
    *,
    supersample: int = 2,
) -> Float[Tensor, "b 4 h w"]:
    """Draw raw meshes with flat, two-sided shading; returns straight-alpha pictures."""
    height, width = view.size
    camera = pose.place(vertices)
    clip = view.clip(camera)
    seen = rz.rasterize(clip, topology, (height * supersample, width * supersample))
    # Coverage is sampled finely, colour once per pixel, on the nearest face any sample saw.
    return rz.shade_solid(
        vertices,
        camera,
        texture.regions(),
        texture.mirrored.flatten(),
        light,
        clip,
        topology,
        seen,
        samples=supersample,
        min_shading=MIN_SHADING,
    )


def raw_silhouette(
    vertices: Float[Tensor, "b v 3"],
    topology: rz.Topology,
    pose: Pose,
    view: View,
    *,
    supersample: int = 2,
) -> Float[Tensor, "b 1 h w"]:
    """Draw the coverage of raw meshes; no gradient."""
    clip = view.clip(pose.place(vertices))
    height, width = view.size
    seen = rz.rasterize(clip, topology, (height * supersample, width * supersample))
    return downsampled(seen.mask[:, None].float(), supersample)
