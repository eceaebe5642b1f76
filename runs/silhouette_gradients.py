"""Compare silhouette gradients with the change of a finely supersampled picture.

    python runs/silhouette_gradients.py [--json FILE]

A smooth and a bumpy, self-occluding shape of 1,280 and 5,120 faces, at 64 and 128 px, with 1 and
2 x 2 samples per pixel, pulled towards a turned copy of itself. For 24 directions of motion
(translations, scaling, rotations, bumps) the gradient's slope stands against the central
difference of a picture with 16 x 16 samples per pixel. Cosine: agreement over the directions;
gain: length of the gradient along the truth, 1 is right. Two ways to antialias: this package's
walk along silhouette edges, and blending of pixel pairs whose own triangles have such an edge.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import tan
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
import trimesh
from torch import Tensor

from shapecycle import rasterize as rz
from shapecycle.rasterize.backend import Backend

FINEST = 16
DIRECTIONS = 24
FOV_Y, DISTANCE, NEAR, FAR = 0.6, 4.0, 0.1, 10.0
Antialias: TypeAlias = Callable[[Tensor, Tensor, rz.Topology, rz.Visibility], Tensor]


@dataclass(frozen=True)
class Agreement:
    """How well one gradient agrees with the truth; of colours and of coverage."""

    shape: str
    faces: int
    size: int
    samples: int
    antialias: str
    colour_cosine: float
    colour_gain: float
    alpha_cosine: float
    alpha_gain: float


def main() -> None:
    """Measure and print all combinations."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows")
    options = parser.parse_args()
    print("| shape | faces | px | samples | antialias | colour cos | gain | alpha cos | gain |")
    print("| --- " * 9 + "|")
    found = []
    for shape in ("smooth", "bumpy"):
        for subdivisions in (3, 4):
            for size in (64, 128):
                found += compare(shape, subdivisions, size)
    worst = [r for r in found if r.antialias == "edge walk"]
    for samples in (1, 4):
        rows = [r for r in worst if r.samples == samples]
        cosine = min(min(r.colour_cosine, r.alpha_cosine) for r in rows)
        gains = [r.alpha_gain for r in rows]
        print(f"\nedge walk, {samples} samples: cosine at least {cosine:.3f}, ", end="")
        print(f"alpha gain {min(gains):.3f} to {max(gains):.3f}")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in found], indent=1) + "\n")


def compare(shape: str, subdivisions: int, size: int) -> list[Agreement]:
    """Measure one shape at one size."""
    points, topology = make(shape, subdivisions)
    values = painted(points)
    goal = points @ turn(0.3, -0.2).T * torch.tensor([1.07, 0.95, 1.02]) + 0.05
    step = 0.1 * 2 * DISTANCE * tan(FOV_Y / 2) / size
    directions = smooth_directions(points, DIRECTIONS)

    def fine(at: Tensor) -> Tensor:
        return draw(at, values, topology, size, FINEST, rz.antialias)

    with torch.no_grad():
        pull = fine(points) - fine(goal)
        changes = [pull * (fine(points + step * d) - fine(points - step * d)) for d in directions]
    truth = torch.stack([change.sum((0, 2, 3)) for change in changes]) / (2 * step)
    found = []
    for samples in (1, 2):
        for name, antialias in (("edge walk", rz.antialias), ("pixel pairs", pixel_pairs)):
            leaf = points.clone().requires_grad_()
            picture = draw(leaf, values, topology, size, samples, antialias)
            agreement = []
            for channels in (slice(0, 3), slice(3, 4)):
                loss = (pull * picture)[:, channels].sum()
                (gradient,) = torch.autograd.grad(loss, leaf, retain_graph=True)
                slopes = torch.stack([(gradient * d).sum() for d in directions])
                agreement += list(cosine_and_gain(slopes, truth[:, channels].sum(1)))
            row = Agreement(shape, len(topology.faces), size, samples**2, name, *agreement)
            print(
                f"| {shape} | {row.faces:,} | {size} | {samples}x{samples} | {name} | "
                + " | ".join(f"{value:.3f}" for value in agreement)
                + " |",
                flush=True,
            )
            found.append(row)
    return found


def cosine_and_gain(found: Tensor, truth: Tensor) -> tuple[float, float]:
    """Compare two lists of slopes."""
    cosine = float(F.cosine_similarity(found, truth, dim=0))
    return cosine, float((found @ truth) / (truth @ truth))


def make(shape: str, subdivisions: int) -> tuple[Tensor, rz.Topology]:
    """Make a unit sphere, or one with bumps that hide parts of one another."""
    sphere = trimesh.creation.icosphere(subdivisions=subdivisions)
    points = torch.tensor(np.asarray(sphere.vertices), dtype=torch.float32)[None]
    points = points @ turn(0.3, 0.2).T
    topology = rz.Topology.from_faces(np.asarray(sphere.faces))
    if shape == "smooth":
        return points, topology
    x, y, z = points.unbind(-1)
    radius = 0.8 + 0.25 * torch.sin(4 * x + 1) * torch.sin(5 * y) + 0.15 * torch.sin(6 * z + x)
    return points * radius[..., None], topology


def turn(about_y: float, about_x: float) -> Tensor:
    """Rotate about +y, then about +x, in radians (3 3)."""
    (c, d), (s, e) = np.cos([about_y, about_x]), np.sin([about_y, about_x])
    around_y = torch.tensor([[c, 0, s], [0, 1, 0], [-s, 0, c]], dtype=torch.float32)
    return torch.tensor([[1, 0, 0], [0, d, -e], [0, e, d]], dtype=torch.float32) @ around_y


