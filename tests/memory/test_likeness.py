"""How alike shapes are: by the usual distance of remembered ones from each other."""

import numpy as np
import pytest
import trimesh
from remembering import mesh_of, remembered_cars
from tiny_world import small_car

from shapecycle.memory.likeness import Likeness
from shapecycle.mesh import Mesh


@pytest.fixture(scope="module")
def likeness() -> Likeness:
    return Likeness(remembered_cars(5))


def test_a_remembered_shape_is_nearer_than_usual_and_a_new_one_of_its_kind_about_usual(
    likeness: Likeness,
) -> None:
    assert likeness.unlike(small_car(0)) < 1
    assert likeness.unlike(small_car(9)) < 2


def test_other_kinds_and_other_axes_are_farther(likeness: Likeness) -> None:
    usual = max(likeness.unlike(small_car(seed)) for seed in (7, 8, 9))
    rod = mesh_of(trimesh.creation.cylinder(0.02, 2.0))
    car = small_car(9)
    standing = Mesh(np.ascontiguousarray(car.vertices[:, [0, 2, 1]]), car.faces[:, ::-1].copy())
    for other in (rod, standing):
        assert likeness.unlike(other) > 1.5 * usual
