"""Shapes: what is read, how it is brought to one form, and what every bad file is told."""

from pathlib import Path

import numpy as np
import pytest
import trimesh

from shapecycle.data.shapes import (
    SUFFIXES,
    is_watertight,
    load_mesh,
    load_shape_folder,
    normalise,
    simplify,
    surface_samples,
)
from shapecycle.errors import ConfigError, DataError, GeometryError
from shapecycle.mesh import Mesh

PLY_HEAD = "ply\nformat ascii 1.0\nelement vertex {v}\n{xyz}element face {f}\n{list}end_header\n"
XYZ = "property float x\nproperty float y\nproperty float z\n"
NXYZ = "property float nx\nproperty float ny\nproperty float nz\n"
LIST = "property list uchar int vertex_indices\n"


def _ply(path: Path, vertices: list[str], faces: list[str], normals: bool = False) -> Path:
    head = PLY_HEAD.format(
        v=len(vertices), f=len(faces), xyz=XYZ + (NXYZ if normals else ""), list=LIST
    )
    path.write_text(head + "\n".join([*vertices, *faces]) + "\n")
    return path


def _box(size: tuple[float, float, float] = (1, 1, 1), at: tuple[float, ...] = (0, 0, 0)) -> Mesh:
    box = trimesh.creation.box(size)
    return Mesh(np.asarray(box.vertices) + at, np.asarray(box.faces))


def _joined(*meshes: Mesh) -> Mesh:
    starts = np.cumsum([0, *(len(m.vertices) for m in meshes)])
    faces = [m.faces + start for m, start in zip(meshes, starts, strict=False)]
    return Mesh(np.concatenate([m.vertices for m in meshes]), np.concatenate(faces))


def _soup(mesh: Mesh) -> Mesh:
    """The same triangles, sharing no vertices."""
    count = 3 * len(mesh.faces)
    return Mesh(mesh.vertices[mesh.faces].reshape(-1, 3), np.arange(count).reshape(-1, 3))


def _sphere(subdivisions: int) -> Mesh:
    sphere = trimesh.creation.icosphere(subdivisions)
    return Mesh(np.asarray(sphere.vertices), np.asarray(sphere.faces))


def _area(mesh: Mesh) -> float:
    return float(mesh.face_normals()[1].sum())


def _fill(folder: Path, count: int) -> None:
    for k in range(count):
        trimesh.creation.box((1, 1 + k, 1)).export(folder / f"{k:02}.ply")


# Reading


@pytest.mark.parametrize("suffix", [s for s in SUFFIXES if s != ".gltf"])
def test_a_box_survives_every_format(tmp_path: Path, suffix: str) -> None:
    trimesh.creation.box((1, 2, 3)).export(tmp_path / f"box{suffix}")
    mesh = load_mesh(tmp_path / f"box{suffix}")
    assert _area(mesh) == pytest.approx(22, rel=1e-5)
    np.testing.assert_allclose(np.ptp(mesh.vertices, axis=0), [1, 2, 3], rtol=1e-6)
    # STL stores no shared vertices and glTF may split them; position alone joins them again.
    assert len(mesh.vertices) == 8
    assert is_watertight(mesh)
    outward = (mesh.face_normals()[0] * mesh.vertices[mesh.faces].mean(1)).sum(1)
    assert outward.min() > 0


def test_a_gltf_file_is_read_with_the_files_beside_it(tmp_path: Path) -> None:
    for name, data in trimesh.Scene(trimesh.creation.box()).export(file_type="gltf").items():
        (tmp_path / name).write_bytes(data)
    assert _area(load_mesh(tmp_path / "model.gltf")) == pytest.approx(6)
    for buffer in tmp_path.glob("*.bin"):
        buffer.unlink()
    with pytest.raises(DataError, match=r"model\.gltf: it is damaged, or needs another file"):
        load_mesh(tmp_path / "model.gltf")


