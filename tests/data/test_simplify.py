"""Simplifying: fewer faces, and still the surface that was given."""

import numpy as np
import pytest
from simple_shapes import area_of, soup_of, sphere_mesh

from shapecycle.data.shapes import is_watertight
from shapecycle.data.simplify import simplify
from shapecycle.mesh import Mesh


def test_simplifying_keeps_size_and_area() -> None:
    mesh = sphere_mesh(4)
    small = simplify(mesh, 500)
    assert 0 < len(small.faces) <= 500
    assert area_of(small) == pytest.approx(4 * np.pi, rel=0.05)
    assert is_watertight(small)


def test_a_small_mesh_and_a_cloud_are_left_alone() -> None:
    mesh = sphere_mesh(1)
    assert simplify(mesh, 80) is mesh
    cloud = Mesh(np.zeros((9, 3)), np.zeros((0, 3), np.int64), np.ones((9, 3)))
    assert simplify(cloud, 4) is cloud


def test_a_soup_keeps_its_surface_when_simplified() -> None:
    generator = np.random.default_rng(0)
    soup = soup_of(sphere_mesh(4))
    shaken = Mesh(soup.vertices + generator.normal(0, 1e-4, soup.vertices.shape), soup.faces)
    small = simplify(shaken, 800)
    assert 0 < len(small.faces) <= 800
    assert area_of(small) == pytest.approx(4 * np.pi, rel=0.2)
    assert np.isfinite(small.vertices).all()