def painted(points: Tensor) -> Tensor:
    """Give each vertex a colour that waves over the shape, and full coverage (1 v 4)."""
    phase = torch.tensor([3.0, 4.0, 3.5]) * points + torch.tensor([1.0, 0.0, 2.0])
    return torch.cat([0.5 + 0.5 * phase.sin(), torch.ones_like(points[..., :1])], -1)


def smooth_directions(points: Tensor, count: int) -> list[Tensor]:
    """List translations, scaling, rotations and bumps, each of largest step 1."""
    generator = torch.Generator().manual_seed(0)
    axes = torch.eye(3)
    found = [axis.expand_as(points) for axis in axes] + [points]
    found += [torch.linalg.cross(axis.expand_as(points), points) for axis in axes]
    while len(found) < count:
        wave = 1.5 * torch.randn(3, 3, generator=generator)
        phase = 6.28 * torch.rand(3, generator=generator)
        found.append(torch.sin(points @ wave + phase) * torch.randn(3, generator=generator))
    return [d / d.norm(dim=-1).max() for d in found]


def draw(
    points: Tensor,
    values: Tensor,
    topology: rz.Topology,
    size: int,
    samples: int,
    blend: Antialias,
    backend: Backend = "auto",
) -> Tensor:
    """Draw at a multiple of the size, and average (1 c size size)."""
    x, y, z = points.unbind(-1)
    z = z - DISTANCE
    focal = 1 / tan(FOV_Y / 2)
    depth = ((FAR + NEAR) * z + 2 * FAR * NEAR) / (NEAR - FAR)
    clip = torch.stack([focal * x, focal * y, depth, -z], dim=-1)
    seen = rz.rasterize(clip, topology, (size * samples, size * samples), backend=backend)
    picture = rz.interpolate(values, clip, topology, seen, backend=backend)
    return F.avg_pool2d(blend(picture, clip, topology, seen), samples)


def pixel_pairs(image: Tensor, clip: Tensor, topology: rz.Topology, seen: rz.Visibility) -> Tensor:
    """Blend neighbouring pixels across silhouette edges of the nearer one's own triangle.

    For one mesh. Source: S. Laine et al., "Modular Primitives for High-Performance
    Differentiable Rendering", SIGGRAPH Asia 2020, section 3.4; written from the paper.
    """
    result = image
    for axis in (1, 0):
        result = result + _pair_changes(image, clip, topology, seen, axis)
    return result


def _pair_changes(
    image: Tensor, clip: Tensor, topology: rz.Topology, seen: rz.Visibility, axis: int
) -> Tensor:
    """Blend pairs along an axis of the image: 1 in rows, 0 in columns."""
    height, width = seen.size
    face, depth = seen.face_id[0], seen.depth[0]
    first = torch.nonzero(face.narrow(axis, 0, face.shape[axis] - 1) != _after(face, axis))
    second = first + torch.tensor([1, 0] if axis == 0 else [0, 1])
    nearer_first = depth[*first.T] <= depth[*second.T]
    near = torch.where(nearer_first[:, None], first, second)
    far = torch.where(nearer_first[:, None], second, first)
    corners = topology.faces[face[*near.T]]
    screen = (clip[0, :, :2] / clip[0, :, 3:] * torch.tensor([0.5, -0.5]) + 0.5) * torch.tensor(
        [float(width), float(height)]
    )
    silhouette = _silhouette_edges(screen.detach(), topology)
    total = torch.zeros_like(image[0])
    taken = torch.zeros(len(near), dtype=torch.bool)
    across, along = (0, 1) if axis == 1 else (1, 0)
    for k in range(3):
        a, b = corners[:, k], corners[:, (k + 1) % 3]
        p, q = screen[a], screen[b]
        steep = (q - p)[:, along].abs() >= (q - p)[:, across].abs()
        line = near[:, 1 - axis].to(image.dtype) + 0.5
        share = (line - p[:, along]) / (q - p)[:, along]
        where = p[:, across] + share * (q - p)[:, across]
        start = near[:, axis].to(image.dtype) + 0.5
        reach = (where - start) * (far - near)[:, axis].to(image.dtype)
        hit = steep & (share >= 0) & (share <= 1) & (reach >= 0) & (reach <= 1) & ~taken
        hit &= silhouette[face[*near.T], k]
        taken |= hit
        excess = (reach - 0.5)[hit]
        colours = image[0, :, near[hit, 0], near[hit, 1]] - image[0, :, far[hit, 0], far[hit, 1]]
        target = torch.where((excess > 0)[:, None], far[hit], near[hit])
        flat = target[:, 0] * width + target[:, 1]
        total = total.flatten(1).index_add(1, flat, colours * excess).view_as(image[0])
    return total[None]


def _after(table: Tensor, axis: int) -> Tensor:
    return table.narrow(axis, 1, table.shape[axis] - 1)


def _silhouette_edges(screen: Tensor, topology: rz.Topology) -> Tensor:
    """Say of each face's three edges (f 3) whether both its faces lie on one side on screen."""
    a, b, c, d = topology.edges.unbind(1)

    def side(apex: Tensor) -> Tensor:
        u, v = screen[b] - screen[a], screen[apex] - screen[a]
        return (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]).sign() * (apex >= 0)

    chosen = side(c) * side(d) >= 0
    count = topology.vertex_count
    keys = (a * count + b)[chosen]
    start, end = topology.faces, topology.faces.roll(-1, 1)
    return torch.isin(torch.minimum(start, end) * count + torch.maximum(start, end), keys)


if __name__ == "__main__":
    main()
