"""Mesh files: what is read, and what is said of every bad file."""

import json
import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from simple_shapes import LIST, NXYZ, PLY_HEAD, TRIANGLE, XYZ, area_of, write_ply_text

from shapecycle.data import mesh_files
from shapecycle.data.mesh_files import SUFFIXES, load_mesh
from shapecycle.data.shapes import is_watertight
from shapecycle.errors import DataError

# Reading


@pytest.mark.parametrize("suffix", [s for s in SUFFIXES if s != ".gltf"])
def test_a_box_survives_every_format(tmp_path: Path, suffix: str) -> None:
    trimesh.creation.box((1, 2, 3)).export(tmp_path / f"box{suffix}")
    mesh = load_mesh(tmp_path / f"box{suffix}")
    assert area_of(mesh) == pytest.approx(22, rel=1e-5)
    np.testing.assert_allclose(np.ptp(mesh.vertices, axis=0), [1, 2, 3], rtol=1e-6)
    # STL stores no shared vertices and glTF may split them; position alone joins them again.
    assert len(mesh.vertices) == 8
    assert is_watertight(mesh)
    outward = (mesh.face_normals()[0] * mesh.vertices[mesh.faces].mean(1)).sum(1)
    assert outward.min() > 0


def test_a_gltf_file_is_read_with_the_files_beside_it(tmp_path: Path) -> None:
    for name, data in trimesh.Scene(trimesh.creation.box()).export(file_type="gltf").items():
        (tmp_path / name).write_bytes(data)
    assert area_of(load_mesh(tmp_path / "model.gltf")) == pytest.approx(6)
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
    assert area_of(load_mesh(tmp_path / name)) == pytest.approx(3)


def test_quads_and_mixed_polygons_in_ply_are_cut_into_triangles(tmp_path: Path) -> None:
    square = ["0 0 0", "1 0 0", "1 1 0", "0 1 0"]
    quad = load_mesh(write_ply_text(tmp_path / "q.ply", square, ["4 0 1 2 3"]))
    assert (len(quad.faces), area_of(quad)) == (2, pytest.approx(1))
    mixed = load_mesh(
        write_ply_text(tmp_path / "m.ply", [*square, "2 0 0"], ["4 0 1 2 3", "3 1 4 2"])
    )
    assert (len(mixed.faces), area_of(mixed)) == (3, pytest.approx(1.5))


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("suffix", [".obj", ".off", ".ply", ".stl"])
def test_names_in_text_may_be_in_any_encoding(tmp_path: Path, suffix: str, encoding: str) -> None:
    path, box = tmp_path / f"box{suffix}", trimesh.creation.box()
    name = {
        ".obj": "mtllib Möbel.mtl\nusemtl Möbel\n",
        ".off": "OFF\n# Möbel\n",
        ".ply": "ply\nformat ascii 1.0\ncomment Möbel\n",
        ".stl": "solid Möbel\n",
    }[suffix]
    kinds = {".ply": {"encoding": "ascii"}, ".stl": {"file_type": "stl_ascii"}}
    box.export(path, **kinds.get(suffix, {}))
    lines = path.read_text().splitlines(keepends=True)
    kept = lines[{".obj": 0, ".off": 1, ".ply": 2, ".stl": 1}[suffix] :]
    path.write_bytes((name + "".join(kept)).encode(encoding))
    mesh = load_mesh(path)
    assert (len(mesh.vertices), len(mesh.faces)) == (8, 12)


@pytest.mark.parametrize("suffix", [".ply", ".stl"])
def test_names_in_binary_files_may_be_in_any_encoding(tmp_path: Path, suffix: str) -> None:
    path, ball = tmp_path / f"ball{suffix}", trimesh.creation.icosphere(2)
    ball.export(path)
    content, name = path.read_bytes(), "Möbel".encode("latin-1")
    if suffix == ".stl":
        path.write_bytes(name.ljust(80) + content[80:])
    else:
        path.write_bytes(content.replace(b"1.0\n", b"1.0\ncomment " + name + b"\n", 1))
    assert area_of(load_mesh(path)) == pytest.approx(ball.area, rel=1e-5)


