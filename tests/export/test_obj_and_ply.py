"""What OBJ and PLY files say when another reader opens them."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from numpy.testing import assert_allclose
from test_glb import grey_sphere, seamed_tetrahedron

from shapecycle.errors import GeometryError
from shapecycle.export.ply import vertex_colours
from shapecycle.mesh import Mesh


def test_an_obj_file_comes_with_its_material_and_picture(tmp_path: Path) -> None:
    mesh = seamed_tetrahedron()
    mesh.save(tmp_path / "my car.obj")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "my car.obj",
        "my car_surface.mtl",
        "my car_surface.png",
    ]
    found = trimesh.load(tmp_path / "my car.obj", process=False, force="mesh")
    corners = np.asarray(found.vertices)[found.faces]
    expected = mesh.vertices[mesh.faces]
    assert_allclose(np.sort(corners.reshape(4, -1)), np.sort(expected.reshape(4, -1)), atol=1e-6)
    assert_allclose(found.volume, 8 / 3, rtol=1e-5)
    picture = np.asarray(found.visual.material.image.convert("RGB")) / 255
    assert mesh.texture is not None
    assert_allclose(picture, mesh.texture, atol=1e-6)
    assert mesh.uv is not None
    assert_allclose(
        np.unique(np.round(found.visual.uv, 5), axis=0), np.unique(np.round(mesh.uv, 5), axis=0)
    )


def test_a_mesh_without_texture_is_grey_and_has_no_picture(tmp_path: Path) -> None:
    grey_sphere().save(tmp_path / "ball.obj")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ball.obj", "ball_surface.mtl"]
    assert "Kd 0.6 0.6 0.6" in (tmp_path / "ball_surface.mtl").read_text()
    grey_sphere().save(tmp_path / "ball.ply")
    found = trimesh.load(tmp_path / "ball.ply", process=False)
    assert_allclose(found.vertices, grey_sphere().vertices, atol=1e-6)


def test_vertices_of_a_ply_file_have_the_textures_colours(tmp_path: Path) -> None:
    mesh = seamed_tetrahedron()
    red = np.zeros((8, 16, 3))
    red[..., 0] = 200 / 255
    mesh.textured(red).save(tmp_path / "a.ply")
    found = trimesh.load(tmp_path / "a.ply", process=False)
    assert len(found.vertices) == 4
    assert (np.asarray(found.visual.vertex_colors) == (200, 0, 0, 255)).all()


def test_colours_are_read_where_the_coordinates_point() -> None:
    rows, columns = np.mgrid[0:8, 0:16]
    ramp = np.stack([(columns + 0.5) / 16, 1 - (rows + 0.5) / 8, 0 * rows], 2)
    uv = np.array([[0.25, 0.25], [0.75, 0.25], [0.5, 0.75]])
    faces = np.array([[0, 1, 2]])
    assert_allclose(vertex_colours(3, faces, uv, faces, ramp)[:, :2], uv, atol=1e-9)


def test_a_placed_mesh_is_the_same_one_elsewhere() -> None:
    mesh = seamed_tetrahedron()
    turn = np.eye(4)
    turn[:3, :3] = [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]
    turn[:3, 3] = (1, 2, 3)
    moved = mesh.placed(turn)
    assert_allclose(moved.vertices[0], (2, 3, 2))
    assert_allclose(moved.placed(np.linalg.inv(turn)).vertices, mesh.vertices, atol=1e-6)
    assert_allclose(moved.face_normals()[0], mesh.face_normals()[0] @ turn[:3, :3].T, atol=1e-6)


@pytest.mark.parametrize("name", ["a.stl", "a", "a.fbx"])
def test_other_endings_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name one ending in"):
        grey_sphere().save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_options_of_glb_files_are_refused_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="for GLB files only"):
        grey_sphere().save(tmp_path / "a.obj", extras={})


def test_clouds_are_no_surfaces(tmp_path: Path) -> None:
    cloud = Mesh(np.eye(3), np.zeros((0, 3), int), normals=np.eye(3))
    for ending in (".glb", ".obj", ".ply"):
        with pytest.raises(GeometryError, match="no faces"):
            cloud.save(tmp_path / f"a{ending}")
    bare = replace(seamed_tetrahedron(), uv=None)
    with pytest.raises(GeometryError, match="no texture coordinates"):
        bare.save(tmp_path / "a.obj")


def test_morph_targets_and_the_camera_are_read_by_others(tmp_path: Path) -> None:
    import json
    import struct

    from shapecycle.export.glb import GlbCamera

    mesh = seamed_tetrahedron()
    up = np.tile(np.array([0.0, 0.5, 0.0]), (4, 1))
    at = np.eye(4)
    at[:3, 3] = (0, 0, 4)
    contents = mesh.to_glb(name="car", morphs={"up": up}, camera=GlbCamera(at, 0.5, 1.5))
    (length,) = struct.unpack_from("<I", contents, 12)
    tree = json.loads(contents[20 : 20 + length])
    assert tree["meshes"][0]["extras"]["targetNames"] == ["up"]
    (target,) = tree["meshes"][0]["primitives"][0]["targets"]
    accessor = tree["accessors"][target["POSITION"]]
    view = tree["bufferViews"][accessor["bufferView"]]
    start = 28 + length + view["byteOffset"]
    rows = np.frombuffer(contents[start : start + view["byteLength"]], "<f4").reshape(-1, 3)
    assert_allclose(rows, np.tile([0, 0.5, 0], (12, 1)))
    node = next(one for one in tree["nodes"] if "camera" in one)
    assert_allclose(np.reshape(node["matrix"], (4, 4)).T, at)
    assert tree["cameras"][0]["perspective"]["yfov"] == 0.5
    scene = trimesh.load(io.BytesIO(contents), file_type="glb")
    assert len(scene.geometry) == 1


def test_a_photograph_of_the_same_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"mine")
    seamed_tetrahedron().save(tmp_path / "photo.obj")
    assert (tmp_path / "photo.png").read_bytes() == b"mine"
    seamed_tetrahedron().save(tmp_path / "LOUD.OBJ")
    assert (tmp_path / "LOUD.OBJ").is_file()


def test_where_one_file_cannot_be_written_none_is(tmp_path: Path) -> None:
    (tmp_path / "a_surface.png").mkdir()
    with pytest.raises(OSError, match="directory"):
        seamed_tetrahedron().save(tmp_path / "a.obj")
    assert [path.name for path in tmp_path.iterdir()] == ["a_surface.png"]
