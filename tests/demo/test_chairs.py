"""The demo's chairs: one frame, closed solids, level on the floor, and open where chairs are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree

from shapecycle.demo import chairs
from shapecycle.mesh import Mesh

SEEDS = range(500, 560)


@pytest.fixture(scope="module")
def drawn() -> list[chairs.Chair]:
    return [chairs.sample_chair(seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def meshes(drawn: list[chairs.Chair]) -> list[Mesh]:
    return [chairs.chair_mesh(chair) for chair in drawn]


@pytest.fixture(scope="module")
def of_each_kind() -> dict[str, chairs.Chair]:
    return {kind: chairs.sample_chair(7, kind) for kind in chairs.KINDS}


def with_back(style: str) -> chairs.Chair:
    """The first chair whose back is of this style."""
    return next(
        chair
        for chair in (chairs.sample_chair(seed) for seed in range(400))
        if chair.back.style == style
    )


def crossings(mesh: Mesh, points: np.ndarray) -> np.ndarray:
    """How many faces each ray forwards meets, given where it passes in x and y."""
    a, b, c = (mesh.vertices[mesh.faces[:, k], :2].astype(np.float64) for k in range(3))

    def side(start: np.ndarray, end: np.ndarray) -> np.ndarray:
        along, to = end - start, points[:, None] - start
        return along[:, 0] * to[..., 1] - along[:, 1] * to[..., 0] > 0

    ab, bc, ca = side(a, b), side(b, c), side(c, a)
    return ((ab == bc) & (bc == ca)).sum(1)


def named(chair: chairs.Chair, name: str) -> np.ndarray:
    """The vertices of all parts of this name."""
    return np.concatenate([p.vertices for p in chairs.chair_parts(chair) if p.name == name])


def test_the_same_seed_gives_the_same_chair() -> None:
    first, second = chairs.sample_chair(3), chairs.sample_chair(3)
    assert first == second
    np.testing.assert_array_equal(
        chairs.chair_mesh(first).vertices, chairs.chair_mesh(second).vertices
    )


def test_a_number_and_its_generator_give_the_same_chair() -> None:
    assert chairs.sample_chair(3) == chairs.sample_chair(np.random.default_rng(3))


def test_chairs_are_centred_with_a_bounding_box_diagonal_of_one(meshes: list[Mesh]) -> None:
    for mesh in meshes:
        lowest, highest = mesh.vertices.min(0), mesh.vertices.max(0)
        np.testing.assert_allclose(lowest + highest, 0, atol=1e-5)
        assert np.linalg.norm(highest - lowest) == pytest.approx(1, abs=1e-5)


def test_chairs_are_their_own_mirror_images(meshes: list[Mesh]) -> None:
    for mesh in meshes:
        mirrored = mesh.vertices * np.array([-1, 1, 1], dtype=np.float32)
        assert cKDTree(mesh.vertices).query(mirrored)[0].max() < 1e-6


def test_chairs_stand_level_on_feet_on_both_sides_and_fore_and_aft(
    drawn: list[chairs.Chair], meshes: list[Mesh]
) -> None:
    for chair, mesh in zip(drawn, meshes, strict=True):
        height = mesh.vertices[:, 1]
        feet = mesh.vertices[height < height.min() + 1e-5]
        assert feet[:, 0].max() > 0.05
        if chair.base.style != "rocker":
            assert np.ptp(feet[:, 2]) > 0.1
            # What is sat on lies over the feet, so that the chair does not fall.
            middle = named(chair, "shell" if chair.seat.style == "shell" else "seat")[:, 2]
            assert feet[:, 2].min() < (middle.min() + middle.max()) / 2 + 0.05
            assert feet[:, 2].max() > middle.mean()


def test_all_four_feet_are_in_one_plane(of_each_kind: dict[str, chairs.Chair]) -> None:
    chair = of_each_kind["dining"]
    feet = [p.vertices[:, 1].min() for p in chairs.chair_parts(chair) if p.name == "leg"]
    assert len(feet) == 4
    np.testing.assert_allclose(feet, chairs.chair_mesh(chair).vertices[:, 1].min(), atol=1e-6)


def test_rockers_touch_the_floor_in_one_line_under_the_seat() -> None:
    chair = chairs.sample_chair(7, "rocker")
    runners = named(chair, "runner")
    touching = runners[runners[:, 1] < runners[:, 1].min() + 1e-6]
    assert np.ptp(touching[:, 2]) < 1e-6
    seat = named(chair, "seat")[:, 2]
    assert seat.min() < touching[0, 2] < seat.max()
    ends = runners[[runners[:, 2].argmin(), runners[:, 2].argmax()], 1]
    assert (ends > touching[0, 1] + 0.03).all()


def test_the_back_is_behind_and_above_the_seat(of_each_kind: dict[str, chairs.Chair]) -> None:
    for chair in of_each_kind.values():
        mesh = chairs.chair_mesh(chair)
        if chair.back.style == "none":
            continue
        top = mesh.vertices[mesh.vertices[:, 1] > 0.9 * mesh.vertices[:, 1].max()]
        assert top[:, 2].mean() < -0.05, chair.kind


def test_every_solid_is_closed_and_faces_outwards(of_each_kind: dict[str, chairs.Chair]) -> None:
    for chair in of_each_kind.values():
        mesh = chairs.chair_mesh(chair)
        whole = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
        assert whole.is_watertight
        assert all(solid.volume > 0 for solid in whole.split())


def test_chairs_have_1000_to_4500_faces(meshes: list[Mesh]) -> None:
    assert all(1000 <= len(mesh.faces) <= 4500 for mesh in meshes)


def test_no_face_is_without_area(meshes: list[Mesh]) -> None:
    for mesh in meshes:
        assert mesh.face_normals()[1].min() > 1e-9


def test_parts_hold_all_faces_of_the_mesh(of_each_kind: dict[str, chairs.Chair]) -> None:
    for chair in of_each_kind.values():
        mesh, parts = chairs.chair_mesh(chair), chairs.chair_parts(chair)
        together = np.concatenate([p.vertices[p.faces].mean(1) for p in parts])
        whole = mesh.vertices[mesh.faces].mean(1)
        assert len(together) == len(whole)
        assert cKDTree(together).query(whole)[0].max() < 1e-6
        assert {p.material for p in parts} <= set(chairs.MATERIALS)


def test_all_kinds_and_styles_occur() -> None:
    many = [chairs.sample_chair(seed) for seed in chairs.SHAPE_SEEDS]
    assert {chair.kind for chair in many} == set(chairs.KINDS)
    for part in ("seat", "back", "base", "arms"):
        offered = {
            style for kind in chairs.KINDS.values() for style in getattr(kind, _SHARES[part])
        }
        assert {getattr(chair, part).style for chair in many} == offered


_SHARES = {"seat": "seats", "back": "backs", "base": "bases", "arms": "arms"}


def test_kinds_differ_as_their_names_promise(of_each_kind: dict[str, chairs.Chair]) -> None:
    def names(kind: str) -> set[str]:
        return {p.name for p in chairs.chair_parts(of_each_kind[kind])}

    assert {"spoke", "castor", "column"} <= names("office")
    assert "runner" in names("rocker") & names("cantilever")
    assert "hoop" in names("bistro")
    assert "shell" in names("shell")
    assert "armrest" in names("armchair")
    assert of_each_kind["stool"].back.style == "none"
    assert of_each_kind["bar"].seat.height > of_each_kind["dining"].seat.height
    assert of_each_kind["lounge"].seat.height < of_each_kind["dining"].seat.height


@pytest.mark.parametrize(("style", "name"), [("slats", "slat"), ("spindles", "spindle")])
def test_one_sees_through_between_bars_and_not_through_them(style: str, name: str) -> None:
    chair = with_back(style)
    bars = [p.vertices for p in chairs.chair_parts(chair) if p.name == name]
    assert len(bars) == chair.back.count
    middles = np.array([bar.mean(0) for bar in bars])
    middles = middles[middles[:, 0].argsort()]
    gaps = (middles[1:] + middles[:-1]) / 2
    mesh = chairs.chair_mesh(chair)
    assert crossings(mesh, gaps[:, :2]).max() == 0
    assert crossings(mesh, middles[:, :2]).min() >= 2


@pytest.mark.parametrize("style", ["hoop", "bow", "rail", "cross", "strips", "ladder", "splat"])
def test_open_backs_are_pierced(style: str) -> None:
    chair = with_back(style)
    assert through_the_back(chair) > 0.1


@pytest.mark.parametrize("style", ["panel", "padded"])
def test_closed_backs_are_not(style: str) -> None:
    chair = with_back(style)
    # Panels may leave a gap over the seat, and pads have round corners.
    upper = replace(chair, back=replace(chair.back, foot=0.14))
    assert through_the_back(upper, low=0.4, high=0.8, wide=0.6) == 0


def through_the_back(
    chair: chairs.Chair, low: float = 0.15, high: float = 0.9, wide: float = 0.8
) -> float:
    """Share of the rays forwards through the back's rectangle that meet nothing."""
    mesh = chairs.chair_mesh(chair)
    seat = named(chair, "seat")
    top = mesh.vertices[:, 1].max()
    seat_top = max(named(chair, name)[:, 1].max() for name in _seat_names(chair))
    x = np.linspace(-wide, wide, 24) * np.abs(seat[:, 0]).max() * 0.8
    y = seat_top + np.linspace(low, high, 25) * (top - seat_top)
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return float((crossings(mesh, points) == 0).mean())


