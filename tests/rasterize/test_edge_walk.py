"""Antialiasing: coverage is right, nothing else changes, and outlines feel their gradient."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from rasterize_scenes import bumpy, orthographic, perspective, sphere, turn
from torch import Tensor

from shapecycle.rasterize import Topology, antialias, interpolate, rasterize

BACKENDS = ("torch", "auto")


def coverage(clip: Tensor, topology: Topology, size: tuple[int, int], backend="auto") -> Tensor:
    """The antialiased mask (b h w)."""
    seen = rasterize(clip, topology, size, backend=backend)
    mask = seen.mask[:, None].to(clip.dtype)
    return antialias(mask, clip, topology, seen, backend=backend)[:, 0]


def box(left: float, right: float, bottom: float, top: float) -> tuple[Tensor, Topology]:
    """A rectangle in normalised device coordinates."""
    corners = [[left, bottom, 0], [right, bottom, 0], [right, top, 0], [left, top, 0]]
    faces = Topology.from_faces(np.array([[0, 1, 2], [0, 2, 3]]))
    return torch.tensor([corners], dtype=torch.float32), faces


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_upright_box_covers_its_pixels_by_their_shares(backend):
    """Its borders cut columns 2 and 7 and rows 3 and 6 of ten into known shares."""
    vertices, topology = box(-1 + 2 * 0.23, -1 + 2 * 0.76, 1 - 2 * 0.68, 1 - 2 * 0.31)
    alpha = coverage(orthographic(vertices), topology, (10, 10), backend)[0]
    columns = torch.tensor([0, 0, 0.7, 1, 1, 1, 1, 0.6, 0, 0])
    rows = torch.tensor([0, 0, 0, 0.9, 1, 1, 0.8, 0, 0, 0])
    # A corner pixel gets both borders' shares off (or on) it, not their product.
    inner = torch.outer(rows, columns)
    corner = torch.outer((rows > 0) & (rows < 1), (columns > 0) & (columns < 1))
    assert torch.allclose(alpha[~corner], inner[~corner], atol=1e-5)
    assert ((alpha[corner] - inner[corner]).abs() < 0.25).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_coverage_sums_to_the_projected_area(backend):
    """A regular polygon of 642 vertices' sphere: the sum errs by a tenth of a pixel."""
    vertices, topology = sphere(4)
    for radius in (0.3, 0.55, 0.81):
        alpha = coverage(orthographic(radius * vertices), topology, (40, 40), backend)
        area = math.pi * (20 * radius) ** 2
        assert abs(float(alpha.sum()) / area - 1) < 0.003


@pytest.mark.parametrize("backend", BACKENDS)
def test_coverage_stays_between_nothing_and_all(backend):
    for make in (sphere, bumpy):
        for subdivisions in (1, 4):
            vertices, topology = make(subdivisions)
            for angle in range(4):
                clip = perspective(turn(vertices, 0.8 * angle, 0.3 * angle))
                alpha = coverage(clip, topology, (50, 60), backend)
                assert alpha.min() > -1e-5
                assert alpha.max() < 1 + 1e-5


@pytest.mark.parametrize("backend", BACKENDS)
def test_only_pixels_beside_an_outline_change(backend):
    vertices, topology = sphere(3)
    clip = perspective(vertices)
    seen = rasterize(clip, topology, (48, 48), backend=backend)
    image = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    result = antialias(image, clip, topology, seen, backend=backend)
    mask = seen.mask[:, None].float()
    near = F.max_pool2d(mask, 3, 1, 1) != -F.max_pool2d(-mask, 3, 1, 1)
    changed = (result != image).any(1)
    assert not changed[~near[:, 0]].any()
    assert changed.sum() > 80


