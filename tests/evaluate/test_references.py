"""Training shapes as answers."""

import numpy as np

from shapecycle.evaluate.references import TrainingShapes, medoid
from shapecycle.mesh import Mesh


def _box(width: float, height: float, depth: float) -> Mesh:
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float) / 2
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    vertices = (corners * [width, height, depth]).astype(np.float32)
    return Mesh(vertices, np.array(faces))


DEPTHS = (0.9, 0.5, 0.1, 0.45)


def _training() -> TrainingShapes:
    return TrainingShapes.of([_box(0.2, 0.2, depth) for depth in DEPTHS])


def _depths(training: TrainingShapes, truth: Mesh, name: str) -> dict[str, float]:
    """Tell which shapes are picked by their depths."""
    picked = training.picked_for(truth, name)
    return {kind: round(float(np.ptp(mesh.vertices[:, 2])), 3) for kind, mesh in picked.items()}


def test_the_medoid_is_the_shape_in_the_middle() -> None:
    assert medoid([_box(0.2, 0.2, size) for size in (1.0, 0.3, 0.5, 0.45)]) in (2, 3)
    assert medoid([_box(0.2, 0.2, size) for size in (0.9, 0.5, 0.1)]) == 1


def test_the_truth_picks_the_shape_it_is_most_like() -> None:
    training = _training()
    for depth, wanted in ((0.8, 0.9), (0.12, 0.1), (0.52, 0.5)):
        assert _depths(training, _box(0.2, 0.2, depth), "x")["nearest_training_shape"] == wanted


def test_the_typical_shape_is_the_same_for_all() -> None:
    training = _training()
    for depth in (0.8, 0.12):
        picked = _depths(training, _box(0.2, 0.2, depth), "x")
        assert picked["typical_training_shape"] in (0.5, 0.45)


def test_the_name_decides_the_random_shape_and_all_are_picked() -> None:
    training, truth = _training(), _box(0.2, 0.2, 0.3)
    picks = [_depths(training, truth, f"n{k}")["random_training_shape"] for k in range(40)]
    assert picks == [_depths(training, truth, f"n{k}")["random_training_shape"] for k in range(40)]
    assert set(picks) == set(DEPTHS)