def test_a_thousand_materials_are_one_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts, load = [], trimesh.load_scene

    def counting(*what: Any, **options: Any) -> trimesh.Scene:
        scene = load(*what, **options)
        parts.append(len(scene.geometry))
        return scene

    monkeypatch.setattr(trimesh, "load_scene", counting)
    groups = [
        f"usemtl m{k}\nv {k} 0 0\nv {k} 1 0\nv {k} 0 1\nf {3 * k + 1} {3 * k + 2} {3 * k + 3}\n"
        for k in range(1000)
    ]
    (tmp_path / "a.obj").write_text("".join(groups))
    mesh = load_mesh(tmp_path / "a.obj")
    assert (len(mesh.vertices), len(mesh.faces)) == (3000, 1000)
    # Time and memory grow with parts times vertices.
    assert parts == [1]


@pytest.mark.parametrize("suffix", [".glb", ".gltf"])
def test_a_small_file_that_places_too_many_parts_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    box = trimesh.Scene(trimesh.creation.box())
    if suffix == ".glb":
        content = box.export(file_type="glb")
        length = int.from_bytes(content[12:16], "little")
        text, rest = content[20 : 20 + length], content[20 + length :]
    else:
        files = box.export(file_type="gltf")
        text, rest = files["model.gltf"], b""
    scene = json.loads(text)
    scene["meshes"][0]["primitives"] *= 201
    scene["nodes"] += [{"mesh": 0}] * 500
    text = json.dumps(scene).encode()
    text += b" " * (-len(text) % 4)
    if suffix == ".glb":
        whole = 20 + len(text) + len(rest)
        text = struct.pack("<4sIII4s", b"glTF", 2, whole, len(text), b"JSON") + text
    path.write_bytes(text + rest)
    with pytest.raises(
        DataError, match=rf"a\{suffix}: .*places 100,\d+ parts, more than the 100,0"
    ):
        load_mesh(path)


def test_vertices_without_a_face_do_not_count(tmp_path: Path) -> None:
    vertices = ["0 0 0", "1 0 0", "0 1 0", "900 900 900"]
    mesh = load_mesh(write_ply_text(tmp_path / "a.ply", vertices, ["3 0 1 2"]))
    assert mesh.vertices.max() == 1


def test_a_cloud_with_normals_is_read_and_its_normals_made_unit(tmp_path: Path) -> None:
    path = write_ply_text(tmp_path / "c.ply", ["0 0 0 0 0 2", "1 0 0 0 -3 4"], [], normals=True)
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
    path = write_ply_text(tmp_path / "bad.ply", vertices, faces, normals)
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


def test_a_file_that_needs_one_outside_its_folder_is_refused(tmp_path: Path) -> None:
    files = trimesh.Scene(trimesh.creation.box()).export(file_type="gltf")
    (tmp_path / "a.gltf").write_bytes(files["model.gltf"].replace(b'"gltf_b', b'"../gltf_b'))
    with pytest.raises(DataError, match=r"a\.gltf: it needs a file outside its folder") as caught:
        load_mesh(tmp_path / "a.gltf")
    assert "allow_anywhere" not in str(caught.value)


def test_nothing_is_logged_on_the_terminal_of_a_file_that_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.stl"
    trimesh.creation.box().export(path, file_type="stl_ascii")
    path.write_text(re.sub("normal [-0-9.e]+", "normal x", path.read_text(), count=1))
    program = (
        "import pathlib, sys\nfrom shapecycle.data.mesh_files import load_mesh\n"
        "load_mesh(pathlib.Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, check=True
    )
    assert done.stderr == b""


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"b\.ply: there is no such file"):
        load_mesh(tmp_path / "b.ply")
    (tmp_path / "c.ply").mkdir()
    with pytest.raises(DataError, match=r"c\.ply: the file cannot be read \(Is a directory\)"):
        load_mesh(tmp_path / "c.ply")


def test_a_file_larger_than_any_shape_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mesh_files, "MAX_BYTES", 100)
    (tmp_path / "a.obj").write_text("v 0 0 0\n" * 100)
    with pytest.raises(DataError, match="the file has 800 bytes, more than the 100"):
        load_mesh(tmp_path / "a.obj")


def test_a_link_to_a_file_outside_its_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    for name, contents in trimesh.Scene([trimesh.creation.box()]).export(file_type="gltf").items():
        place = tmp_path / ("in" if name.endswith(".gltf") else "out") / name
        place.write_bytes(contents)
        if place.parent.name == "out":
            (tmp_path / "in" / name).symlink_to(place)
    with pytest.raises(DataError, match="needs a file outside its folder"):
        load_mesh(tmp_path / "in" / "model.gltf")
