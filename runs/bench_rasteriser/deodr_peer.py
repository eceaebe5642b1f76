"""DEODR (Gorce et al., PAMI 2011): float64, CPU, one mesh at a time; outlines are overdrawn."""

from functools import cache
from typing import Any

import numpy as np
import torch
from scene import Scene, lit_colours, project
from torch import Tensor


def obstacle() -> str | None:
    """Say why this peer cannot run; None if it can."""
    try:
        import deodr  # noqa: F401
    except ImportError as error:
        return f"{error}"
    return None


def forward(scene: Scene) -> Tensor:
    """Draw coloured vertices (b 4 h w); light and projection are this package's."""
    height, width = scene.size
    clip = project(scene.vertices)
    scale = clip.new_tensor([width / 2, -height / 2])
    screen = clip[..., :2] / clip[..., 3:] * scale + scale.abs()
    return _Draw.apply(screen, clip[..., 3].detach(), lit_colours(scene), scene)


class _Draw(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, screen: Tensor, depth: Tensor, colours: Tensor, scene: Scene) -> Tensor:
        inputs = [t.detach().double().numpy() for t in (screen, depth, colours)]
        ctx.drawn = [_scene_2d(*item, scene) for item in zip(*inputs, strict=True)]
        pictures = [drawn.render(sigma=1.0)[0] for drawn in ctx.drawn]
        return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        for drawn, picture in zip(
            ctx.drawn, grad.permute(0, 2, 3, 1).double().numpy(), strict=True
        ):
            drawn.clear_gradients()
            drawn.render_backward(np.ascontiguousarray(picture))
        screen = torch.from_numpy(np.stack([d.ij_b for d in ctx.drawn])).float()
        colours = torch.from_numpy(np.stack([d.colors_b for d in ctx.drawn])).float()
        return screen, None, colours, None


def _scene_2d(screen: Any, depth: Any, colours: Any, scene: Scene) -> Any:
    from deodr.differentiable_renderer import Scene2D

    faces, edges, neighbours = _connectivity(scene.topology)
    count = len(faces)
    a, b, c = (screen[faces[:, k]] for k in range(3))
    u, v = b - a, c - a
    facing = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0] < 0
    return Scene2D(
        faces=faces,
        faces_uv=faces,
        ij=np.ascontiguousarray(screen),
        depths=np.ascontiguousarray(depth),
        textured=np.zeros(count, bool),
        uv=np.zeros((len(screen), 2)),
        shade=np.zeros(len(screen)),
        colors=np.ascontiguousarray(colours),
        shaded=np.zeros(count, bool),
        edgeflags=(neighbours @ facing == 1)[edges],
        height=scene.size[0],
        width=scene.size[1],
        nb_colors=4,
        texture=np.zeros((0, 0)),
        background_color=np.zeros(4),
        clockwise=False,
        backface_culling=True,
        integer_pixel_centers=False,
    )


@cache
def _connectivity(topology: Any) -> tuple[Any, Any, Any]:
    """Faces, the edges of each face, and which faces lie at each edge."""
    from deodr.triangulated_mesh import TriMeshAdjacencies

    faces = topology.faces.numpy()
    known = TriMeshAdjacencies(faces)
    return faces.astype(np.uint32), np.asarray(known.faces_edges), known.edges_faces_ones.tocsr()
