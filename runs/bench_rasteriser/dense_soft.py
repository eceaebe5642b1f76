"""A dense soft rasteriser in plain PyTorch: every pixel looks at every face.

Source: S. Liu et al., "Soft Rasterizer: A Differentiable Renderer for Image-based 3D Reasoning",
ICCV 2019, equations 1-4 (squared distances, exponential aggregation of colours).
"""

import torch
from scene import Scene, lit_colours, project
from torch import Tensor

SIGMA = 3e-5
"""Blur of outlines: squared distance in normalised device coordinates."""

GAMMA = 1e-3
"""Blur in depth, in normalised depth."""

PAIRS_AT_ONCE = 3_000_000
"""Pixel-face pairs per piece: some 2 GB with what autograd keeps."""


def forward(scene: Scene) -> Tensor:
    """Draw the scene's first mesh (1 4 h w)."""
    with torch.no_grad():
        rows = [_draw(scene, piece) for piece in _pieces(scene)]
    return torch.cat(rows).T.reshape(1, 4, *scene.size)


def both(scene: Scene) -> None:
    """Draw the first mesh piece by piece, and carry its loss back."""
    target = scene.target[0].flatten(1).T
    for tensor in scene.inputs:
        tensor.grad = None
    for piece in _pieces(scene):
        difference = _draw(scene, piece) - target[piece]
        (difference.square().sum() / target.numel()).backward()


def _pieces(scene: Scene) -> tuple[Tensor, ...]:
    height, width = scene.size
    piece = max(1, PAIRS_AT_ONCE // len(scene.topology.faces))
    return torch.arange(height * width).split(piece)


def _draw(scene: Scene, pixels: Tensor) -> Tensor:
    """Draw some pixels (n 4)."""
    height, width = scene.size
    clip = project(scene.vertices[:1])[0]
    corners = (clip[:, :3] / clip[:, 3:])[scene.topology.faces]
    colours = lit_colours(scene)[0][scene.topology.faces]
    x = (2 * (pixels % width) + 1) / width - 1
    y = 1 - (2 * (pixels // width) + 1) / height
    return _aggregate(torch.stack([x, y], 1)[:, None], corners, colours)


def _aggregate(points: Tensor, corners: Tensor, colours: Tensor) -> Tensor:
    flat = corners[None, :, :, :2]
    a, b, c = flat.unbind(2)
    areas = torch.stack([_cross(points - b, points - c), _cross(points - c, points - a)], 2)
    total = _cross(b - a, c - a)
    total = torch.where(total.abs() < 1e-9, 1e-9, total)
    first, second = (areas / total[..., None]).unbind(2)
    weights = torch.stack([first, second, 1 - first - second], 2)
    inside = (weights >= 0).all(2)
    distance = torch.stack([_to_edge(points, *e) for e in ((a, b), (b, c), (c, a))]).amin(0)
    share = torch.sigmoid(torch.where(inside, distance, -distance) / SIGMA)
    clipped = weights.clamp(min=0)
    clipped = clipped / clipped.sum(2, keepdim=True)
    depth = (clipped * corners[None, :, :, 2]).sum(2)
    nearness = (1 - depth) / 2 / GAMMA
    most = nearness.amax(1, keepdim=True).detach()
    blend = share * (nearness - most).exp()
    blend = blend / (blend.sum(1, keepdim=True) + (-most).exp())
    colour = torch.einsum("pf,pfk,fkc->pc", blend, clipped, colours[..., :3])
    coverage = 1 - (1 - share).clamp(min=1e-7).log().sum(1).exp()
    return torch.cat([colour, coverage[:, None]], 1)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _to_edge(points: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Squared distance of points to edges."""
    along, there = b - a, points - a
    share = ((there * along).sum(-1) / (along * along).sum(-1).clamp(min=1e-12)).clamp(0, 1)
    return (there - share[..., None] * along).square().sum(-1)
