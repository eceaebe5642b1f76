"""Laws of crossing faces and of crumpling, against a slow reference and on simple bodies."""

import itertools
import math

import numpy as np
import pytest
import trimesh
from jaxtyping import Bool, Float, Int

from shapecycle.evaluate import self_intersections
from shapecycle.evaluate.self_intersections import dihedral_deviation, self_intersecting_faces

Vertices = Float[np.ndarray, "v 3"]
Faces = Int[np.ndarray, "f 3"]

TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], float)
ITS_FACES = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]])


def sphere(subdivisions: int = 3) -> tuple[Vertices, Faces]:
    made = trimesh.creation.icosphere(subdivisions=subdivisions)
    return np.asarray(made.vertices), np.asarray(made.faces)


def soup(seed: int, faces: int = 25, size: float = 0.6) -> tuple[Vertices, Faces]:
    """Triangles of random place and shape, none touching another."""
    generator = np.random.default_rng(seed)
    centres = generator.random((faces, 1, 3))
    corners = centres + size * generator.normal(size=(faces, 3, 3)) / 2
    return corners.reshape(-1, 3), np.arange(3 * faces).reshape(-1, 3)


def crumpled_sphere(seed: int, subdivisions: int = 2) -> tuple[Vertices, Faces]:
    vertices, faces = sphere(subdivisions)
    return vertices + 0.4 / subdivisions * np.random.default_rng(seed).normal(
        size=vertices.shape
    ), faces


def doubled_volume(a: Vertices, b: Vertices, c: Vertices, d: Vertices) -> float:
    return float(np.dot(np.cross(b - a, c - a), d - a))


def segment_pierces(p: Vertices, q: Vertices, triangle: Vertices) -> bool:
    a, b, c = triangle
    if doubled_volume(a, b, c, p) * doubled_volume(a, b, c, q) >= 0:
        return False
    turns = [doubled_volume(p, q, *edge) > 0 for edge in ((a, b), (b, c), (c, a))]
    return all(turns) or not any(turns)


def self_intersecting_by_all_pairs(vertices: Vertices, faces: Faces) -> Bool[np.ndarray, " f"]:
    """The definition, by edges that pierce triangles instead of intervals on a line."""
    crosses = np.zeros(len(faces), dtype=bool)
    for i, j in itertools.combinations(range(len(faces)), 2):
        if set(faces[i]) & set(faces[j]):
            continue
        one, other = vertices[faces[i]], vertices[faces[j]]
        crosses[[i, j]] |= any(
            segment_pierces(edges[k], edges[k - 1], triangle)
            for edges, triangle in ((one, other), (other, one))
            for k in range(3)
        )
    return crosses


@pytest.mark.parametrize("seed", range(5))
def test_a_soup_scores_as_in_a_comparison_of_all_pairs(seed: int) -> None:
    vertices, faces = soup(seed)
    expected = self_intersecting_by_all_pairs(vertices, faces)
    assert 0 < expected.sum() < len(faces)
    assert (self_intersecting_faces(vertices, faces) == expected).all()


def test_a_crumpled_sphere_scores_as_in_a_comparison_of_all_pairs() -> None:
    vertices, faces = crumpled_sphere(0, subdivisions=1)
    expected = self_intersecting_by_all_pairs(vertices, faces)
    assert 0 < expected.sum() < len(faces)
    assert (self_intersecting_faces(vertices, faces) == expected).all()


def test_the_order_of_the_faces_and_their_windings_play_no_part() -> None:
    vertices, faces = soup(7)
    order = np.random.default_rng(1).permutation(len(faces))
    shuffled = faces[order]
    shuffled[::2] = shuffled[::2, ::-1]
    assert (
        self_intersecting_faces(vertices, shuffled)
        == self_intersecting_faces(vertices, faces)[order]
    ).all()


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
def test_turning_moving_and_scaling_play_no_part(size: float) -> None:
    vertices, faces = crumpled_sphere(1)
    turn = trimesh.transformations.random_rotation_matrix(np.array([0.2, 0.6, 0.9]))[:3, :3]
    moved = size * (vertices @ turn.T + (3.0, -2.0, 5.0))
    assert (self_intersecting_faces(moved, faces) == self_intersecting_faces(vertices, faces)).all()
    assert dihedral_deviation(moved, faces) == pytest.approx(dihedral_deviation(vertices, faces))


def test_working_in_small_parts_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vertices, faces = crumpled_sphere(2)
    at_once = self_intersecting_faces(vertices, faces)
    monkeypatch.setattr(self_intersections, "PAIRS_AT_ONCE", 50)
    assert (self_intersecting_faces(vertices, faces) == at_once).all()


def test_interlocked_tetrahedra_cross_and_separate_ones_do_not() -> None:
    faces = np.concatenate([ITS_FACES, ITS_FACES + 4])
    interlocked = np.concatenate([TETRAHEDRON, -TETRAHEDRON * 0.9])
    separate = np.concatenate([TETRAHEDRON, -TETRAHEDRON + 5])
    assert self_intersecting_faces(interlocked, faces).all()
    assert not self_intersecting_faces(separate, faces).any()


