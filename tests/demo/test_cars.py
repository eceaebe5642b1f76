"""The demo's cars and pictures: one frame, closed solids, and no car on two sides."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image
from scipy.spatial import cKDTree

from shapecycle import demo
from shapecycle.demo import cars
from shapecycle.mesh import Mesh

SEEDS = range(500, 512)
PICTURES = Path(demo.__file__).parent / "pictures"
VIEWS = 5


@pytest.fixture(scope="module")
def meshes() -> list[Mesh]:
    return [cars.car_mesh(cars.sample_car(seed)) for seed in SEEDS]


@pytest.fixture(scope="module")
def of_each_kind() -> dict[str, cars.Car]:
    return {kind: cars.sample_car(7, kind) for kind in cars.KINDS}


def test_the_same_seed_gives_the_same_car() -> None:
    first, second = cars.sample_car(3), cars.sample_car(3)
    assert first == second
    np.testing.assert_array_equal(cars.car_mesh(first).vertices, cars.car_mesh(second).vertices)


def test_a_number_and_its_generator_give_the_same_car() -> None:
    assert cars.sample_car(3) == cars.sample_car(np.random.default_rng(3))


def test_cars_are_centred_with_a_bounding_box_diagonal_of_one(meshes: list[Mesh]) -> None:
    for mesh in meshes:
        lowest, highest = mesh.vertices.min(0), mesh.vertices.max(0)
        np.testing.assert_allclose(lowest + highest, 0, atol=1e-5)
        assert np.linalg.norm(highest - lowest) == pytest.approx(1, abs=1e-5)


def test_cars_are_their_own_mirror_images(meshes: list[Mesh]) -> None:
    for mesh in meshes:
        mirrored = mesh.vertices * np.array([-1, 1, 1], dtype=np.float32)
        assert cKDTree(mesh.vertices).query(mirrored)[0].max() < 1e-6


def test_cars_are_longer_than_wide_and_stand_upright(meshes: list[Mesh]) -> None:
    for mesh in meshes:
        width, height, length = np.ptp(mesh.vertices, axis=0)
        assert length > 1.3 * width
        assert 0.5 * width < height < 1.5 * width


def test_the_front_is_at_plus_z(of_each_kind: dict[str, cars.Car]) -> None:
    for car in of_each_kind.values():
        middle = {p.name: p.vertices[:, 2].mean() for p in cars.car_parts(car)}
        assert middle["headlamp"] > 0.2
        assert middle["tail lamp"] < -0.2


def test_every_solid_is_closed_and_faces_outwards(of_each_kind: dict[str, cars.Car]) -> None:
    for car in of_each_kind.values():
        mesh = cars.car_mesh(car)
        whole = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
        assert whole.is_watertight
        assert all(solid.volume > 0 for solid in whole.split())


def test_cars_have_about_four_thousand_faces(meshes: list[Mesh]) -> None:
    assert all(3000 < len(mesh.faces) < 5000 for mesh in meshes)


def test_no_face_is_without_area(meshes: list[Mesh]) -> None:
    for mesh in meshes:
        assert mesh.face_normals()[1].min() > 0


def test_parts_hold_all_faces_of_the_mesh(of_each_kind: dict[str, cars.Car]) -> None:
    for car in of_each_kind.values():
        mesh, parts = cars.car_mesh(car), cars.car_parts(car)
        together = np.concatenate([p.vertices[p.faces].mean(1) for p in parts])
        whole = mesh.vertices[mesh.faces].mean(1)
        assert len(together) == len(whole)
        assert cKDTree(together).query(whole)[0].max() < 1e-6


def test_every_car_has_paint_glass_tyres_and_lamps(of_each_kind: dict[str, cars.Car]) -> None:
    for car in of_each_kind.values():
        found = {p.material for p in cars.car_parts(car)}
        assert {"paint", "glass", "tyre", "metal", "headlight", "taillight", "trim"} == found


def test_every_material_but_paint_has_an_albedo() -> None:
    assert set(cars.ALBEDO) == set(cars.MATERIALS) - {"paint"}


def test_kinds_differ_as_their_names_promise(of_each_kind: dict[str, cars.Car]) -> None:
    def tallness(kind: str) -> float:
        extent = np.ptp(cars.car_mesh(of_each_kind[kind]).vertices, axis=0)
        return float(extent[1] / extent[2])

    assert tallness("coupe") < tallness("sedan") < tallness("suv") < tallness("jeep")
    assert tallness("estate") < tallness("van")
    assert of_each_kind["pickup"].body.bed_depth > 0
    assert of_each_kind["sedan"].body.bed_depth == 0


def outline(mesh: Mesh, generator: np.random.Generator) -> np.ndarray:
    """Heights of the car in 14 slices along its length, and its extents."""
    points = mesh.sample(6000, generator)[0]
    slices = np.digitize(points[:, 2], np.linspace(-0.4, 0.4, 15))
    heights = [np.sort(points[slices == i, 1])[-5] for i in range(1, 15)]
    return np.concatenate([heights, np.ptp(mesh.vertices, axis=0)])


def test_distinct_seeds_give_distinct_shapes() -> None:
    generator = np.random.default_rng(0)
    drawn = [cars.car_mesh(cars.sample_car(seed)) for seed in range(24)]
    first = np.array([outline(mesh, generator) for mesh in drawn])
    again = np.array([outline(mesh, generator) for mesh in drawn])
    differences = np.abs(first[:, None] - again[None]).max(2)
    resampled = np.diag(differences)
    nearest = (differences + np.diag(np.full(len(drawn), np.inf))).min(1)
    # Sampling one surface twice sets the scale that different cars must exceed.
    assert np.median(nearest) > 2 * resampled.mean()
    assert len({tuple(extents) for extents in first[:, -3:].round(4)}) == len(drawn)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind 'boat'"):
        cars.sample_car(0, "boat")


def test_written_shapes_can_be_read_back(tmp_path: Path) -> None:
    files = cars.write_shapes(tmp_path / "shapes", [4, 9])
    assert [file.name for file in files] == ["car_00004.ply", "car_00009.ply"]
    for file, seed in zip(files, (4, 9), strict=True):
        mesh, read = cars.car_mesh(cars.sample_car(seed)), trimesh.load_mesh(file, process=False)
        np.testing.assert_array_equal(read.vertices, mesh.vertices)
        np.testing.assert_array_equal(read.faces, mesh.faces)


def test_no_car_is_in_two_of_the_three_sets() -> None:
    sets = [set(cars.SHAPE_SEEDS), set(cars.TRAIN_PICTURE_SEEDS), set(cars.HELD_OUT_SEEDS)]
    assert len(set.union(*sets)) == sum(len(seeds) for seeds in sets)


def picture_names(seeds: range) -> set[str]:
    return {f"{seed}_{view}" for seed in seeds for view in range(VIEWS)}


def test_the_pictures_folder_is_complete() -> None:
    for part, seeds in (("train", cars.TRAIN_PICTURE_SEEDS), ("val", cars.HELD_OUT_SEEDS)):
        found = {file.stem for file in (PICTURES / part / "images").glob("*.png")}
        assert found == picture_names(seeds)
    shapes = {file.stem for file in (PICTURES / "val" / "shapes").glob("*.ply")}
    assert shapes == {str(seed) for seed in cars.HELD_OUT_SEEDS}
    assert (PICTURES / "README.md").exists()
    assert not (PICTURES / "train" / "cameras.json").exists()


def test_pictures_are_128_pixel_rgba_with_a_car_wholly_inside() -> None:
    for file in PICTURES.glob("*/images/*.png"):
        with Image.open(file) as picture:
            assert (picture.mode, picture.size) == ("RGBA", (128, 128)), file.name
            alpha = np.asarray(picture)[..., 3]
        assert 0.03 < (alpha > 127).mean() < 0.8, file.name
        border = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
        assert border.max() == 0, file.name


def test_stored_shapes_are_those_of_their_seeds() -> None:
    for seed in cars.HELD_OUT_SEEDS:
        read = trimesh.load_mesh(PICTURES / "val" / "shapes" / f"{seed}.ply", process=False)
        made = cars.car_mesh(cars.sample_car(seed))
        np.testing.assert_allclose(read.vertices, made.vertices, atol=1e-4)


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((PICTURES / "val" / "cameras.json").read_text())
    return loaded


def test_every_held_out_picture_has_a_camera(truth: dict[str, Any]) -> None:
    assert truth["fov_y_degrees"] == 40.0
    assert set(truth["views"]) == picture_names(cars.HELD_OUT_SEEDS)


def test_cameras_stand_where_their_angles_say(truth: dict[str, Any]) -> None:
    for view in truth["views"].values():
        camera_from_object = np.array(view["camera_from_object"])
        rotation = camera_from_object[:3, :3]
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)
        assert np.linalg.det(rotation) == pytest.approx(1, abs=1e-5)
        position = -rotation.T @ camera_from_object[:3, 3]
        a, e = np.radians([view["azimuth_degrees"], view["elevation_degrees"]])
        direction = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
        np.testing.assert_allclose(position / np.linalg.norm(position), direction, atol=1e-4)


def test_shapes_seen_by_their_cameras_cover_the_masks(truth: dict[str, Any]) -> None:
    for name, view in truth["views"].items():
        mesh = cars.car_mesh(cars.sample_car(int(name.split("_")[0])))
        camera_from_object = np.array(view["camera_from_object"])
        seen = mesh.vertices @ camera_from_object[:3, :3].T + camera_from_object[:3, 3]
        screen = seen[:, :2] / -seen[:, 2:] / np.tan(np.radians(truth["fov_y_degrees"] / 2))
        columns, rows = (screen[:, 0] + 1) * 64, (1 - screen[:, 1]) * 64
        with Image.open(PICTURES / "val" / "images" / f"{name}.png") as picture:
            mask = np.asarray(picture)[..., 3] > 0
        filled_rows, filled_columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        expected = [columns.min(), columns.max(), rows.min(), rows.max()]
        found = [filled_columns[0], filled_columns[-1] + 1, filled_rows[0], filled_rows[-1] + 1]
        np.testing.assert_allclose(found, expected, atol=1.2, err_msg=name)
