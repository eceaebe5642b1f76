"""Raw meshes as they come from files, drawn flat-shaded from both sides; no gradients."""

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle import rasterize as rz
from shapecycle.camera import Pose, View
from shapecycle.code_to_image.compositing import downsampled
from shapecycle.code_to_image.renderer import MIN_SHADING
from shapecycle.geometry.vectors import unit
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
    fine = rz.rasterize(clip, topology, (height * supersample, width * supersample))
    coverage = downsampled(fine.mask[:, None].float(), supersample)
    # Coverage is sampled finely, colour once per pixel, on the nearest face any sample saw.
    blocks = fine.key.view(len(clip), height, supersample, width, supersample)
    visible = rz.Visibility(blocks.amin((2, 4)), fine.face_count)
    at = rz.interpolate(vertices, clip, topology, visible).flatten(2).mT
    albedo = texture.at(at).mT.reshape(len(at), 3, height, width)
    colour = shaded(albedo, facing_normals(camera, topology, visible), light)
    return torch.cat([colour * (coverage > 0), coverage], 1)


def facing_normals(
    camera: Float[Tensor, "b v 3"], topology: rz.Topology, visible: rz.Visibility
) -> Float[Tensor, "b 3 h w"]:
    """Return each pixel's face normal in camera space, turned towards the camera."""
    faces = topology.faces
    batch = torch.arange(len(camera), device=camera.device)[:, None]
    a, b, c = (camera[batch, faces[..., k].long()] for k in range(3))
    normals = unit(torch.linalg.cross(b - a, c - a), dim=2)
    away = (normals * a).sum(2, keepdim=True) > 0
    normals = torch.where(away, -normals, normals)
    face = visible.face_id.clamp(min=0).flatten(1)
    picked = torch.gather(normals, 1, face[..., None].expand(-1, -1, 3))
    return picked.mT.reshape(len(camera), 3, *visible.face_id.shape[1:])


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


def shaded(
    albedo: Float[Tensor, "b 3 h w"],
    normals: Float[Tensor, "b 3 h w"],
    light: Float[Tensor, "b 9 3"],
) -> Float[Tensor, "b 3 h w"]:
    """Light an sRGB albedo: decode, multiply by the shading of the normals, encode."""
    shading = rz.shade_sh(normals, light).clamp(min=MIN_SHADING)
    return rz.srgb_from_linear((rz.linear_from_srgb(albedo) * shading).clamp(1e-4, 1.0))
