"""Solid textures, and flat-shaded surfaces that wear them, in plain PyTorch."""

from functools import reduce

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from shapecycle.rasterize.shading import linear_from_srgb, shade_sh, srgb_from_linear
from shapecycle.rasterize.topology import Topology
from shapecycle.rasterize.torch_backend import scan
from shapecycle.rasterize.torch_backend.textured import MIN_LINEAR
from shapecycle.rasterize.visibility import Visibility


def solid_colour(
    points: Float[Tensor, "b n 3"],
    regions: Float[Tensor, "b r 14"],
    mirrored: Float[Tensor, " b"],
) -> Float[Tensor, "b n 3"]:
    """Evaluate solid textures region by region, in plain PyTorch."""
    colours, normals, offsets, centres, radii, kinds = regions.split((3, 3, 1, 3, 3, 1), 2)
    x = torch.lerp(points[..., :1], points[..., :1].abs(), mirrored[:, None, None])
    p = torch.cat([x, points[..., 1:]], 2)
    colour = colours[:, :1].expand(-1, p.shape[1], -1)
    for k in range(1, regions.shape[1]):
        plane = (p @ normals[:, k, :, None])[..., 0] - offsets[:, k]
        inside = 1 - ((p - centres[:, None, k]) / radii[:, None, k]).square().sum(2)
        stripes = torch.sin(plane * 6.2832 / (0.05 + radii[:, k, :1] / 2))
        kind = kinds[:, k]
        level = torch.where(kind == 0, plane, torch.where(kind == 1, inside, stripes))
        covered = (level * 60 + 0.5).clamp(0, 1) * (kind < 3)
        colour = torch.lerp(colour, colours[:, None, k], covered[..., None])
    return colour


def shade_solid(
    vertices: Float[Tensor, "b v 3"],
    camera: Float[Tensor, "b v 3"],
    regions: Float[Tensor, "b r 14"],
    mirrored: Float[Tensor, " b"],
    light: Float[Tensor, "b 9 3"],
    min_shading: float,
    clip: Float[Tensor, "b v 4"],
    topology: Topology,
    visibility: Visibility,
    samples: int,
) -> Float[Tensor, "b 4 h w"]:
    """Light solid-textured faces step by step, in plain PyTorch."""
    coarse, coverage = nearest_of_blocks(visibility, samples)
    batch, (height, width) = len(clip), coarse.size
    at = scan.interpolate(vertices, clip, topology, coarse, topology.faces).flatten(2).mT
    albedo = solid_colour(at, regions, mirrored).mT.reshape(batch, 3, height, width)
    shading = shade_sh(facing_normals(camera, topology, coarse), light).clamp(min=min_shading)
    colour = srgb_from_linear((linear_from_srgb(albedo) * shading).clamp(MIN_LINEAR, 1))
    return torch.cat([colour * (coverage > 0), coverage.to(colour.dtype)], 1)


def nearest_of_blocks(
    visibility: Visibility, samples: int
) -> tuple[Visibility, Float[Tensor, "b 1 h w"]]:
    """Say what the nearest of every block's samples sees, and how many of them see anything.

    Args:
        visibility: Of ``samples`` by ``samples`` times as many pixels.
        samples: Side of a block.

    Returns:
        The nearest sample's key per block, and the share of samples that see a face.
    """
    height, width = visibility.size
    blocks = visibility.key.view(-1, height // samples, samples, width // samples, samples)
    keys = [blocks[:, :, i, :, j] for i in range(samples) for j in range(samples)]
    # One minimum after the other: `amin` over two axes of integers takes ten times as long.
    nearest = Visibility(reduce(torch.minimum, keys), visibility.face_count)
    seen = visibility.mask[:, None].to(torch.float32)
    return nearest, F.avg_pool2d(seen, samples)


def facing_normals(
    camera: Float[Tensor, "b v 3"], topology: Topology, visibility: Visibility
) -> Float[Tensor, "b 3 h w"]:
    """Return each pixel's face normal in camera space, turned towards the camera."""
    faces = topology.faces
    batch = torch.arange(len(camera), device=camera.device)[:, None]
    a, b, c = (camera[batch, faces[..., k].long()] for k in range(3))
    normals = torch.linalg.cross(b - a, c - a)
    normals = normals * (normals * normals).sum(2, keepdim=True).clamp(min=1e-12).rsqrt()
    away = (normals * a).sum(2, keepdim=True) > 0
    normals = torch.where(away, -normals, normals)
    face = visibility.face_id.clamp(min=0).flatten(1)
    picked = torch.gather(normals, 1, face[..., None].expand(-1, -1, 3))
    return picked.mT.reshape(len(camera), 3, *visibility.size)
