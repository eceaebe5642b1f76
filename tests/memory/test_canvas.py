"""Given shapes: kept as they came, coloured through the template, drawn as they are."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from remembering import mesh_of, remembering_model
from tiny_world import small_car

from shapecycle.errors import GeometryError
from shapecycle.memory import canvas as canvas_module
from shapecycle.memory import surfaces as surfaces_module
from shapecycle.mesh import Mesh
from shapecycle.model import Model


@pytest.fixture(autouse=True)
def _small_atlases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surfaces_module, "ATLAS_SIDE", 64)


@pytest.fixture(scope="module")
def model() -> Model:
    return remembering_model(2, 3)


def _file_mesh() -> Mesh:
    """A car in millimetres, z up, front along -y, far from the origin, half its faces turned."""
    unit = small_car(5)
    axes = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    faces = unit.faces.copy()
    faces[::2] = faces[::2, ::-1]
    return Mesh((unit.vertices @ axes.T * 4000 + 500).astype(np.float32), faces)


def test_a_given_shape_keeps_its_vertices_and_faces(model: Model) -> None:
    mesh = _file_mesh()
    canvas, code = model.canvas(mesh, up="+z", front="-y", refine_steps=0)
    texture = model.mesh(code).texture
    assert texture is not None
    written = canvas.textured(texture)
    np.testing.assert_array_equal(written.vertices, mesh.vertices)
    np.testing.assert_array_equal(written.faces, mesh.faces)
    assert written.uv_faces is not None
    assert written.uv_faces.shape == mesh.faces.shape
    moved = mesh.vertices @ canvas.object_from_mesh[:3, :3].T + canvas.object_from_mesh[:3, 3]
    np.testing.assert_allclose(np.ptp(moved, axis=0) @ np.ptp(moved, axis=0), 1, atol=1e-4)
    np.testing.assert_allclose(moved, small_car(5).vertices, atol=1e-3)


def test_what_is_drawn_is_the_given_shape_whatever_its_axes_and_winding(model: Model) -> None:
    plain = model.canvas(small_car(5), refine_steps=0)[1]
    turned = model.canvas(_file_mesh(), up="+z", front="-y", refine_steps=0)[1]
    first, second = (model.draw(code, 48)[0] for code in (plain, turned))
    assert np.abs(first[..., 3] - second[..., 3]).max() < 0.1
    assert np.abs(first - second).mean() < 0.01
    vertices = model.mesh(plain).vertices
    for axis in range(3):
        wanted = small_car(5).vertices[:, axis]
        assert vertices[:, axis].max() == pytest.approx(wanted.max(), abs=1e-3)


def test_both_sides_of_a_sheet_are_drawn_and_share_its_texture(model: Model) -> None:
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0.0]], dtype=np.float32)
    sheet = Mesh(corners, np.array([[0, 1, 2], [0, 2, 3]]))
    canvas, _ = model.canvas(sheet, refine_steps=0)
    assert len(canvas.source.faces) == 4
    assert canvas.mesh.uv_faces is not None
    ours = {tuple(sorted(face)) for face in canvas.source.uv_faces.tolist()}
    assert ours == {tuple(sorted(face)) for face in canvas.mesh.uv_faces.tolist()}


def test_faces_without_area_stay_in_the_file(model: Model) -> None:
    car = small_car(2)
    faces = np.concatenate([car.faces[:3], [[0, 0, 1]], car.faces[3:]])
    canvas, _ = model.canvas(Mesh(car.vertices, faces), refine_steps=0)
    np.testing.assert_array_equal(canvas.mesh.faces, faces)
    assert canvas.mesh.uv is not None
    assert canvas.mesh.uv_faces is not None
    # The texture coordinates of all others belong to the right vertices.
    box = trimesh.Trimesh(car.vertices, car.faces, process=False)
    assert len(box.faces) == len(faces) - 1
    assert canvas.mesh.uv_faces.max() < len(canvas.mesh.uv)


def test_another_kind_of_shape_is_farther_from_what_is_read_of_it(model: Model) -> None:
    spike = mesh_of(trimesh.creation.cylinder(0.02, 2.0))
    canvas, _ = model.canvas(spike, refine_steps=0)
    usual, _ = model.canvas(small_car(0), refine_steps=0)
    assert canvas.fit.apart > usual.fit.apart


def test_clouds_and_huge_meshes_are_refused_with_a_way_out(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32)
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    cloud = Mesh(unit, np.zeros((0, 3), dtype=np.int64), unit)
    with pytest.raises(GeometryError, match="give a triangle mesh"):
        model.canvas(cloud, refine_steps=0)
    monkeypatch.setattr(canvas_module, "MAX_FACES", 10)
    with pytest.raises(GeometryError, match="--surface template"):
        model.canvas(small_car(0), refine_steps=0)


def test_a_held_shape_is_drawn_in_a_batch_with_others(model: Model) -> None:
    _, code = model.canvas(small_car(5), refine_steps=0)
    generator = torch.Generator().manual_seed(0)
    dressed = model.in_frame(
        replace(model.sample_appearance(code.shape, generator), surface=code.surface)
    )
    picture = model.draw(dressed, 32)[0]
    assert picture[..., 3].max() > 0.9
    assert not picture[[0, -1], :, 3].any()


def test_doubled_and_mixed_faces_are_laid_out_like_clean_ones(model: Model) -> None:
    car = small_car(5)
    mixed = car.faces.copy()
    mixed[::3] = mixed[::3, ::-1]
    count = len(car.vertices)
    doubled = Mesh(
        np.concatenate([car.vertices, car.vertices]),
        np.concatenate([car.faces, car.faces[:, ::-1] + count]),
    )
    clean = model.canvas(car, refine_steps=0)[0]
    for other in (Mesh(car.vertices, mixed), doubled):
        canvas, _ = model.canvas(other, refine_steps=0)
        assert len(canvas.source.faces) == pytest.approx(len(clean.source.faces), abs=12)
        assert len(canvas.source.uv) == pytest.approx(len(clean.source.uv), rel=0.25)
        assert canvas.mesh.uv is not None
        assert canvas.mesh.uv_faces is not None
        np.testing.assert_array_equal(canvas.mesh.faces, other.faces)
    # Both copies of a face take the same texels, corner by corner.
    first, second = canvas.mesh.uv_faces[: len(car.faces)], canvas.mesh.uv_faces[len(car.faces) :]
    np.testing.assert_array_equal(first, second[:, ::-1])
