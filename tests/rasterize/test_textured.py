"""One pass draws what the separate operations draw, with their gradients."""

import math

import pytest
import torch
from rasterize_scenes import bumpy, perspective
from torch import Tensor

from shapecycle.rasterize import (
    Topology,
    Visibility,
    interpolate,
    linear_from_srgb,
    rasterize,
    shade_sh,
    shade_textured,
    srgb_from_linear,
    texture,
    vertex_normals,
)

BACKENDS = ("torch", "auto")


def scene(dtype: torch.dtype, subdivisions: int = 2) -> tuple[list[Tensor], Tensor, Topology]:
    """Two bumpy shapes with seams everywhere: albedo, uv, normals, light, clip; uv faces."""
    generator = torch.Generator().manual_seed(3)
    vertices, topology = bumpy(subdivisions, dtype)
    vertices = vertices * torch.tensor([1.0, 0.7], dtype=dtype)[:, None, None]
    corners = vertices[:1, topology.faces.reshape(-1)]
    uv = corners[..., :2] * 0.6 + 0.5 + 0.02 * corners[..., 2:]
    rows = torch.arange(corners.shape[1]).reshape(-1, 3)
    albedo = torch.rand(2, 3, 9, 7, generator=generator, dtype=dtype)
    light = 0.5 * torch.randn(2, 9, 3, generator=generator, dtype=dtype)
    light[:, 0] += 2
    normals = vertex_normals(vertices, topology)
    return [albedo, uv, normals, light, perspective(vertices)], rows, topology


def in_steps(inputs: list[Tensor], rows: Tensor, topology: Topology, seen: Visibility) -> Tensor:
    albedo, uv, normals, light, clip = inputs
    at = interpolate(uv, clip, topology, seen, faces=rows)
    normal = interpolate(normals, clip, topology, seen)
    normal = normal / normal.norm(dim=1, keepdim=True).clamp(min=1e-6)
    linear = linear_from_srgb(texture(albedo, at)) * shade_sh(normal, light).clamp(min=0.03)
    mask = seen.mask[:, None].to(clip.dtype)
    return torch.cat([srgb_from_linear(linear.clamp(1e-4, 1)) * mask, mask], 1)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shared", [False, True])
def test_one_pass_equals_the_steps_in_value_and_gradient(backend, shared):
    inputs, rows, topology = scene(torch.float32)
    if shared:
        inputs[0] = inputs[0][:1]
    else:
        inputs[1] = torch.cat([inputs[1], 0.8 * inputs[1]])
    inputs = [x.clone().requires_grad_() for x in inputs]
    seen = rasterize(inputs[4], topology, (26, 31))
    assert seen.mask.sum() > 500
    expected = in_steps(inputs, rows, topology, seen)
    found = shade_textured(*inputs, topology, seen, uv_faces=rows, backend=backend)
    assert torch.allclose(found, expected, atol=2e-5)
    weights = torch.rand(found.shape, generator=torch.Generator().manual_seed(0))
    wanted = torch.autograd.grad((expected * weights).sum(), inputs)
    gradients = torch.autograd.grad((found * weights).sum(), inputs)
    for gradient, want in zip(gradients, wanted, strict=True):
        assert torch.allclose(gradient, want, rtol=2e-4, atol=2e-5 * float(want.abs().max()))


@pytest.mark.parametrize("backend", BACKENDS)
def test_only_wanted_gradients_are_computed(backend):
    inputs, rows, topology = scene(torch.float32)
    seen = rasterize(inputs[4], topology, (12, 12))
    for k in range(5):
        chosen = [x.detach().clone().requires_grad_(n == k) for n, x in enumerate(inputs)]
        picture = shade_textured(*chosen, topology, seen, uv_faces=rows, backend=backend)
        picture.sum().backward()
        assert [x.grad is not None for x in chosen] == [n == k for n in range(5)]
        assert chosen[k].grad.abs().sum() > 0


def test_it_has_the_gradient_of_its_value():
    inputs, rows, topology = scene(torch.float64, subdivisions=0)
    seen = rasterize(inputs[4], topology, (5, 6))
    assert seen.mask.sum() > 10

    def draw(*inputs: Tensor) -> Tensor:
        return shade_textured(*inputs, topology, seen, uv_faces=rows)

    inputs = [x.requires_grad_() for x in inputs]
    assert torch.autograd.gradcheck(draw, inputs, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_white_light_leaves_the_albedo_and_darkness_leaves_a_trace(backend):
    inputs, rows, topology = scene(torch.float32)
    inputs[0] = torch.full((1, 3, 2, 2), 0.5)
    seen = rasterize(inputs[4], topology, (20, 20))
    for brightness, least, expected in ((1.0, 0.03, 0.5), (-5.0, 0.1, None), (9.0, 0.03, 1.0)):
        inputs[3] = torch.zeros(2, 9, 3)
        inputs[3][:, 0] = brightness * math.sqrt(4 * math.pi)
        picture = shade_textured(
            *inputs, topology, seen, uv_faces=rows, min_shading=least, backend=backend
        )
        if expected is None:
            expected = float(srgb_from_linear(0.1 * linear_from_srgb(torch.tensor(0.5))))
        colour = picture[:, :3].permute(0, 2, 3, 1)
        assert torch.allclose(colour[seen.mask], torch.tensor(expected), atol=1e-5)
        assert (colour[~seen.mask] == 0).all()
        assert torch.equal(picture[:, 3], seen.mask.float())


@pytest.mark.usefixtures("unchecked")
def test_bad_arguments_are_named():
    inputs, rows, topology = scene(torch.float32)
    seen = rasterize(inputs[4], topology, (6, 6))
    with pytest.raises(ValueError, match=r"min_shading is -0\.5; expected at least 0"):
        shade_textured(*inputs, topology, seen, uv_faces=rows, min_shading=-0.5)
    with pytest.raises(
        ValueError, match=r"normals has shape \(1, 162, 3\); expected \(2, 162, 3\)"
    ):
        shade_textured(*inputs[:2], inputs[2][:1], *inputs[3:], topology, seen, uv_faces=rows)
    with pytest.raises(ValueError, match="albedo holds 3 items, clip 2"):
        shade_textured(torch.zeros(3, 3, 4, 4), *inputs[1:], topology, seen, uv_faces=rows)
    with pytest.raises(ValueError, match="uv has 7 rows, but topology names vertex 161"):
        shade_textured(inputs[0], inputs[1][:, :7], *inputs[2:], topology, seen)
