"""True shapes: what a reconstruction, and what other surfaces score against them."""

from math import radians

import numpy as np
import pytest
from tiny_world import small_car

from shapecycle.evaluate.known_shapes import KnownShape
from shapecycle.evaluate.looks import DIRECTIONS, compare_looks, looks_of
from shapecycle.evaluate.pose import look_at
from shapecycle.evaluate.scores import Reconstruction
from shapecycle.mesh import Mesh

CAMERA = look_at(0.3, radians(25), 1.7)
LOOKS = {"novel_view_iou", "novel_view_normals_degrees"}


def test_the_truth_itself_looks_right_from_everywhere_and_stands_right() -> None:
    known = KnownShape.of(small_car(0), {}, None)
    row = known.score(Reconstruction(small_car(0), CAMERA, 1.0), CAMERA)
    assert row["novel_view_iou"] == 1.0
    assert row["novel_view_normals_degrees"] == pytest.approx(0.0, abs=0.05)
    assert row["rotation_error_degrees"] == pytest.approx(0.0, abs=1e-6)
    assert row["references"] == {
        "two_samplings": {name: row[name] for name in ("chamfer", "f_score", "normal_consistency")}
    }


def test_a_reference_scores_as_it_would_if_it_were_written() -> None:
    known = KnownShape.of(small_car(0), {"other": small_car(1)}, None)
    row = known.score(Reconstruction(small_car(1), CAMERA, 1.0), CAMERA)
    other = row["references"]["other"]
    assert other.keys() > LOOKS
    assert other == {name: row[name] for name in other}


def test_looks_are_compared_from_views_that_the_picture_does_not_show() -> None:
    known = KnownShape.of(small_car(0), {}, None)
    per_view = compare_looks(looks_of(small_car(1), None), known.looks).per_view["novel_view_iou"]
    for own, views in ((0, [1, 2, 3, 4, 5, 6]), (5, [0, 1, 2, 3, 4, 6])):
        camera = look_at(*map(radians, DIRECTIONS[own]), 1.7)
        row = known.score(Reconstruction(small_car(1), camera, 1.0), camera)
        assert row["novel_view_iou"] == pytest.approx(float(per_view[views].mean()))


def test_a_point_cloud_is_compared_by_its_points_alone() -> None:
    points, normals = small_car(0).sample(500, np.random.default_rng(0))
    cloud = Mesh(points, np.zeros((0, 3), np.int64), normals)
    row = KnownShape.of(cloud, {"other": small_car(1)}, None).score(
        Reconstruction(small_car(0), CAMERA, 1.0), CAMERA
    )
    assert row["chamfer"] < row["references"]["other"]["chamfer"]
    assert not LOOKS & row.keys()
    assert not LOOKS & row["references"]["other"].keys()
