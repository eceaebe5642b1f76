"""Every operation's gradient is the derivative of its value."""

import torch
from rasterize_scenes import perspective, random_triangles, sphere

from shapecycle.rasterize import (
    Topology,
    antialias,
    interpolate,
    linear_from_srgb,
    rasterize,
    shade_sh,
    srgb_from_linear,
    texture,
    vertex_normals,
)

GENERATOR = torch.Generator().manual_seed(7)


def random(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=GENERATOR, dtype=torch.float64)


def check(function, *inputs: torch.Tensor) -> None:
    assert torch.autograd.gradcheck(function, inputs, atol=1e-6, rtol=1e-5)


def test_interpolation_has_the_gradient_of_its_value():
    points = random_triangles(12, seed=1)
    topology = Topology.from_faces(torch.arange(36).reshape(12, 3))
    clip = perspective(points)
    visibility = rasterize(clip, topology, (7, 9))
    assert visibility.mask.sum() > 10
    check(
        lambda values, clip: interpolate(values, clip, topology, visibility),
        random(1, 36, 2).requires_grad_(),
        clip.requires_grad_(),
    )


def test_antialiasing_has_the_gradient_of_its_value():
    vertices, topology = sphere(1, torch.float64)
    clip = perspective(vertices)
    visibility = rasterize(clip, topology, (8, 10))
    image = random(1, 2, 8, 10)
    assert not torch.equal(antialias(image, clip, topology, visibility), image)
    check(
        lambda image, clip: antialias(image, clip, topology, visibility),
        image.requires_grad_(),
        clip.requires_grad_(),
    )


def test_texture_lookup_has_the_gradient_of_its_value():
    for wrap in ("clamp", "repeat", "mirror"):
        for items in (1, 2):
            check(
                lambda image, uv, wrap=wrap: texture(image, uv, wrap=wrap),
                random(items, 2, 4, 5).requires_grad_(),
                (3 * random(2, 2, 3, 4) - 1).requires_grad_(),
            )


def test_normals_and_light_have_the_gradient_of_their_values():
    vertices, topology = sphere(0, torch.float64)
    check(lambda points: vertex_normals(points, topology), vertices.requires_grad_())
    check(shade_sh, random(2, 3, 2, 3).requires_grad_(), random(2, 9, 3).requires_grad_())
    check(shade_sh, random(2, 5, 3).requires_grad_(), random(2, 9, 3).requires_grad_())


def test_the_srgb_curve_has_the_gradient_of_its_value():
    values = torch.tensor([-0.2, 0.0, 0.002, 0.02, 0.3, 0.9, 1.4], dtype=torch.float64)
    check(srgb_from_linear, values.clone().requires_grad_())
    check(linear_from_srgb, values.clone().requires_grad_())
