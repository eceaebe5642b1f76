"""Scores of the demo: the answer that needs no learning, and means."""

import numpy as np

from shapecycle.demo.scoring import means, medoid
from shapecycle.mesh import Mesh


def _box(width: float, height: float, depth: float) -> Mesh:
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float) / 2
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    vertices = (corners * [width, height, depth]).astype(np.float32)
    return Mesh(vertices, np.array(faces))


def test_the_medoid_is_the_shape_in_the_middle() -> None:
    assert medoid([_box(0.2, 0.2, size) for size in (1.0, 0.3, 0.5, 0.45)]) in (2, 3)
    assert medoid([_box(0.2, 0.2, size) for size in (0.9, 0.5, 0.1)]) == 1


def test_means_are_of_numbers_only() -> None:
    rows = [{"a": 1.0, "image": "x"}, {"a": 2.0, "image": "y"}]
    assert means(rows) == {"a": 1.5}