@pytest.mark.parametrize("backend", BACKENDS)
def test_outlines_hidden_behind_something_leave_no_trace(backend):
    small, topology = sphere(2)
    cover, faces = box(-1, 1, -1, 1)
    count = small.shape[1]
    points = torch.cat([0.4 * small, 0.9 * cover + torch.tensor([0, 0, 0.8])], 1)
    both = Topology.from_faces(torch.cat([topology.faces, faces.faces + count]))
    clip = orthographic(points)
    seen = rasterize(clip, both, (30, 30), backend=backend)
    image = torch.rand(1, 2, 30, 30, generator=torch.Generator().manual_seed(0))
    result = antialias(image, clip, both, seen, backend=backend)
    assert torch.equal(result[..., 6:24, 6:24], image[..., 6:24, 6:24])
    assert not torch.equal(result, image)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_outline_in_front_of_a_surface_is_blended_with_it(backend):
    front, faces = box(-0.5, 0.53, -0.5, 0.5)
    back, _ = box(-1, 1, -1, 1)
    points = torch.cat([front, back + torch.tensor([0, 0, -0.5])], 1)
    both = Topology.from_faces(torch.cat([faces.faces, faces.faces + 4]))
    clip = orthographic(points)
    seen = rasterize(clip, both, (20, 20), backend=backend)
    image = (seen.face_id < 2)[:, None].float()
    result = antialias(image, clip, both, seen, backend=backend)
    assert torch.allclose(result[0, 0, 10, 13:17], torch.tensor([1.0, 1.0, 0.3, 0.0]), atol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_moving_the_box_right_moves_its_mask_right(backend):
    vertices, topology = box(-0.47, 0.52, -0.43, 0.58)
    vertices.requires_grad_()
    alpha = coverage(orthographic(vertices), topology, (20, 20), backend)
    columns = torch.arange(20.0)
    (gradient,) = torch.autograd.grad((alpha * columns).sum(), vertices)
    # Ten rows of ten pixels move by ten pixels per unit of x.
    assert gradient[..., 0].sum() == pytest.approx(10 * float(alpha.detach().sum()), rel=0.06)
    assert abs(float(gradient[..., 1].sum())) < 5


def smooth_directions(points: Tensor, count: int, seed: int) -> list[Tensor]:
    """Translations, scaling, rotations and bumps, each of largest step 1."""
    generator = torch.Generator().manual_seed(seed)
    axes = torch.eye(3)
    found = [axis.expand_as(points) for axis in axes] + [points]
    found += [torch.linalg.cross(axis.expand_as(points), points) for axis in axes]
    while len(found) < count:
        wave = 1.5 * torch.randn(3, 3, generator=generator)
        phase = 6.28 * torch.rand(3, generator=generator)
        found.append(torch.sin(points @ wave + phase) * torch.randn(3, generator=generator))
    return [d / d.norm(dim=-1).max() for d in found]


def painted(rest: Tensor) -> Tensor:
    """Give each vertex a colour that waves over the shape, and full coverage."""
    colours = 0.5 + 0.5 * torch.sin(torch.tensor([3.0, 4, 3.5]) * rest + torch.tensor([1.0, 0, 2]))
    return torch.cat([colours, torch.ones_like(rest[..., :1])], -1)


def rgba(points: Tensor, values: Tensor, topology: Topology, side: int, scale: int) -> Tensor:
    """Draw at a multiple of the size, and average."""
    clip = perspective(points)
    seen = rasterize(clip, topology, (side * scale, side * scale))
    image = interpolate(values, clip, topology, seen)
    return F.avg_pool2d(antialias(image, clip, topology, seen), scale)


@pytest.mark.parametrize("shape", [sphere, bumpy])
@pytest.mark.parametrize("subdivisions", [3, 4])
def test_the_gradient_is_the_change_of_a_supersampled_picture(shape, subdivisions):
    """24 directions; central differences of a picture with 64 samples per pixel."""
    side, finest = 64, 8
    points, topology = shape(subdivisions)
    values = painted(points)
    moved = turn(points, 0.3, -0.2) * torch.tensor([1.07, 0.95, 1.02]) + 0.05
    directions = smooth_directions(points, 24, seed=0)
    step = 0.1 * 8 * math.tan(0.3) / side
    with torch.no_grad():
        pull = rgba(points, values, topology, side, finest) - rgba(
            moved, values, topology, side, finest
        )
        changes = [
            rgba(points + step * d, values, topology, side, finest)
            - rgba(points - step * d, values, topology, side, finest)
            for d in directions
        ]
    points = points.requires_grad_()
    picture = rgba(points, values, topology, side, 1)
    for channels, least in ((slice(0, 3), 0.96), (slice(3, 4), 0.98)):
        loss = (pull[:, channels] * picture[:, channels]).sum()
        (gradient,) = torch.autograd.grad(loss, points, retain_graph=True)
        found = torch.stack([(gradient * d).sum() for d in directions])
        true = torch.stack([(pull * c)[:, channels].sum() for c in changes]) / (2 * step)
        cosine = float(F.cosine_similarity(found, true, dim=0))
        gain = float((found @ true) / (true @ true))
        assert cosine > least
        assert 0.85 < gain < 1.1


def test_an_edge_that_passes_the_camera_is_blended_up_to_the_near_plane():
    """A wall's upper border runs from far ahead to behind the camera, across the columns."""
    ends = torch.tensor([[-0.55, 0.3, -8.0], [0.25, 0.3, 9.0], [0.25, -3, 9.0], [-0.55, -3, -8.0]])
    topology = Topology.from_faces(np.array([[0, 1, 2], [0, 2, 3]]))
    results = []
    for backend in BACKENDS:
        points = ends[None].clone().requires_grad_()
        alpha = coverage(perspective(points, far=100), topology, (24, 24), backend)
        (gradient,) = torch.autograd.grad(alpha.sum(), points)
        results.append((alpha.detach(), gradient))
        assert ((alpha > 0.05) & (alpha < 0.95)).sum() >= 10
        moved = points.detach() + torch.tensor([0, 1e-3, 0])
        grown = coverage(perspective(moved, far=100), topology, (24, 24), backend).sum()
        slope = float(grown - alpha.detach().sum()) / 1e-3
        assert float(gradient[..., 1].sum()) == pytest.approx(slope, rel=0.02)
    assert torch.allclose(results[0][0], results[1][0], atol=1e-6)
    assert torch.allclose(results[0][1], results[1][1], rtol=1e-4, atol=1e-3)
