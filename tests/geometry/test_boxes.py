"""Normalising: one size in one place, and back again."""

import numpy as np
import pytest
from simple_shapes import box_mesh, sphere_mesh

from shapecycle.errors import GeometryError
from shapecycle.geometry.boxes import normalise
from shapecycle.mesh import Mesh


def test_a_normalised_box_is_centred_with_diagonal_one_and_maps_back() -> None:
    mesh = box_mesh((1, 2, 3), at=(1e6, -5, 0.1))
    unit, normalisation = normalise(mesh)
    low, high = unit.vertices.min(0), unit.vertices.max(0)
    np.testing.assert_allclose(low, -high, atol=1e-7)
    assert np.linalg.norm(high - low) == pytest.approx(1)
    assert unit.vertices.dtype == np.float32
    back = normalisation.file_from_object(unit.vertices.astype(np.float64))
    np.testing.assert_allclose(back, mesh.vertices, atol=1e-6)
    there = normalisation.object_from_file(mesh.vertices)
    np.testing.assert_allclose(there, unit.vertices, atol=1e-7)


def test_moving_and_scaling_a_shape_changes_nothing_after_normalising() -> None:
    mesh = sphere_mesh(1)
    moved = Mesh(mesh.vertices * 7 + [3, 4, 5], mesh.faces)
    expected = normalise(mesh)[0].vertices
    np.testing.assert_allclose(normalise(moved)[0].vertices, expected, atol=1e-6)


def test_a_point_cannot_be_normalised() -> None:
    with pytest.raises(GeometryError, match="the bounding box has a diagonal of 0"):
        normalise(Mesh(np.ones((3, 3)), np.array([[0, 1, 2]])))
