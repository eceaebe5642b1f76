"""Fit a sphere to 8 pictures of another object: shape and colours, by gradients alone.

    python runs/fit_sphere.py [--target bumpy|box|capsule] [--out FILE.png]

Targets are fine meshes with waving colours, drawn with 8 x 8 samples per pixel from 8 sides at
64 px. An icosphere of 1,280 faces is fitted to their colours and silhouettes on one core, in
300 steps. What is scored: intersection over union of the coverage
in 12 views that were not fitted, and the seconds that the fit took (everything after imports).
"""

import argparse
import os

os.environ["OMP_NUM_THREADS"] = "1"

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import radians
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import trimesh
from PIL import Image
from torch import Tensor

from shapecycle import rasterize as rz
from shapecycle.camera import Pose, clip_from_camera
from shapecycle.losses.image import colour_loss, silhouette_loss

SIZE, SAMPLES = 64, 8
FOV_Y, DISTANCE = radians(40), 1.8
STEPS, SHAPE_RATE, COLOUR_RATE = 300, 0.2, 0.03
SMOOTHNESS = 19.0
MIN_IOU, MAX_SECONDS = 0.98, 60.0


@dataclass(frozen=True)
class Shape:
    """A mesh with coloured vertices: (1 v 3) each."""

    vertices: Tensor
    colours: Tensor
    topology: rz.Topology


def main() -> None:
    """Fit, score and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--target", choices=sorted(TARGETS), nargs="*", default=sorted(TARGETS))
    parser.add_argument("--out", type=Path, help="write target and fit side by side")
    options = parser.parse_args()
    torch.set_num_threads(1)
    seen, unseen = poses(8, seed=1), poses(12, seed=2)
    start = sphere(3)
    draw(start, seen)  # loads the kernels
    print("| target | IoU, fitted views | IoU, other views | seconds | |")
    print("| --- " * 5 + "|")
    strips = []
    for name in options.target:
        target = TARGETS[name]()
        with torch.no_grad():
            pictures, others = draw(target, seen, SAMPLES), draw(target, unseen, SAMPLES)
        began = time.perf_counter()
        fitted = fit(start, pictures, seen)
        seconds = time.perf_counter() - began
        with torch.no_grad():
            again, elsewhere = draw(fitted, seen), draw(fitted, unseen)
        score = iou(elsewhere, others)
        verdict = "pass" if score >= MIN_IOU and seconds <= MAX_SECONDS else "FAIL"
        print(f"| {name} | {iou(again, pictures):.4f} | {score:.4f} | {seconds:.1f} | {verdict} |")
        strips += [others[:6], elsewhere[:6]]
    if options.out:
        rows = [torch.cat(list(over_white(strip)), 2) for strip in strips]
        sheet = torch.cat(rows, 1).permute(1, 2, 0).clamp(0, 1).mul(255).round().byte()
        Image.fromarray(sheet.numpy()).save(options.out)


def fit(start: Shape, pictures: Tensor, pose: Pose) -> Shape:
    """Move vertices and colours down the gradient of two losses.

    Vertices move through a smoothing matrix, so that no single one is pulled out of the surface.

    Source: B. Nicolet et al., "Large Steps in Inverse Rendering of Geometry", SIGGRAPH Asia
    2021, equation 10, with Adam in place of its uniform variant.
    """
    smoothing = smoothing_matrix(start)
    free = torch.linalg.solve(smoothing, start.vertices[0]).requires_grad_()
    colours = start.colours.clone().requires_grad_()
    rates = (SHAPE_RATE, COLOUR_RATE)
    optimizer = torch.optim.Adam([{"params": [free]}, {"params": [colours]}])
    for step in range(STEPS):
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * 0.05 ** (step / STEPS)
        vertices = (smoothing @ free)[None]
        drawn = draw(Shape(vertices, colours, start.topology), pose)
        loss = colour_loss(drawn, pictures) + silhouette_loss(drawn[:, 3:], pictures[:, 3:])
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
    with torch.no_grad():
        return Shape((smoothing @ free)[None], colours.detach(), start.topology)


def smoothing_matrix(shape: Shape) -> Tensor:
    """Invert I + SMOOTHNESS L, L the Laplacian of the mesh's graph (v v)."""
    count = shape.vertices.shape[1]
    a, b = shape.topology.edges[:, :2].unbind(1)
    laplacian = torch.zeros(count, count)
    laplacian[a, b] = laplacian[b, a] = -1.0
    laplacian -= torch.diag(laplacian.sum(1))
    return torch.linalg.inv(torch.eye(count) + SMOOTHNESS * laplacian)


