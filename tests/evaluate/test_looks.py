"""Laws of how surfaces look from fixed directions, and of the directions."""

from math import asin, cos, radians, tan

import numpy as np
import pytest
import torch
import trimesh
from tiny_world import small_car

from shapecycle.evaluate import efficientnet_lite0
from shapecycle.evaluate.efficientnet_lite0 import EfficientNetLite0
from shapecycle.evaluate.looks import (
    DIRECTIONS,
    DISTANCE,
    VIEWS,
    Looks,
    compare_looks,
    looks_of,
    novel_views,
)
from shapecycle.evaluate.pose import look_at
from shapecycle.geometry.boxes import normalise
from shapecycle.mesh import Mesh

ALL = list(range(len(DIRECTIONS)))


@pytest.fixture(scope="module")
def network() -> EfficientNetLite0:
    """A network with weights of chance."""
    torch.manual_seed(0)
    return EfficientNetLite0().eval().requires_grad_(False)


def made(mesh: trimesh.Trimesh) -> Mesh:
    return Mesh(np.asarray(mesh.vertices, np.float32), np.asarray(mesh.faces))


def ball(radius: float = 0.25) -> Mesh:
    return made(trimesh.creation.icosphere(subdivisions=4, radius=radius))


def blocks(seed: int) -> Mesh:
    """Some boxes that stick in one another."""
    generator = np.random.default_rng(seed)
    boxes = [trimesh.creation.box(generator.uniform(0.1, 0.6, 3)) for _ in range(4)]
    for box in boxes:
        box.apply_translation(generator.uniform(-0.3, 0.3, 3))
    return normalise(made(trimesh.util.concatenate(boxes)))[0]


def seen(mesh: Mesh, network: EfficientNetLite0 | None = None) -> Looks:
    looks = looks_of(mesh, network)
    assert looks is not None
    return looks


def scores(a: Mesh, b: Mesh, network: EfficientNetLite0 | None = None) -> dict[str, float]:
    return compare_looks(seen(a, network), seen(b, network)).mean(ALL)


def test_a_surface_looks_like_itself(network: EfficientNetLite0) -> None:
    assert scores(blocks(0), blocks(0), network) == {
        "novel_view_iou": 1.0,
        "novel_view_normals_degrees": pytest.approx(0.0, abs=0.05),
        "look_distance": pytest.approx(0.0, abs=1e-6),
    }


def test_swapping_the_two_sides_changes_no_score(network: EfficientNetLite0) -> None:
    forward, backward = (scores(blocks(a), blocks(b), network) for a, b in ((1, 2), (2, 1)))
    assert forward == pytest.approx(backward)
    assert 0 < forward["novel_view_iou"] < 1
    assert 0 < forward["novel_view_normals_degrees"] < 90
    assert 0 < forward["look_distance"] < 2


def test_the_winding_and_the_order_of_faces_play_no_part(network: EfficientNetLite0) -> None:
    mesh = blocks(1)
    generator = np.random.default_rng(0)
    faces = mesh.faces[generator.permutation(len(mesh.faces))]
    faces = np.where(generator.random(len(faces))[:, None] < 0.5, faces, faces[:, ::-1])
    assert scores(Mesh(mesh.vertices, faces), mesh, network) == {
        "novel_view_iou": 1.0,
        "novel_view_normals_degrees": pytest.approx(0.0, abs=0.05),
        "look_distance": pytest.approx(0.0, abs=1e-5),
    }


def test_balls_cover_as_much_as_their_discs_do() -> None:
    disc, other = (tan(asin(radius / DISTANCE)) ** 2 for radius in (0.2, 0.25))
    result = scores(ball(0.2), ball(0.25))
    assert result["novel_view_iou"] == pytest.approx(disc / other, abs=0.01)


def test_a_turned_plate_differs_by_its_turn_from_wherever_it_is_seen() -> None:
    plate = trimesh.creation.box([0.6, 0.0, 0.6])
    turned = plate.copy()
    turned.apply_transform(trimesh.transformations.rotation_matrix(radians(15), [1, 0, 0.3]))
    per_view = compare_looks(seen(made(plate)), seen(made(turned))).per_view
    assert per_view["novel_view_normals_degrees"].tolist() == pytest.approx([15.0] * 8, abs=0.1)


def test_surfaces_without_a_common_pixel_are_wholly_unlike() -> None:
    here, there = (
        Mesh(ball(0.1).vertices + np.float32([0, y, 0]), ball().faces) for y in (-0.35, 0.35)
    )
    result = scores(here, there)
    assert result == {"novel_view_iou": 0.0, "novel_view_normals_degrees": 90.0}


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 0.01, 0.01), (0.01, 1, 1), (0.01, 1, 0.01)])
def test_every_object_fits_into_the_renders(size: tuple[float, float, float]) -> None:
    covered = seen(normalise(made(trimesh.creation.box(size)))[0]).covered
    assert covered.flatten(1).any(1).all()
    rim = torch.ones_like(covered)
    rim[:, 1:-1, 1:-1] = False
    assert not (covered & rim).any()


def test_a_car_looks_more_like_another_car_than_like_a_ball() -> None:
    pytest.importorskip(efficientnet_lite0.PACKAGE)
    network, car = efficientnet_lite0.pretrained(), small_car(0)
    other, round_one = (scores(mesh, car, network) for mesh in (small_car(1), ball()))
    assert other["look_distance"] < 0.7 * round_one["look_distance"]


def test_a_point_cloud_has_no_looks_and_nothing_is_like_it() -> None:
    points, normals = ball().sample(100, np.random.default_rng(0))
    cloud = looks_of(Mesh(points, np.zeros((0, 3), np.int64), normals), None)
    assert cloud is None
    assert compare_looks(seen(ball()), cloud).mean(ALL) == {}


def _away(direction: tuple[float, float]) -> np.ndarray:
    """The unit vector from the object to where it is looked at from."""
    camera = look_at(radians(direction[0]), radians(direction[1]), 1.0)
    return camera[2, :3]


def test_from_everywhere_there_are_six_novel_views_at_least_30_degrees_away() -> None:
    for azimuth in range(0, 360, 5):
        for elevation in range(-90, 91, 5):
            views = novel_views(look_at(radians(azimuth), radians(elevation), 1.7))
            assert len(views) == VIEWS
            own = _away((azimuth, elevation))
            assert max(_away(DIRECTIONS[view]) @ own for view in views) <= cos(radians(30)) + 1e-9


def test_the_first_directions_come_first_and_a_pictures_own_is_left_out() -> None:
    assert novel_views(look_at(0.0, radians(-80), 2.0)) == [0, 1, 2, 3, 4, 5]
    azimuth, elevation = map(radians, DIRECTIONS[1])
    assert novel_views(look_at(azimuth, elevation, 2.0)) == [0, 2, 3, 4, 5, 6]


def test_where_a_camera_points_and_how_it_rolls_changes_no_view() -> None:
    camera = look_at(*map(radians, DIRECTIONS[2]), 2.0)
    roll = trimesh.transformations.rotation_matrix(0.7, [0.1, 0.2, 1.0])
    assert novel_views(roll @ camera) == novel_views(camera)
