"""Normals point outwards, the light's basis is orthonormal, and the sRGB curve inverts."""

import math

import numpy as np
import pytest
import torch
from rasterize_scenes import bumpy, sphere, turn

from shapecycle.rasterize import (
    Topology,
    linear_from_srgb,
    sh_basis,
    shade_sh,
    srgb_from_linear,
    vertex_normals,
)

BACKENDS = ("torch", "auto")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_spheres_normals_are_its_positions(backend):
    vertices, topology = sphere(3)
    normals = vertex_normals(vertices, topology, backend=backend)
    assert torch.allclose(normals.norm(dim=-1), torch.ones(vertices.shape[:2]), atol=1e-5)
    assert (normals * vertices).sum(-1).min() > 0.999


@pytest.mark.parametrize("backend", BACKENDS)
def test_normals_turn_with_the_shape_and_ignore_its_size_and_place(backend):
    vertices, topology = bumpy(2)
    normals = vertex_normals(vertices, topology, backend=backend)
    moved = 0.01 * turn(vertices, 1.0, -0.5) + 3
    again = vertex_normals(moved, topology, backend=backend)
    assert torch.allclose(again, turn(normals, 1.0, -0.5), atol=2e-3)


@pytest.mark.parametrize("backend", BACKENDS)
def test_vertices_without_area_have_no_normal_and_no_gradient(backend):
    topology = Topology.from_faces(torch.tensor([[0, 1, 2], [3, 4, 5]]))
    vertices = torch.zeros(1, 7, 3)
    vertices[0, :3] = torch.eye(3)
    vertices.requires_grad_()
    normals = vertex_normals(vertices, topology, backend=backend)
    assert torch.allclose(normals[0, 0], torch.tensor(3**-0.5))
    assert (normals[0, 3:] == 0).all()
    normals.square().sum().backward()
    assert torch.isfinite(vertices.grad).all()


def test_the_basis_is_orthonormal_over_the_sphere():
    """By a product rule that integrates polynomials of degree four exactly."""
    z, weight = (torch.tensor(x) for x in np.polynomial.legendre.leggauss(4))
    phi = (torch.arange(8, dtype=torch.float64) + 0.5) * (math.pi / 4)
    ring = (1 - z * z).sqrt()[:, None]
    directions = torch.stack(
        [ring * phi.cos(), ring * phi.sin(), z[:, None].expand(-1, 8)]
    ).reshape(1, 3, -1)
    basis = sh_basis(directions)[0]
    weights = (weight[:, None] * math.pi / 4).expand(-1, 8).reshape(-1)
    gram = (basis * weights) @ basis.T
    assert torch.allclose(gram, torch.eye(9, dtype=gram.dtype), atol=1e-12)


def test_the_order_of_the_light_is_1_y_z_x_xy_yz_zz_xz_xxyy():
    normals = torch.tensor([[[0.48, 0.6, 0.64]]])
    x, y, z = 0.48, 0.6, 0.64
    expected = [1, y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y]
    for k, value in enumerate(expected):
        light = torch.zeros(1, 9, 3)
        light[0, k] = torch.tensor([1.0, 2, 0])
        shade = shade_sh(normals, light)[0, 0]
        assert shade[1] == 2 * shade[0]
        assert shade[2] == 0
        constant = float(shade[0]) / value
        scale = [0.2820948, 0.4886025, 0.4886025, 0.4886025, 1.0925484, 1.0925484, 0.3153916]
        assert constant == pytest.approx([*scale, 1.0925484, 0.5462742][k], rel=1e-5)


def test_a_constant_light_of_the_square_root_of_4_pi_shades_with_1():
    light = torch.zeros(2, 9, 3)
    light[:, 0] = math.sqrt(4 * math.pi)
    normals = torch.nn.functional.normalize(torch.randn(2, 3, 4, 5), dim=1)
    assert torch.allclose(shade_sh(normals, light), torch.ones(2, 3, 4, 5))


def test_images_and_rows_of_normals_are_shaded_alike():
    generator = torch.Generator().manual_seed(0)
    normals = torch.randn(2, 20, 3, generator=generator)
    light = torch.randn(2, 9, 3, generator=generator)
    rows = shade_sh(normals, light)
    image = shade_sh(normals.transpose(1, 2).reshape(2, 3, 4, 5), light)
    assert torch.allclose(image.flatten(2).transpose(1, 2), rows, atol=1e-5)


def test_encoding_and_decoding_srgb_invert_one_another():
    values = torch.linspace(-0.2, 1.5, 301, dtype=torch.float64)
    assert torch.allclose(linear_from_srgb(srgb_from_linear(values)), values, atol=1e-7)
    assert torch.allclose(srgb_from_linear(linear_from_srgb(values)), values, atol=1e-5)
    assert srgb_from_linear(torch.tensor(0.2140411)) == pytest.approx(0.5, abs=1e-5)
    assert (values.diff() > 0).all()
