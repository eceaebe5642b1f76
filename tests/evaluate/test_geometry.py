"""Laws of the scores between two surfaces, and what they say of simple ones."""

import numpy as np
import pytest
import trimesh
from numpy.testing import assert_allclose

from shapecycle.errors import GeometryError
from shapecycle.evaluate.geometry import SurfacePoints, compare, compare_points
from shapecycle.mesh import Mesh


def points_on_noise(seed: int, count: int = 200) -> SurfacePoints:
    generator = np.random.default_rng(seed)
    normals = generator.normal(size=(count, 3))
    return SurfacePoints(
        generator.normal(size=(count, 3)), normals / np.linalg.norm(normals, axis=1)[:, None]
    )


def sphere(radius: float = 0.5) -> Mesh:
    made = trimesh.creation.icosphere(subdivisions=4, radius=radius)
    return Mesh(np.asarray(made.vertices), np.asarray(made.faces))


def square(height: float = 0.0) -> Mesh:
    corners = np.array([[0, 0, height], [1, 0, height], [1, 1, height], [0, 1, height]], float)
    return Mesh(corners, np.array([[0, 1, 2], [0, 2, 3]]))


def test_a_set_of_points_is_perfectly_like_itself() -> None:
    score = compare_points(points_on_noise(0), points_on_noise(0))
    assert (score.chamfer, score.f_score) == (0.0, 1.0)
    assert score.normal_consistency == pytest.approx(1.0)


def test_one_moved_point_is_enough_for_a_distance() -> None:
    points = points_on_noise(0)
    moved = points.positions.copy()
    moved[17] += (0.001, 0, 0)
    assert compare_points(points, SurfacePoints(moved, points.normals)).chamfer > 0


def test_swapping_the_two_sides_changes_no_score() -> None:
    a, b = points_on_noise(1), points_on_noise(2, count=150)
    forward, backward = compare_points(a, b, threshold=0.4), compare_points(b, a, threshold=0.4)
    assert 0 < forward.f_score < 1
    assert_allclose(
        [forward.chamfer, forward.f_score, forward.normal_consistency],
        [backward.chamfer, backward.f_score, backward.normal_consistency],
    )


@pytest.mark.parametrize("size", [0.1, 3.0])
def test_distances_grow_with_the_objects_and_the_other_scores_with_the_threshold(
    size: float,
) -> None:
    a, b = points_on_noise(1), points_on_noise(2)
    small = compare_points(a, b, threshold=0.4)
    large = compare_points(
        SurfacePoints(a.positions * size, a.normals),
        SurfacePoints(b.positions * size, b.normals),
        threshold=0.4 * size,
    )
    assert large.chamfer == pytest.approx(small.chamfer * size)
    assert large.f_score == pytest.approx(small.f_score)
    assert large.normal_consistency == pytest.approx(small.normal_consistency)


def test_moving_both_sides_together_changes_no_score() -> None:
    a, b = points_on_noise(1), points_on_noise(2)
    turn, shift = (
        trimesh.transformations.random_rotation_matrix(np.array([0.1, 0.5, 0.8]))[:3, :3],
        4.0,
    )

    def moved(points: SurfacePoints) -> SurfacePoints:
        return SurfacePoints(points.positions @ turn.T + shift, points.normals @ turn.T)

    before, after = (
        compare_points(a, b, threshold=0.4),
        compare_points(moved(a), moved(b), threshold=0.4),
    )
    assert after.chamfer == pytest.approx(before.chamfer)
    assert after.f_score == pytest.approx(before.f_score)
    assert after.normal_consistency == pytest.approx(before.normal_consistency)


def test_the_scores_match_a_comparison_of_all_pairs() -> None:
    a, b = points_on_noise(3, count=80), points_on_noise(4, count=60)
    distance = np.linalg.norm(a.positions[:, None] - b.positions[None], axis=2)
    cosine = np.abs(a.normals @ b.normals.T)
    precision, recall = (distance.min(1) < 0.5).mean(), (distance.min(0) < 0.5).mean()
    score = compare_points(a, b, threshold=0.5)
    assert score.chamfer == pytest.approx((distance.min(1).mean() + distance.min(0).mean()) / 2)
    assert score.f_score == pytest.approx(2 * precision * recall / (precision + recall))
    assert score.normal_consistency == pytest.approx(
        (
            cosine[np.arange(80), distance.argmin(1)].mean()
            + cosine[distance.argmin(0), np.arange(60)].mean()
        )
        / 2
    )


def test_flipping_the_normals_of_one_side_changes_nothing() -> None:
    a, b = points_on_noise(1), points_on_noise(2)
    flipped = SurfacePoints(b.positions, -b.normals)
    assert compare_points(a, flipped) == compare_points(a, b)


def test_two_spheres_in_one_another_are_as_far_apart_as_their_radii() -> None:
    score = compare(sphere(0.5), sphere(0.4), points=20_000)
    assert score.chamfer == pytest.approx(0.1, abs=0.002)
    assert score.f_score == 0.0
    assert score.normal_consistency > 0.99


def test_a_raised_square_fails_the_f_score_exactly_beyond_the_threshold() -> None:
    assert compare(square(), square(0.015), points=8192).f_score > 0.7
    assert compare(square(), square(0.021), points=8192).f_score == 0.0


def test_half_a_surface_has_full_precision_and_half_the_recall() -> None:
    half = Mesh(square().vertices * (0.5, 1, 1), square().faces)
    score = compare(half, square(), points=20_000, threshold=0.03)
    recall = 0.5 + 0.03
    assert score.f_score == pytest.approx(2 * recall / (1 + recall), abs=0.02)


def test_crossed_squares_have_no_normals_in_common() -> None:
    upright = Mesh(square().vertices[:, [0, 2, 1]], square().faces)
    assert compare(square(), upright).normal_consistency == pytest.approx(0.0)


def test_a_surface_drawn_twice_is_not_at_distance_zero() -> None:
    score = compare(sphere(), sphere())
    assert 0.005 < score.chamfer < 0.02


def test_the_seed_alone_decides_the_points() -> None:
    a, b = sphere(), sphere(0.48)
    assert compare(a, b, seed=5) == compare(a, b, seed=5)
    assert compare(a, b, seed=5) != compare(a, b, seed=6)


def test_a_mesh_without_area_is_refused() -> None:
    line = Mesh(np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0]], float), np.array([[0, 1, 2]]))
    with pytest.raises(GeometryError, match="zero area"):
        compare(line, square())


def test_no_points_at_all_are_refused() -> None:
    none = SurfacePoints(np.zeros((0, 3)), np.zeros((0, 3)))
    with pytest.raises(GeometryError, match="without points"):
        compare_points(none, points_on_noise(0))
