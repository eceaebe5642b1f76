"""Solid textures and the flat faces that wear them: one pass draws what the reference draws."""

import math

import pytest
import torch
from rasterize_scenes import perspective, random_triangles, sphere
from torch import Tensor

from shapecycle.rasterize import (
    Topology,
    Visibility,
    linear_from_srgb,
    rasterize,
    shade_sh,
    shade_solid,
    solid_colour,
    srgb_from_linear,
)

BACKENDS = ("torch", "auto")
FEW = 6


def textures(count: int, regions: int = FEW, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Regions of all kinds, and textures with and without mirror symmetry."""
    generator = torch.Generator().manual_seed(seed)
    table = torch.rand(count, regions, 14, generator=generator)
    table[..., 3:6] = torch.randn(count, regions, 3, generator=generator)
    table[..., 3:6] /= table[..., 3:6].norm(dim=2, keepdim=True)
    table[..., 6:10] = 0.2 * torch.randn(count, regions, 4, generator=generator)
    table[..., 10:13] = 0.1 + 0.3 * table[..., 10:13]
    table[..., 13] = (torch.arange(regions) + 3) % 5  # nothing, everywhere, half-space, ...
    return table, (torch.arange(count) % 2).float()


def light(count: int) -> Tensor:
    lamps = 0.4 * torch.randn(count, 9, 3, generator=torch.Generator().manual_seed(1))
    lamps[:, 0] += 2
    return lamps


def soup() -> tuple[Tensor, Topology]:
    """Triangles that face both ways, one of them without an area, one that names a point twice."""
    points = torch.cat([random_triangles(40, seed, torch.float32) for seed in (0, 1)])
    points[:, 3:6] = points[:, 3:4]
    faces = torch.arange(120).reshape(-1, 3)
    faces[2, 1] = faces[2, 0]
    return points, Topology.from_faces(faces)


def draw(vertices: Tensor, topology: Topology, size: tuple[int, int], **how) -> Tensor:
    regions, mirrored = textures(len(vertices))
    camera = vertices - torch.tensor([0.0, 0.0, 4.0])
    clip = perspective(vertices)
    samples = how.get("samples", 1)
    seen = rasterize(clip, topology, (samples * size[0], samples * size[1]))
    return shade_solid(
        vertices, camera, regions, mirrored, light(len(vertices)), clip, topology, seen, **how
    )


@pytest.mark.parametrize("samples", [1, 2, 3])
@pytest.mark.parametrize("stacked", [False, True])
def test_one_pass_draws_what_the_reference_draws(samples: int, stacked: bool) -> None:
    vertices, topology = soup()
    if stacked:
        topology = Topology.stack([topology.faces, topology.faces[:17]])
    expected, found = (
        draw(vertices, topology, (23, 30), samples=samples, backend=backend) for backend in BACKENDS
    )
    assert 0.2 < float((expected[:, 3] > 0).float().mean()) < 0.95
    # The borders of regions are steep: 60 times the rounding of a position, more on stripes.
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)
    assert float((found - expected).abs().mean()) < 2e-6


@pytest.mark.parametrize("backend", BACKENDS)
def test_pictures_of_nothing_are_empty(backend) -> None:
    vertices, topology = soup()
    aside = vertices + torch.tensor([50.0, 0.0, 0.0])
    assert (draw(aside, topology, (6, 5), samples=2, backend=backend) == 0).all()
    padding = Topology.from_faces(torch.zeros(4, 3, dtype=torch.int64))
    assert (draw(vertices, padding, (6, 5), backend=backend) == 0).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_coverage_is_the_share_of_samples_that_see_a_face(backend) -> None:
    vertices, topology = sphere(2)
    picture = draw(vertices, topology, (16, 16), samples=2, backend=backend)
    seen = rasterize(perspective(vertices), topology, (32, 32)).mask.float()
    share = seen.reshape(1, 16, 2, 16, 2).mean((2, 4))
    torch.testing.assert_close(picture[:, 3], share, atol=0, rtol=0)
    assert set(share.flatten().tolist()) >= {0.0, 0.5, 1.0}
    assert ((picture[:, :3] > 0).all(1) == (share > 0)).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_face_turned_round_looks_the_same(backend) -> None:
    vertices, topology = soup()
    turned = Topology.from_faces(topology.faces.flip(1))
    one, two = (draw(vertices, t, (20, 20), backend=backend) for t in (topology, turned))
    torch.testing.assert_close(one, two, atol=1e-3, rtol=0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_wall_is_lit_by_its_normal(backend) -> None:
    corners = torch.tensor([[[-1.0, -1.0, 0.0], [1.0, -1.0, 0.0], [1.0, 1.0, 0.0], [-1, 1, 0]]])
    wall = Topology.from_faces(torch.tensor([[0, 1, 2], [0, 3, 2]]))
    clip = perspective(corners)
    regions, mirrored = textures(1, 1)
    picture = shade_solid(
        corners,
        corners - torch.tensor([0.0, 0.0, 4.0]),
        regions,
        mirrored,
        light(1),
        clip,
        wall,
        rasterize(clip, wall, (8, 8)),
        min_shading=0.1,
        backend=backend,
    )
    shade = shade_sh(torch.tensor([[[0.0, 0.0, 1.0]]]), light(1))[0, 0].clamp(min=0.1)
    colour = srgb_from_linear((linear_from_srgb(regions[0, 0, :3]) * shade).clamp(1e-4, 1))
    inside = picture[0, :3, 4, 4]
    torch.testing.assert_close(inside, colour, atol=1e-5, rtol=1e-5)


def test_colours_of_points_are_those_of_the_reference() -> None:
    points = torch.rand(3, 500, 3, generator=torch.Generator().manual_seed(2)) - 0.5
    expected, found = (
        solid_colour(points.mT.contiguous().mT, *textures(3), backend=b) for b in BACKENDS
    )
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)
    assert float((found - expected).abs().mean()) < 2e-6
    assert found.std(1).min() > 0.01


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_region_of_each_kind_covers_where_its_formula_says(backend) -> None:
    points = torch.tensor([[[0.3, 0.0, 0.0], [-0.3, 0.0, 0.0], [0.1, 0.0, 0.0]]])
    ground, paint = [0.2, 0.3, 0.4], [0.9, 0.8, 0.7]
    shape = [1.0, 0, 0, 0.15, 0.3, 0, 0, 0.1, 0.1, 0.1]  # plane x > 0.15, ball around x = 0.3
    for kind, painted in ((0, (1, 0, 0)), (1, (1, 0, 0)), (2, (1, 1, 0)), (3, (0, 0, 0))):
        regions = torch.tensor([[[*ground, *shape, 4.0], [*paint, *shape, float(kind)]]])
        colour = solid_colour(points, regions, torch.zeros(1), backend=backend)[0]
        wanted = torch.tensor([paint if one else ground for one in painted])
        if kind == 2:  # stripes of 0.1: at 1.5, -4.5 and -0.5 of them from the plane
            phase = math.sin((0.1 - 0.15) * 6.2832 / 0.1) * 60 + 0.5
            share = min(max(phase, 0), 1)
            wanted[2] = torch.lerp(torch.tensor(ground), torch.tensor(paint), share)
            colour, wanted = colour[2:], wanted[2:]
        torch.testing.assert_close(colour, wanted, atol=1e-3, rtol=0)


def test_half_precision_and_no_points_are_fine() -> None:
    regions, mirrored = textures(2)
    assert solid_colour(torch.zeros(2, 0, 3), regions, mirrored).shape == (2, 0, 3)
    halves = solid_colour(torch.zeros(2, 1, 3).bfloat16(), regions, mirrored)
    assert halves.dtype == torch.float32


@pytest.mark.usefixtures("unchecked")
def test_bad_arguments_are_named() -> None:
    vertices, topology = soup()
    regions, mirrored = textures(2)
    with pytest.raises(ValueError, match=r"regions has shape \(2, 6, 13\); expected \(2, r, 14\)"):
        solid_colour(vertices, regions[..., 1:], mirrored)
    with pytest.raises(ValueError, match="regions holds none per item"):
        solid_colour(vertices, regions[:, :0], mirrored)
    with pytest.raises(ValueError, match=r"mirrored has shape \(1,\); expected \(2,\)"):
        solid_colour(vertices, regions, mirrored[:1])
    clip = perspective(vertices)
    seen: Visibility = rasterize(clip, topology, (6, 9))
    with pytest.raises(ValueError, match="samples is 2; expected a divisor of the size 6 x 9"):
        shade_solid(
            vertices, vertices, regions, mirrored, light(2), clip, topology, seen, samples=2
        )
    with pytest.raises(ValueError, match=r"min_shading is -1; expected at least 0"):
        shade_solid(
            vertices, vertices, regions, mirrored, light(2), clip, topology, seen, min_shading=-1
        )
