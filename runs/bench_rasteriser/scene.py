"""What every peer draws: sixteen bumpy, lit meshes, coloured by vertex or textured."""

from dataclasses import dataclass
from math import radians

import numpy as np
import torch
import trimesh
from torch import Tensor

from shapecycle import rasterize as rz
from shapecycle.camera import Pose, clip_from_camera
from shapecycle.priors.light import sample_light
from shapecycle.rasterize.backend import Backend

BATCH = 16
FOV_Y = radians(40)
MIN_SHADING = 0.03
TEXELS = 128


@dataclass(frozen=True)
class Scene:
    """Camera-space meshes that fill half of their pictures, and pictures to compare those with.

    Attributes:
        vertices: Positions in camera space (b v 3), counter-clockwise faces.
        topology: The faces, shared by the batch.
        colours: Linear colours of the vertices (b v 3).
        albedo: sRGB textures (b 3 t t).
        uv: Texture coordinates of the corners (1 n 2), ``uv_faces`` their rows (f 3).
        light: Spherical harmonics (b 9 3).
        target: What a loss compares premultiplied pictures with (b 4 h w).
    """

    vertices: Tensor
    topology: rz.Topology
    colours: Tensor
    albedo: Tensor
    uv: Tensor
    uv_faces: Tensor
    light: Tensor
    target: Tensor

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pictures."""
        return self.target.shape[2], self.target.shape[3]

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What a loss's gradient is taken for."""
        return self.vertices, self.colours, self.albedo, self.light


def make_scene(faces: int, size: int, device: str = "cpu", batch: int = BATCH) -> Scene:
    """Make meshes of 1,280 or 5,120 faces, always the same."""
    generator = torch.Generator().manual_seed(0)
    sphere = trimesh.creation.icosphere(subdivisions={1280: 3, 5120: 4}[faces])
    points = torch.tensor(np.asarray(sphere.vertices), dtype=torch.float32)
    table = torch.tensor(np.asarray(sphere.faces), dtype=torch.int64)
    shapes = torch.stack([_bumpy(points, generator) for _ in range(batch)])
    angles = torch.rand(batch, 3, generator=generator) * torch.tensor([6.28, 0.8, 0.2])
    placed = Pose(angles, torch.tensor([0.0, 0.0, -1.7]).expand(batch, 3)).place(shapes)
    corners = points[table.reshape(-1)]
    colours = torch.rand(batch, len(points), 3, generator=generator)
    albedo = torch.rand(batch, 3, TEXELS, TEXELS, generator=generator)
    light = sample_light(batch, generator)
    uv = (0.5 + 0.3 * corners[:, :2] + 0.1 * corners[:, 2:])[None].clamp(0, 1)
    return Scene(
        vertices=placed.to(device).requires_grad_(),
        topology=rz.Topology.from_faces(table.to(device)),
        colours=colours.to(device).requires_grad_(),
        albedo=albedo.to(device).requires_grad_(),
        uv=uv.to(device),
        uv_faces=torch.arange(len(corners), device=device).reshape(-1, 3),
        light=light.to(device).requires_grad_(),
        target=torch.rand(batch, 4, size, size, generator=generator).to(device),
    )


def _bumpy(points: Tensor, generator: torch.Generator) -> Tensor:
    """Wave a sphere's radius; the result has a diameter of about 1."""
    waves = 3 * torch.randn(4, 3, generator=generator)
    phases = 6.28 * torch.rand(4, generator=generator)
    radius = 0.45 + 0.04 * torch.sin(points @ waves.T + phases).sum(1)
    return points * radius[:, None]


def project(vertices: Tensor) -> Tensor:
    """Take camera space to clip space; the whole frame is the picture."""
    window = vertices.new_tensor([[0.0, 0.0, 1.0]]).expand(len(vertices), 3)
    return clip_from_camera(vertices, window, fov_y=FOV_Y)


def lit_colours(scene: Scene, backend: Backend = "auto") -> Tensor:
    """Light the vertices: linear colour and coverage (b v 4)."""
    normals = rz.vertex_normals(scene.vertices, scene.topology, backend=backend)
    lit = scene.colours * rz.shade_sh(normals, scene.light).clamp(min=MIN_SHADING)
    return torch.cat([lit, torch.ones_like(lit[..., :1])], 2)


def coloured(scene: Scene, backend: Backend = "auto", *, cull: bool = False) -> Tensor:
    """Draw coloured vertices with this package."""
    clip, topology = project(scene.vertices), scene.topology
    seen = rz.rasterize(clip, topology, scene.size, cull=cull, backend=backend)
    lit = lit_colours(scene, backend)
    picture = rz.interpolate(lit, clip, topology, seen, backend=backend)
    return rz.antialias(picture, clip, topology, seen, backend=backend)


def textured(scene: Scene, backend: Backend = "auto") -> Tensor:
    """Draw textures with this package."""
    clip, topology = project(scene.vertices), scene.topology
    seen = rz.rasterize(clip, topology, scene.size, backend=backend)
    lit = rz.shade_textured(
        scene.albedo,
        scene.uv,
        rz.vertex_normals(scene.vertices, topology, backend=backend),
        scene.light,
        clip,
        topology,
        seen,
        uv_faces=scene.uv_faces,
        min_shading=MIN_SHADING,
        backend=backend,
    )
    return rz.antialias(lit, clip, topology, seen, backend=backend)


def loss_of(scene: Scene, picture: Tensor) -> Tensor:
    """Compare a picture with the scene's target."""
    difference = picture - scene.target
    return (difference * difference).mean()


def backward(scene: Scene, picture: Tensor) -> None:
    """Carry the loss back to everything that the picture was made of."""
    for tensor in scene.inputs:
        tensor.grad = None
    loss_of(scene, picture).backward()