def draw(shape: Shape, pose: Pose, samples: int = 1) -> Tensor:
    """Draw all views: premultiplied colour and coverage (b 4 h w)."""
    batch = len(pose.angles)
    camera = pose.place(shape.vertices.expand(batch, -1, 3))
    clip = clip_from_camera(camera, torch.tensor([[0.0, 0.0, 1.0]]).expand(batch, 3), fov_y=FOV_Y)
    seen = rz.rasterize(clip, shape.topology, (SIZE * samples, SIZE * samples))
    values = torch.cat([shape.colours, torch.ones_like(shape.colours[..., :1])], 2)
    picture = rz.interpolate(values, clip, shape.topology, seen)
    return F.avg_pool2d(rz.antialias(picture, clip, shape.topology, seen), samples)


def poses(count: int, seed: int) -> Pose:
    """Look from all around, from somewhat below to above."""
    generator = torch.Generator().manual_seed(seed)
    azimuth = (torch.arange(count) + torch.rand(count, generator=generator)) * 6.2832 / count
    elevation = 1.4 * torch.rand(count, generator=generator) - 0.5
    angles = torch.stack([azimuth, elevation, torch.zeros(count)], 1)
    return Pose(angles, torch.tensor([0.0, 0.0, -DISTANCE]).expand(count, 3))


def iou(a: Tensor, b: Tensor) -> float:
    """Intersection over union of coverage, summed over all views."""
    a, b = a[:, 3].clamp(0, 1), b[:, 3].clamp(0, 1)
    return float(torch.minimum(a, b).sum() / torch.maximum(a, b).sum())


def over_white(premultiplied: Tensor) -> Tensor:
    """Put pictures on a white ground (b 3 h w)."""
    return premultiplied[:, :3] + 1 - premultiplied[:, 3:]


def coloured(points: Tensor, faces: np.ndarray) -> Shape:
    """Paint a mesh with colours that wave over it."""
    phase = torch.tensor([9.0, 7.0, 8.0]) * points + torch.tensor([1.0, 0.0, 2.0])
    return Shape(points[None], (0.5 + 0.4 * phase.sin())[None], rz.Topology.from_faces(faces))


def sphere(subdivisions: int) -> Shape:
    """Make a grey sphere."""
    mesh = trimesh.creation.icosphere(subdivisions=subdivisions, radius=0.35)
    points = torch.tensor(np.asarray(mesh.vertices), dtype=torch.float32)
    grey = torch.full((1, len(points), 3), 0.5)
    return Shape(points[None], grey, rz.Topology.from_faces(np.asarray(mesh.faces)))


def bumpy() -> Shape:
    """Make a sphere with bumps."""
    mesh = trimesh.creation.icosphere(subdivisions=5)
    points = torch.tensor(np.asarray(mesh.vertices), dtype=torch.float32)
    x, y, z = points.unbind(1)
    radius = 0.4 + 0.07 * torch.sin(4 * x + 1) * torch.sin(5 * y) + 0.04 * torch.sin(6 * z + x)
    return coloured(points * radius[:, None], np.asarray(mesh.faces))


def box() -> Shape:
    """Make a box, finely divided for its colours."""
    mesh = trimesh.creation.box(extents=(0.7, 0.4, 0.5))
    for _ in range(5):
        mesh = mesh.subdivide()
    points = torch.tensor(np.asarray(mesh.vertices), dtype=torch.float32)
    return coloured(points, np.asarray(mesh.faces))


def capsule() -> Shape:
    """Make a bent capsule."""
    mesh = trimesh.creation.icosphere(subdivisions=5)
    points = torch.tensor(np.asarray(mesh.vertices), dtype=torch.float32)
    x, y, z = points.unbind(1)
    along = 0.16 * x + 0.22 * torch.tanh(4 * x)
    bent = torch.stack([along, 0.16 * y + 1.2 * along**2 - 0.08, 0.16 * z], 1)
    return coloured(bent, np.asarray(mesh.faces))


TARGETS: dict[str, Callable[[], Shape]] = {"bumpy": bumpy, "box": box, "capsule": capsule}


if __name__ == "__main__":
    main()
