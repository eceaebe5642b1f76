"""Shapes as they are remembered: two sides for sheets, outward faces, creases, fingerprints."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from remembering import mesh_of
from tiny_world import small_car

from shapecycle.data.surface_samples import seen_sides
from shapecycle.memory.source import LEVELS, THICKNESS, Source, source_of
from shapecycle.mesh import Mesh

STEP = 1 / LEVELS


def _source(mesh: Mesh, name: str = "shape") -> Source:
    source = source_of(mesh, name, torch.zeros(8))
    assert source is not None
    return source


def _corners(source: Source) -> np.ndarray:
    corners: np.ndarray = source.vertices[source.faces].numpy()
    return corners


def _volume(source: Source) -> float:
    a, b, c = _corners(source).astype(np.float64).transpose(1, 0, 2)
    return float((np.cross(a, b) * c).sum() / 6)


def _box(size: tuple[float, float, float] = (1.0, 0.7, 0.5)) -> trimesh.Trimesh:
    return trimesh.creation.box(size)


def _sheet(fold: float) -> Mesh:
    """Return an open sheet of 32 triangles, wound alike, folded along its middle."""
    across, up = np.meshgrid(np.linspace(-0.4, 0.4, 5), np.linspace(-0.3, 0.3, 5))
    vertices = np.stack([across, up, fold * np.abs(across)], 2).reshape(-1, 3)
    index = np.arange(25).reshape(5, 5)
    corners = (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1])
    a, b, c, d = (corner.ravel() for corner in corners)
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return mesh_of(trimesh.Trimesh(vertices, faces, process=False))


@pytest.mark.parametrize("seed", range(3))
def test_faces_point_outwards_whatever_the_winding_of_the_file(seed: int) -> None:
    mesh = mesh_of(trimesh.creation.icosphere(1))
    is_turned = np.random.default_rng(seed).random(len(mesh.faces)) < 0.5
    turned = replace(mesh, faces=np.where(is_turned[:, None], mesh.faces[:, ::-1], mesh.faces))
    source = _source(turned)
    a, b, c = _corners(source).transpose(1, 0, 2)
    assert ((np.cross(b - a, c - a) * (a + b + c)).sum(1) > 0).all()
    assert len(source.faces) == len(mesh.faces)
    whole = trimesh.creation.icosphere(1)
    assert _volume(source) == pytest.approx(whole.volume / np.linalg.norm(whole.extents) ** 3, 1e-3)


@pytest.mark.parametrize("fold", [0.0, 0.5])
def test_every_sheet_gets_two_sides_that_face_away_from_each_other(fold: float) -> None:
    mesh = _sheet(fold)
    source = _source(mesh)
    assert len(source.faces) == 2 * len(mesh.faces)
    a, b, c = _corners(source).astype(np.float64).transpose(1, 0, 2)
    areas = np.cross(b - a, c - a) / 2
    sizes = np.linalg.norm(areas, axis=1)
    assert sizes.sum() == pytest.approx(2 * mesh.face_normals()[1].sum(), rel=0.01)
    rest = np.abs(areas.sum(0)).max()
    assert rest < 0.01 * sizes.sum(), "what one side covers, the other covers from behind"
    away = np.linalg.norm(mesh.vertices[:, None] - source.vertices.numpy()[None], axis=2).min(0)
    assert away.max() < THICKNESS + 2 * STEP
    assert (away < 2 * STEP).mean() == pytest.approx(0.5, abs=0.1), "one side is where it was"


@pytest.mark.parametrize("fold", [0.0, 0.5])
def test_the_second_side_of_a_sheet_lies_behind_the_first_everywhere(fold: float) -> None:
    front, back = np.split(_corners(_source(_sheet(fold))), 2)
    normals = np.cross(front[:, 1] - front[:, 0], front[:, 2] - front[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    thickness = ((front - back[:, ::-1]) * normals[:, None]).sum(2)
    assert thickness.min() > 0.4 * THICKNESS


def test_inner_faces_that_nobody_sees_are_dropped() -> None:
    outer, inner = _box(), _box((0.5, 0.4, 0.3))
    both = trimesh.util.concatenate([outer, inner])
    assert isinstance(both, trimesh.Trimesh)
    source = _source(mesh_of(both))
    alone = _source(mesh_of(outer))
    assert len(source.faces) == len(alone.faces) == 12
    assert _volume(source) == pytest.approx(_volume(alone), rel=1e-3)
    assert source.vertices.abs().amin(0).allclose(alone.vertices.abs().amin(0), atol=2 * STEP)


@pytest.mark.parametrize("seed", range(2))
def test_every_face_of_a_car_can_be_seen_and_from_its_front(seed: int) -> None:
    source = _source(small_car(seed))
    mesh = Mesh(source.vertices.numpy(), source.faces.numpy())
    normals, areas = mesh.face_normals()
    generator, looks = np.random.default_rng(5), 4
    weights = generator.dirichlet(np.ones(3), (len(areas), looks))
    points = np.einsum("fkc,fcd->fkd", weights, mesh.vertices[mesh.faces]).reshape(-1, 3)
    towards, against = (
        side.reshape(-1, looks).sum(1)
        for side in seen_sides(mesh, points, np.repeat(normals, looks, 0), generator)
    )
    assert areas[towards >= against].sum() > 0.98 * areas.sum()
    assert areas[towards > 0].sum() > 0.95 * areas.sum()


def test_preparing_what_was_prepared_changes_nothing() -> None:
    first = _source(mesh_of(_box()))
    again = _source(Mesh(first.vertices.numpy(), first.faces.numpy()))
    assert torch.equal(again.vertices, first.vertices)
    assert torch.equal(again.faces, first.faces)
    assert again.fingerprint == first.fingerprint


def test_creases_part_vertices_and_smooth_surfaces_keep_theirs() -> None:
    ball, box = mesh_of(trimesh.creation.icosphere(2)), mesh_of(_box())
    assert len(_source(ball).vertices) == len(ball.vertices)
    assert len(_source(box).vertices) == 3 * len(box.vertices)


def test_coordinates_are_whole_steps_near_those_of_the_file() -> None:
    car = small_car(0)
    source = _source(car)
    levels = source.vertices.double() * LEVELS
    torch.testing.assert_close(levels, levels.round(), atol=2e-3, rtol=0)
    away = np.linalg.norm(source.vertices.numpy()[:, None] - car.vertices[None], axis=2).min(1)
    assert away.max() < THICKNESS + 2 * STEP


def test_charts_lie_in_the_square_and_every_face_has_its_own_place() -> None:
    source = _source(small_car(1))
    assert source.uv.min() >= 0
    assert source.uv.max() <= 1
    assert len(source.uv_faces) == len(source.faces)
    a, b, c = source.uv[source.uv_faces].double().unbind(1)
    (ux, uy), (vx, vy) = (b - a).unbind(1), (c - a).unbind(1)
    areas = (ux * vy - uy * vx).abs() / 2
    assert 0.4 < areas.sum() < 1, "charts that overlap would fill more than the square"


def test_texture_coordinates_meet_vertices_as_faces_do() -> None:
    source = _source(small_car(1))
    vertex = torch.full((len(source.uv),), -1)
    vertex[source.uv_faces.flatten()] = source.faces.flatten()
    assert torch.equal(vertex[source.uv_faces], source.faces), "one vertex a texture coordinate"


def test_the_fingerprint_is_that_of_the_surface_alone() -> None:
    source = _source(small_car(0))
    same = replace(source, name="other", code=source.code + 1, uv=source.uv / 2)
    assert same.fingerprint == source.fingerprint
    others = [
        _source(small_car(1)),
        replace(source, vertices=source.vertices + STEP),
        replace(source, faces=source.faces[1:], uv_faces=source.uv_faces[1:]),
        replace(source, faces=source.faces.flip(1)),
        replace(source, vertices=source.vertices.flip(0)),
    ]
    prints = [one.fingerprint for one in (source, *others)]
    assert len(set(prints)) == len(prints)
    assert all(0 < found < 2**63 for found in prints), "0 is the template, and tensors hold 63 bits"


def test_a_point_cloud_is_no_source() -> None:
    points = np.eye(3)
    cloud = Mesh(points, np.zeros((0, 3), np.int64), normals=points)
    assert source_of(cloud, "cloud", torch.zeros(8)) is None


def test_a_shape_without_area_is_no_source() -> None:
    line = Mesh(np.outer([-0.5, 0.0, 0.5], [1.0, 0.0, 0.0]), np.array([[0, 1, 2]]))
    assert source_of(line, "line", torch.zeros(8)) is None


def test_faces_without_area_are_left_out() -> None:
    mesh = mesh_of(_box())
    with_needle = replace(mesh, faces=np.concatenate([mesh.faces, [[0, 0, 1]]]))
    assert _source(with_needle).fingerprint == _source(mesh).fingerprint