def _seat_names(chair: chairs.Chair) -> set[str]:
    return {p.name for p in chairs.chair_parts(chair)} & {"seat", "cushion"}


def test_light_passes_under_every_seat(drawn: list[chairs.Chair], meshes: list[Mesh]) -> None:
    for chair, mesh in zip(drawn, meshes, strict=True):
        floor = mesh.vertices[:, 1].min()
        parts = chairs.chair_parts(chair)
        under = min(p.vertices[:, 1].min() for p in parts if p.name in ("seat", "shell"))
        heights = floor + (under - floor) * np.linspace(0.05, 0.95, 24)
        widths = np.linspace(-0.2, 0.2, 12)
        points = np.stack(np.meshgrid(widths, heights), axis=-1).reshape(-1, 2)
        assert (crossings(mesh, points) == 0).mean() > 0.2


def test_distinct_seeds_give_distinct_shapes(meshes: list[Mesh]) -> None:
    extents = {tuple(np.ptp(mesh.vertices, axis=0).round(4)) for mesh in meshes}
    assert len(extents) == len(meshes)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind 'bench'"):
        chairs.sample_chair(0, "bench")


def test_written_shapes_can_be_read_back(tmp_path: Path) -> None:
    files = chairs.write_shapes(tmp_path / "shapes", [4, 9])
    assert [file.name for file in files] == ["chair_00004.ply", "chair_00009.ply"]
    for file, seed in zip(files, (4, 9), strict=True):
        mesh = chairs.chair_mesh(chairs.sample_chair(seed))
        read = trimesh.load_mesh(file, process=False)
        np.testing.assert_array_equal(read.vertices, mesh.vertices)
        np.testing.assert_array_equal(read.faces, mesh.faces)


def test_no_chair_is_in_two_of_the_three_sets() -> None:
    sets = [set(chairs.SHAPE_SEEDS), set(chairs.TRAIN_PICTURE_SEEDS), set(chairs.HELD_OUT_SEEDS)]
    assert len(set.union(*sets)) == sum(len(seeds) for seeds in sets)


def test_the_picture_sets_hold_every_kind() -> None:
    for seeds in (chairs.TRAIN_PICTURE_SEEDS, chairs.HELD_OUT_SEEDS):
        assert {chairs.sample_chair(seed).kind for seed in seeds} == set(chairs.KINDS)