def test_a_tetrahedron_inside_another_does_not_cross_it() -> None:
    nested = np.concatenate([TETRAHEDRON, TETRAHEDRON * 0.5])
    assert not self_intersecting_faces(nested, np.concatenate([ITS_FACES, ITS_FACES + 4])).any()


def test_a_sphere_does_not_cross_itself() -> None:
    assert not self_intersecting_faces(*sphere()).any()


def test_a_sphere_pushed_through_itself_crosses_where_it_was_pushed() -> None:
    vertices, faces = sphere()
    pushed = vertices.copy()
    pushed[vertices[:, 1] > 0.8, 1] -= 2.5
    crosses = self_intersecting_faces(pushed, faces)
    assert 0 < crosses.mean() < 0.5
    assert not crosses[(vertices[faces][:, :, 1] < -0.99).all(1)].any()


def test_a_needle_through_a_wall_makes_exactly_the_two_cross() -> None:
    vertices = np.array(
        [[-2, -2, 0], [2, -2, 0], [0, 2, 0], [0, 0, -1], [0, 0, 1], [0.1, 0.1, 1], [5, 5, 5]], float
    )
    faces = np.array([[0, 1, 2], [3, 4, 5], [4, 5, 6]])
    assert self_intersecting_faces(vertices, faces).tolist() == [True, True, False]


def test_faces_that_share_a_corner_are_not_compared() -> None:
    vertices = np.array([[0, 0, 0], [2, -1, 0], [2, 1, 0], [2, 0, 1], [1, 0, -1]], float)
    faces = np.array([[0, 1, 2], [0, 3, 4]])
    apart = np.concatenate([vertices, [[0.1, 0, 0]]])
    assert not self_intersecting_faces(vertices, faces).any()
    assert self_intersecting_faces(apart, np.array([[0, 1, 2], [5, 3, 4]])).all()


def test_doubled_vertices_count_as_one_corner() -> None:
    vertices, faces = crumpled_sphere(3)
    unwelded, their_faces = vertices[faces].reshape(-1, 3), np.arange(faces.size).reshape(-1, 3)
    assert (
        self_intersecting_faces(unwelded, their_faces) == self_intersecting_faces(vertices, faces)
    ).all()
    assert dihedral_deviation(unwelded, their_faces) == pytest.approx(
        dihedral_deviation(vertices, faces)
    )


@pytest.mark.parametrize("turn", [0.0, 0.7])
def test_faces_that_overlap_in_one_plane_do_not_cross(turn: float) -> None:
    flat = np.array([[0, 0, 0], [2, 0, 0], [0, 2, 0], [0.3, 0.3, 0], [3, 0.5, 0], [0.5, 3, 0]])
    spin = trimesh.transformations.rotation_matrix(turn, [1, 2, 3])[:3, :3]
    assert not self_intersecting_faces(flat @ spin.T, np.array([[0, 1, 2], [3, 4, 5]])).any()


def test_a_leg_that_stands_on_a_seat_does_not_cross_it() -> None:
    seat = trimesh.creation.box((2, 0.2, 2))
    leg = trimesh.creation.box((0.3, 1.0, 0.3))
    standing = trimesh.util.concatenate([seat, leg.copy().apply_translation([0.1, 0.6, 0.2])])
    sunk = trimesh.util.concatenate([seat, leg.copy().apply_translation([0.1, 0.5, 0.2])])
    assert not self_intersecting_faces(
        np.asarray(standing.vertices), np.asarray(standing.faces)
    ).any()
    assert self_intersecting_faces(np.asarray(sunk.vertices), np.asarray(sunk.faces)).any()


def test_faces_without_area_are_left_alone() -> None:
    vertices = np.array([[-2, -2, 0], [2, -2, 0], [0, 2, 0], [0, 0, -1], [0, 0, 1], [0, 0, 0.5]])
    faces = np.array([[0, 1, 2], [3, 4, 5], [3, 4, 4]])
    assert not self_intersecting_faces(vertices, faces).any()


def test_no_faces_are_no_trouble() -> None:
    nothing = np.zeros((0, 3), dtype=np.int64)
    assert self_intersecting_faces(np.zeros((1, 3)), nothing).shape == (0,)
    assert dihedral_deviation(np.zeros((1, 3)), nothing) == 0.0


def test_the_edges_of_a_box_are_right_angles_and_its_diagonals_flat() -> None:
    box = trimesh.creation.box((1, 2, 3))
    vertices, faces = np.asarray(box.vertices), np.asarray(box.faces).copy()
    assert dihedral_deviation(vertices, faces) == pytest.approx((12 * math.pi / 2 + 6 * 0) / 18)
    faces[::3] = faces[::3, ::-1]
    assert dihedral_deviation(vertices, faces) == pytest.approx(math.pi / 3)


def test_a_finer_sphere_is_less_crumpled() -> None:
    assert dihedral_deviation(*sphere(4)) == pytest.approx(
        dihedral_deviation(*sphere(3)) / 2, rel=0.02
    )


def test_folding_a_sheet_shut_is_half_a_turn() -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0.2, 0.9, 0]])
    assert dihedral_deviation(vertices, np.array([[0, 1, 2], [1, 0, 3]])) == pytest.approx(math.pi)
