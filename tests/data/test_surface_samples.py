"""Surface samples: uniform on what can be seen, and normals that point outward."""

import numpy as np
import pytest
import trimesh
from simple_shapes import box_mesh, joined, soup_of, sphere_mesh

from shapecycle.data.surface_samples import surface_samples
from shapecycle.errors import GeometryError
from shapecycle.mesh import Mesh


def _outward(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Whether normals leave a cube around the origin; points lie on its faces."""
    return (points * normals).sum(1) > 0


def test_on_a_box_with_half_its_faces_flipped_all_normals_point_outward() -> None:
    box = box_mesh()
    faces = box.faces.copy()
    faces[::2] = faces[::2, ::-1]
    points, normals = surface_samples(Mesh(box.vertices, faces), 1000, np.random.default_rng(0))
    assert points.shape == normals.shape == (1000, 3)
    assert points.dtype == normals.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(np.abs(points).max(1), 0.5, atol=1e-6)
    assert _outward(points, normals).all()


def test_on_a_thin_plate_with_shuffled_winding_all_normals_point_outward() -> None:
    plate = soup_of(box_mesh((1, 0.004, 1)))
    faces = plate.faces.copy()
    faces[::3] = faces[::3, ::-1]
    points, normals = surface_samples(Mesh(plate.vertices, faces), 500, np.random.default_rng(0))
    assert _outward(points, normals).mean() > 0.99


def test_on_a_single_sheet_both_signs_appear() -> None:
    corners = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1]], np.float64)
    sheet = Mesh(corners, np.array([[0, 1, 2], [0, 2, 3]]))
    _, normals = surface_samples(sheet, 1000, np.random.default_rng(0))
    assert 0.4 < (normals[:, 1] > 0).mean() < 0.6
    np.testing.assert_allclose(np.abs(normals[:, 1]), 1)


def test_a_box_inside_a_box_is_never_sampled() -> None:
    points, normals = surface_samples(
        joined(box_mesh(), box_mesh((0.6, 0.6, 0.6))), 1000, np.random.default_rng(0)
    )
    np.testing.assert_allclose(np.abs(points).max(1), 0.5, atol=1e-6)
    assert _outward(points, normals).all()


def test_where_almost_everything_is_hidden_the_outside_is_still_sampled() -> None:
    inner = [box_mesh((s, s, s)) for s in np.linspace(0.8, 0.98, 8)]
    points, _ = surface_samples(joined(box_mesh(), *inner), 300, np.random.default_rng(0))
    assert len(points) == 300
    np.testing.assert_allclose(np.abs(points).max(1), 0.5, atol=1e-6)


def test_samples_are_uniform_by_area() -> None:
    points, _ = surface_samples(box_mesh((1, 2, 3)), 6000, np.random.default_rng(0))
    on_largest = np.isclose(np.abs(points[:, 0]), 0.5).mean()
    assert on_largest == pytest.approx(12 / 22, abs=0.03)


def test_units_and_place_do_not_change_the_orientation() -> None:
    box = box_mesh((1, 1, 1))
    far = Mesh(box.vertices * 1e-3 + 40, box.faces[:, ::-1])
    points, normals = surface_samples(far, 300, np.random.default_rng(0))
    assert _outward(points - 40, normals).all()


def test_the_same_seed_gives_the_same_samples() -> None:
    first, again = (surface_samples(sphere_mesh(2), 50, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])


def test_long_slivers_and_fine_meshes_are_seen_alike() -> None:
    generator = np.random.default_rng(0)
    cylinder = trimesh.creation.cylinder(radius=0.05, height=2, sections=300)
    mesh = Mesh(np.asarray(cylinder.vertices), np.asarray(cylinder.faces))
    points, normals = surface_samples(mesh, 500, generator)
    assert ((points * normals).sum(1) > 0).all()
    points, normals = surface_samples(sphere_mesh(5), 500, generator)
    assert ((points * normals).sum(1) > 0).all()


def test_a_cloud_is_trusted_as_it_is() -> None:
    cloud = Mesh(np.eye(3), np.zeros((0, 3), np.int64), -np.eye(3))
    points, normals = surface_samples(cloud, 20, np.random.default_rng(0))
    np.testing.assert_array_equal(points, -normals)


def test_a_mesh_without_area_cannot_be_sampled() -> None:
    line = Mesh(np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0]], np.float64), np.array([[0, 1, 2]]))
    with pytest.raises(GeometryError, match="all faces have zero area"):
        surface_samples(line, 5, np.random.default_rng(0))