def test_a_scene_is_flattened_with_its_transforms_and_mirrors_stay_outward(tmp_path: Path) -> None:
    scene = trimesh.Scene()
    scene.add_geometry(trimesh.creation.box(), transform=np.diag([-1.0, 2, 1, 1]))
    shift = np.eye(4)
    shift[0, 3] = 5
    scene.add_geometry(trimesh.creation.box(), transform=shift)
    scene.export(tmp_path / "scene.glb")
    mesh = load_mesh(tmp_path / "scene.glb")
    assert mesh.vertices[:, 0].min() == pytest.approx(-0.5)
    assert mesh.vertices[:, 0].max() == pytest.approx(5.5)
    corners = mesh.vertices[mesh.faces]
    volume = np.einsum("fi,fi->f", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert volume == pytest.approx(3, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.obj", "v 0 0 0\nv 2 0 0\nv 2 1 0\nv 1 2 0\nv 0 1 0\nf 1 2 3 4 5\n"),
        ("p.off", "OFF\n5 1 0\n0 0 0\n2 0 0\n2 1 0\n1 2 0\n0 1 0\n5 0 1 2 3 4\n"),
        ("q.off", "OFF\n4 1 0\n0 0 0\n3 0 0\n3 1 0\n0 1 0\n4 0 1 2 3\n"),
    ],
)
def test_polygons_are_cut_into_triangles(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert _area(load_mesh(tmp_path / name)) == pytest.approx(3)


def test_quads_and_mixed_polygons_in_ply_are_cut_into_triangles(tmp_path: Path) -> None:
    square = ["0 0 0", "1 0 0", "1 1 0", "0 1 0"]
    quad = load_mesh(_ply(tmp_path / "q.ply", square, ["4 0 1 2 3"]))
    assert (len(quad.faces), _area(quad)) == (2, pytest.approx(1))
    mixed = load_mesh(_ply(tmp_path / "m.ply", [*square, "2 0 0"], ["4 0 1 2 3", "3 1 4 2"]))
    assert (len(mixed.faces), _area(mixed)) == (3, pytest.approx(1.5))


def test_vertices_without_a_face_do_not_count(tmp_path: Path) -> None:
    vertices = ["0 0 0", "1 0 0", "0 1 0", "900 900 900"]
    mesh = load_mesh(_ply(tmp_path / "a.ply", vertices, ["3 0 1 2"]))
    assert mesh.vertices.max() == 1


def test_a_cloud_with_normals_is_read_and_its_normals_made_unit(tmp_path: Path) -> None:
    path = _ply(tmp_path / "c.ply", ["0 0 0 0 0 2", "1 0 0 0 -3 4"], [], normals=True)
    cloud = load_mesh(path)
    assert cloud.is_point_cloud
    np.testing.assert_allclose(cloud.normals, [[0, 0, 1], [0, -0.6, 0.8]])


def test_a_binary_cloud_is_read(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((9, 6)).astype("<f4")
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex 9\n{XYZ}{NXYZ}end_header\n"
    (tmp_path / "c.ply").write_bytes(head.encode() + values.tobytes())
    cloud = load_mesh(tmp_path / "c.ply")
    np.testing.assert_allclose(cloud.vertices, values[:, :3])
    length = np.linalg.norm(values[:, 3:], axis=1, keepdims=True)
    np.testing.assert_allclose(cloud.normals, values[:, 3:] / length, rtol=1e-5)


# Bad shapes

TRIANGLE = ["0 0 0", "1 0 0", "0 1 0"]


@pytest.mark.parametrize(
    ("vertices", "faces", "normals", "message"),
    [
        (TRIANGLE, [], False, r"no faces and no normals\n.*nx ny nz"),
        ([], [], False, "the mesh has no vertices"),
        (["0 0 0", "nan 0 0", "0 inf 0"], ["3 0 1 2"], False, "2 of 3 vertices are not finite"),
        (TRIANGLE, ["3 0 1 7"], False, r"reach 0\.\.7, but there are 3 vertices"),
        (TRIANGLE, ["3 0 1 -2"], False, r"reach -2\.\.1, but there are 3 vertices"),
        (["0 0 0", "1 0 0", "2 0 0"], ["3 0 1 2"], False, "all faces have zero area"),
        (["1 1 1", "1 1 1", "1 1 1"], ["3 0 1 2"], False, "the shape has no extent"),
        (["1 1 1 0 0 1", "1 1 1 0 1 0"], [], True, "the shape has no extent"),
        (["0 0 0 0 0 0", "1 1 1 0 1 0"], [], True, "1 of 2 normals are zero or not finite"),
    ],
)
def test_a_ply_that_cannot_be_a_shape_is_refused(
    tmp_path: Path, vertices: list[str], faces: list[str], normals: bool, message: str
) -> None:
    path = _ply(tmp_path / "bad.ply", vertices, faces, normals)
    with pytest.raises(DataError, match=rf"bad\.ply: .*{message}"):
        load_mesh(path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n", "a face points at a vertex that is not"),
        ("a.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\n", "the file has no faces"),
        ("a.obj", "v 0 0 0\nv nan 0 0\nv 0 1 0\nf 1 2 3\n", "1 of 3 vertices are not finite"),
        ("a.off", "OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 7\n", "face index outside"),
        *((f"a{suffix}", "", "the file is empty") for suffix in SUFFIXES),
        *(
            (
                f"a{suffix}",
                "hello",
                rf"cannot be read as {suffix[1:].upper()}|has no faces|is damaged",
            )
            for suffix in SUFFIXES
        ),
        (
            "a.ply",
            PLY_HEAD.format(v=9, f=1, xyz=XYZ, list=LIST) + "0 0 0\n",
            "the file ends early: 1 of 9",
        ),
        ("a.blend", "x", r"files ending in \.blend are not read as shapes\n.*\.glb .*\.stl"),
        ("a", "x", "files ending in nothing are not read"),
    ],
)
def test_a_bad_file_is_refused_by_name(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=rf"{name}: .*({message})"):
        load_mesh(tmp_path / name)


@pytest.mark.parametrize("suffix", [".glb", ".stl", ".ply"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str, part: float) -> None:
    path = tmp_path / f"a{suffix}"
    trimesh.creation.icosphere(2).export(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    with pytest.raises(DataError, match=rf"a\{suffix}: "):
        load_mesh(path)


@pytest.mark.parametrize("name", ["a.ply", "a.off"])
@pytest.mark.parametrize("lost", [1, 40, 400])
def test_a_text_file_that_lost_its_end_is_refused(tmp_path: Path, name: str, lost: int) -> None:
    path = tmp_path / name
    ball = trimesh.creation.icosphere(2)
    ball.export(path, **({"encoding": "ascii"} if name == "a.ply" else {}))
    assert len(load_mesh(path).faces) == 320
    path.write_text("\n".join(path.read_text().splitlines()[:-lost]) + "\n")
    with pytest.raises(DataError, match=rf"{name}: the file (ends early: |cannot be read as)"):
        load_mesh(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"b\.ply: there is no such file"):
        load_mesh(tmp_path / "b.ply")
    (tmp_path / "c.ply").mkdir()
    with pytest.raises(DataError, match=r"c\.ply: the file cannot be read \(Is a directory\)"):
        load_mesh(tmp_path / "c.ply")


# Normalising


def test_a_normalised_box_is_centred_with_diagonal_one_and_maps_back() -> None:
    mesh = _box((1, 2, 3), at=(1e6, -5, 0.1))
    unit, normalisation = normalise(mesh)
    low, high = unit.vertices.min(0), unit.vertices.max(0)
    np.testing.assert_allclose(low, -high, atol=1e-7)
    assert np.linalg.norm(high - low) == pytest.approx(1)
    assert unit.vertices.dtype == np.float32
    back = normalisation.file_from_object(unit.vertices.astype(np.float64))
    np.testing.assert_allclose(back, mesh.vertices, atol=1e-6)
    there = normalisation.object_from_file(mesh.vertices)
    np.testing.assert_allclose(there, unit.vertices, atol=1e-7)


def test_moving_and_scaling_a_shape_changes_nothing_after_normalising() -> None:
    mesh = _sphere(1)
    moved = Mesh(mesh.vertices * 7 + [3, 4, 5], mesh.faces)
    expected = normalise(mesh)[0].vertices
    np.testing.assert_allclose(normalise(moved)[0].vertices, expected, atol=1e-6)


def test_a_point_cannot_be_normalised() -> None:
    with pytest.raises(GeometryError, match="the bounding box has a diagonal of 0"):
        normalise(Mesh(np.ones((3, 3)), np.array([[0, 1, 2]])))


# Simplifying


def test_simplifying_keeps_size_and_area() -> None:
    mesh = _sphere(4)
    small = simplify(mesh, 500)
    assert 0 < len(small.faces) <= 500
    assert _area(small) == pytest.approx(4 * np.pi, rel=0.05)
    assert is_watertight(small)


def test_a_small_mesh_and_a_cloud_are_left_alone() -> None:
    mesh = _sphere(1)
    assert simplify(mesh, 80) is mesh
    cloud = Mesh(np.zeros((9, 3)), np.zeros((0, 3), np.int64), np.ones((9, 3)))
    assert simplify(cloud, 4) is cloud


def test_a_soup_keeps_its_surface_when_simplified() -> None:
    generator = np.random.default_rng(0)
    soup = _soup(_sphere(4))
    shaken = Mesh(soup.vertices + generator.normal(0, 1e-4, soup.vertices.shape), soup.faces)
    small = simplify(shaken, 800)
    assert 0 < len(small.faces) <= 800
    assert _area(small) == pytest.approx(4 * np.pi, rel=0.2)
    assert np.isfinite(small.vertices).all()


# Watertightness


def test_a_box_is_watertight_and_a_box_without_a_lid_is_not() -> None:
    box = _box()
    assert is_watertight(box)
    assert not is_watertight(Mesh(box.vertices, box.faces[2:]))


# Folders


def test_a_folder_becomes_normalised_shapes_in_sorted_order(tmp_path: Path) -> None:
    _fill(tmp_path, 7)
    trimesh.creation.icosphere(3).export(tmp_path / "ball.STL")
    _ply(tmp_path / "z.ply", ["0 0 0 0 0 2", "1 0 0 0 -3 4"], [], normals=True)
    (tmp_path / "readme.txt").write_text("x")
    seen = []
    shapes = load_shape_folder(
        tmp_path, max_faces=200, progress=lambda done, of: seen.append((done, of))
    )
    names = ["00.ply", "01.ply", "02.ply", "03.ply", "04.ply", "05.ply", "06.ply"]
    assert [path.name for path in shapes.paths] == [*names, "ball.STL", "z.ply"]
    assert len(shapes) == 9
    assert seen[-1] == (9, 9)
    for mesh in shapes.meshes:
        assert np.linalg.norm(np.ptp(mesh.vertices, axis=0)) == pytest.approx(1, abs=1e-5)
    assert shapes.normalisations[0].scale == pytest.approx(1 / np.sqrt(3))
    assert len(shapes.meshes[7].faces) <= 200
    told = "\n".join(shapes.notes)
    assert "9 shapes (8 PLY, 1 STL): 8 surfaces, 0 of them not watertight" in told
    assert "and 1 oriented point cloud\n" in told
    assert "1 simplified to about 200 faces, from up to 1,280" in told
    assert "1 other file ignored: 1 .txt" in told


def test_shapes_with_z_up_are_turned(tmp_path: Path) -> None:
    vertices = ["0 0 0", "1 0 0", "0 0 3"]
    _ply(tmp_path / "a.ply", vertices, ["3 0 1 2"])
    _ply(tmp_path / "b.ply", ["0 0 0 0 -1 0", "0 0 1 0 0 1"], [], normals=True)
    shapes = load_shape_folder(tmp_path, minimum=2, up="+z", front="-y")
    extent = np.ptp(shapes.meshes[0].vertices, axis=0)
    np.testing.assert_allclose(extent * np.sqrt(10), [1, 3, 0], atol=1e-5)
    # What pointed along -y is now the front, what pointed along +z is up.
    np.testing.assert_allclose(shapes.meshes[1].normals, [[0, 0, 1], [0, 1, 0]], atol=1e-6)
    assert np.linalg.det(shapes.axes) == pytest.approx(1)


@pytest.mark.parametrize("up", ["+x", "-x", "+y", "-y", "+z", "-z"])
@pytest.mark.parametrize("front", ["+x", "-x", "+y", "-y", "+z", "-z"])
def test_every_pair_of_different_axes_is_a_rotation(tmp_path: Path, up: str, front: str) -> None:
    _ply(tmp_path / "a.ply", TRIANGLE, ["3 0 1 2"])
    if up[1] == front[1]:
        with pytest.raises(ConfigError, match=r"lie along one line\n.*two different axes"):
            load_shape_folder(tmp_path, minimum=1, up=up, front=front)
        return
    axes = load_shape_folder(tmp_path, minimum=1, up=up, front=front).axes
    np.testing.assert_array_equal(axes @ axes.T, np.eye(3))
    assert np.linalg.det(axes) == pytest.approx(1)


def test_a_name_that_is_no_axis_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"front axis is 'forward'\n.*\+x -x"):
        load_shape_folder(tmp_path, front="forward")


def test_every_bad_shape_is_named_in_one_error_or_left_out(tmp_path: Path) -> None:
    _fill(tmp_path, 8)
    (tmp_path / "x.obj").write_text("hello")
    _ply(tmp_path / "y.ply", ["0 0 0", "nan 0 0", "0 1 0"], ["3 0 1 2"])
    pattern = r"2 of 10 shapes in .* cannot be used\n    x\.obj: .*\n    y\.ply: 1 of 3 vertices"
    with pytest.raises(DataError, match=pattern) as caught:
        load_shape_folder(tmp_path)
    assert "--skip-bad" in caught.value.hint
    shapes = load_shape_folder(tmp_path, skip_bad=True)
    assert len(shapes) == 8
    assert any("2 of 10 shapes" in note and "y.ply" in note for note in shapes.notes)


def test_a_missing_empty_or_thin_shape_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: there is no such folder"):
        load_shape_folder(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no shapes in this folder \(it is empty\)"):
        load_shape_folder(tmp_path)
    _fill(tmp_path, 3)
    with pytest.raises(DataError, match="3 usable shapes, but at least 8 are needed"):
        load_shape_folder(tmp_path)


# Samples


def _outward(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Whether normals leave a cube around the origin; points lie on its faces."""
    return (points * normals).sum(1) > 0


def test_on_a_box_with_half_its_faces_flipped_all_normals_point_outward() -> None:
    box = _box()
    faces = box.faces.copy()
    faces[::2] = faces[::2, ::-1]
    points, normals = surface_samples(Mesh(box.vertices, faces), 1000, np.random.default_rng(0))
    assert points.shape == normals.shape == (1000, 3)
    assert points.dtype == normals.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(np.abs(points).max(1), 0.5, atol=1e-6)
    assert _outward(points, normals).all()


def test_on_a_thin_plate_with_shuffled_winding_all_normals_point_outward() -> None:
    plate = _soup(_box((1, 0.004, 1)))
    faces = plate.faces.copy()
    faces[::3] = faces[::3, ::-1]
    points, normals = surface_samples(Mesh(plate.vertices, faces), 500, np.random.default_rng(0))
    assert _outward(points, normals).mean() > 0.99


def test_on_a_single_sheet_both_signs_appear() -> None:
    corners = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1]], np.float64)
    sheet = Mesh(corners, np.array([[0, 1, 2], [0, 2, 3]]))
    _, normals = surface_samples(sheet, 1000, np.random.default_rng(0))
    assert 0.4 < (normals[:, 1] > 0).mean() < 0.6
    np.testing.assert_allclose(np.abs(normals[:, 1]), 1)


def test_a_box_inside_a_box_is_never_sampled() -> None:
    points, normals = surface_samples(
        _joined(_box(), _box((0.6, 0.6, 0.6))), 1000, np.random.default_rng(0)
    )
    np.testing.assert_allclose(np.abs(points).max(1), 0.5, atol=1e-6)
    assert _outward(points, normals).all()


def test_where_almost_everything_is_hidden_the_outside_is_still_sampled() -> None:
    inner = [_box((s, s, s)) for s in np.linspace(0.8, 0.98, 8)]
    points, _ = surface_samples(_joined(_box(), *inner), 300, np.random.default_rng(0))
    assert len(points) == 300
    np.testing.assert_allclose(np.abs(points).max(1), 0.5, atol=1e-6)


def test_samples_are_uniform_by_area() -> None:
    points, _ = surface_samples(_box((1, 2, 3)), 6000, np.random.default_rng(0))
    on_largest = np.isclose(np.abs(points[:, 0]), 0.5).mean()
    assert on_largest == pytest.approx(12 / 22, abs=0.03)


def test_units_and_place_do_not_change_the_orientation() -> None:
    box = _box((1, 1, 1))
    far = Mesh(box.vertices * 1e-3 + 40, box.faces[:, ::-1])
    points, normals = surface_samples(far, 300, np.random.default_rng(0))
    assert _outward(points - 40, normals).all()


def test_the_same_seed_gives_the_same_samples() -> None:
    first, again = (surface_samples(_sphere(2), 50, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])


def test_long_slivers_and_fine_meshes_are_seen_alike() -> None:
    generator = np.random.default_rng(0)
    cylinder = trimesh.creation.cylinder(radius=0.05, height=2, sections=300)
    mesh = Mesh(np.asarray(cylinder.vertices), np.asarray(cylinder.faces))
    points, normals = surface_samples(mesh, 500, generator)
    assert ((points * normals).sum(1) > 0).all()
    points, normals = surface_samples(_sphere(5), 500, generator)
    assert ((points * normals).sum(1) > 0).all()


def test_a_cloud_is_trusted_as_it_is() -> None:
    cloud = Mesh(np.eye(3), np.zeros((0, 3), np.int64), -np.eye(3))
    points, normals = surface_samples(cloud, 20, np.random.default_rng(0))
    np.testing.assert_array_equal(points, -normals)


def test_a_mesh_without_area_cannot_be_sampled() -> None:
    line = Mesh(np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0]], np.float64), np.array([[0, 1, 2]]))
    with pytest.raises(GeometryError, match="all faces have zero area"):
        surface_samples(line, 5, np.random.default_rng(0))
