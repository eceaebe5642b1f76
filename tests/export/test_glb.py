"""What a GLB file says when other readers open it."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from jaxtyping import Float
from numpy.testing import assert_allclose
from PIL import Image

from shapecycle.errors import GeometryError
from shapecycle.export.glb import smooth_normals
from shapecycle.mesh import Mesh

COMPONENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3}
LINEAR, LINEAR_MIPMAP_LINEAR, CLAMP_TO_EDGE = 9729, 9987, 33071


def picture(height: int = 8, width: int = 16) -> Float[np.ndarray, "h w 3"]:
    """Colours that 8 bits hold exactly."""
    levels = np.random.default_rng(0).integers(0, 256, size=(height, width, 3))
    return levels / 255


def seamed_tetrahedron() -> Mesh:
    """Four faces, each with a corner of the texture of its own."""
    vertices = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], np.float32)
    patch = np.array([[0.1, 0.1], [0.4, 0.1], [0.1, 0.4]])
    paths = np.array([[0, 0], [0.5, 0], [0, 0.5], [0.5, 0.5]])
    return Mesh(
        vertices,
        np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]]),
        uv_faces=np.arange(12).reshape(4, 3),
        uv=(paths[:, None] + patch).reshape(-1, 2),
        texture=picture(),
    )


def seamless_strip() -> Mesh:
    """Two triangles whose texture coordinates are numbered unlike their vertices."""
    return Mesh(
        np.array([[0, 0, 0], [2, 0, 0], [2, 1, 0], [0, 1, 0]], np.float32),
        np.array([[0, 1, 2], [0, 2, 3]]),
        uv_faces=np.array([[3, 2, 1], [3, 1, 0]]),
        uv=np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32),
        texture=picture(),
    )


def grey_sphere() -> Mesh:
    made = trimesh.creation.icosphere(subdivisions=2)
    return Mesh(np.asarray(made.vertices), np.asarray(made.faces))


@dataclass(frozen=True)
class Written:
    """A GLB file in its two parts, as section 4.4 of the glTF specification lays them out."""

    json: dict[str, Any]
    binary: bytes

    @property
    def primitive(self) -> dict[str, Any]:
        return self.json["meshes"][0]["primitives"][0]

    def view(self, index: int) -> bytes:
        view = self.json["bufferViews"][index]
        return self.binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]

    def values(self, accessor: int) -> np.ndarray:
        described = self.json["accessors"][accessor]
        kind = {5126: np.float32, 5125: np.uint32}[described["componentType"]]
        data = np.frombuffer(self.view(described["bufferView"]), kind)
        return data.reshape(described["count"], COMPONENTS[described["type"]])

    def attribute(self, name: str) -> np.ndarray:
        return self.values(self.primitive["attributes"][name])


def read(path: Path) -> Written:
    contents = path.read_bytes()
    magic, two, whole, length, kind = np.frombuffer(contents, "<u4", 5)
    assert (magic, two, whole, kind) == (0x46546C67, 2, len(contents), 0x4E4F534A)
    rest = contents[20 + length :]
    size, kind = np.frombuffer(rest, "<u4", 2)
    assert (size, kind) == (len(rest) - 8, 0x004E4942)
    return Written(json.loads(contents[20 : 20 + length]), rest[8:])


def written(mesh: Mesh, folder: Path) -> Written:
    mesh.save(folder / "mesh.glb")
    return read(folder / "mesh.glb")


@pytest.mark.parametrize("mesh", [seamed_tetrahedron(), seamless_strip()])
def test_every_corner_keeps_its_place_and_its_spot_on_the_texture(
    mesh: Mesh, tmp_path: Path
) -> None:
    mesh.save(tmp_path / "mesh.glb")
    back = trimesh.load(tmp_path / "mesh.glb", force="mesh", process=False)
    assert mesh.uv is not None
    assert_allclose(back.vertices[back.faces], mesh.vertices[mesh.faces])
    # The reader turns v around again, so what it gives counts from the bottom, as here.
    assert_allclose(back.visual.uv[back.faces], mesh.uv[mesh.uv_faces], atol=1e-7)


def test_the_texture_comes_back_bit_for_bit(tmp_path: Path) -> None:
    mesh = seamed_tetrahedron()
    document = written(mesh, tmp_path)
    (image,) = document.json["images"]
    data = document.view(image["bufferView"])
    assert image["mimeType"] == "image/png"
    with Image.open(io.BytesIO(data)) as opened:
        assert (opened.format, opened.mode) == ("PNG", "RGB")
        assert_allclose(np.asarray(opened) / 255, mesh.texture)


def test_the_bottom_left_of_the_texture_is_at_v_one_in_the_file(tmp_path: Path) -> None:
    document = written(seamless_strip(), tmp_path)
    positions = document.attribute("POSITION")
    uv = document.attribute("TEXCOORD_0")
    bottom_left = np.flatnonzero((positions == 0).all(1))
    assert_allclose(uv[bottom_left], [[0, 1]])


def test_vertices_are_doubled_at_seams_and_nowhere_else(tmp_path: Path) -> None:
    for mesh, expected in ((seamed_tetrahedron(), 12), (seamless_strip(), 4)):
        document = written(mesh, tmp_path)
        assert len(document.attribute("POSITION")) == expected


def test_both_sides_of_a_seam_have_the_same_unit_normal(tmp_path: Path) -> None:
    document = written(seamed_tetrahedron(), tmp_path)
    positions = document.attribute("POSITION")
    normals = document.attribute("NORMAL")
    assert_allclose(normals, positions / np.sqrt(3), atol=1e-6)


def test_normals_the_mesh_brings_are_kept(tmp_path: Path) -> None:
    plain = grey_sphere()
    downwards = np.tile([0.0, -1.0, 0.0], (len(plain.vertices), 1))
    document = written(Mesh(plain.vertices, plain.faces, normals=downwards), tmp_path)
    assert_allclose(document.attribute("NORMAL"), downwards)


def test_a_mesh_without_texture_is_grey_and_has_no_coordinates(tmp_path: Path) -> None:
    document = written(grey_sphere(), tmp_path)
    assert "TEXCOORD_0" not in document.primitive["attributes"]
    assert not document.json.get("images")
    assert not document.json.get("textures")
    material = document.json["materials"][document.primitive["material"]]
    red, green, blue, alpha = material["pbrMetallicRoughness"]["baseColorFactor"]
    assert 0.2 < red == green == blue < 0.8
    assert alpha == 1


@pytest.mark.parametrize("mesh", [seamed_tetrahedron(), grey_sphere()])
def test_the_material_is_matt_and_says_so_in_the_file(mesh: Mesh, tmp_path: Path) -> None:
    document = written(mesh, tmp_path).json
    material = document["materials"][0]
    assert material["doubleSided"] is True
    assert material["pbrMetallicRoughness"]["metallicFactor"] == 0
    assert material["pbrMetallicRoughness"]["roughnessFactor"] == 0.9
    assert document["asset"]["version"] == "2.0"
    assert document["asset"]["generator"].startswith("shapecycle ")


def test_the_texture_neither_repeats_nor_shimmers(tmp_path: Path) -> None:
    document = written(seamed_tetrahedron(), tmp_path).json
    (sampler,) = document["samplers"]
    assert document["textures"] == [{"source": 0, "sampler": 0}]
    assert sampler["wrapS"] == sampler["wrapT"] == CLAMP_TO_EDGE
    assert sampler["minFilter"] == LINEAR_MIPMAP_LINEAR
    assert sampler["magFilter"] == LINEAR


def test_the_bounds_of_the_positions_are_exact(tmp_path: Path) -> None:
    document = written(grey_sphere(), tmp_path)
    stored = document.attribute("POSITION")
    accessor = document.json["accessors"][document.primitive["attributes"]["POSITION"]]
    assert accessor["min"] == stored.min(0).tolist()
    assert accessor["max"] == stored.max(0).tolist()


def test_every_part_of_the_file_begins_at_a_multiple_of_four(tmp_path: Path) -> None:
    document = written(seamed_tetrahedron(), tmp_path)
    assert all(view["byteOffset"] % 4 == 0 for view in document.json["bufferViews"])
    assert (tmp_path / "mesh.glb").stat().st_size % 4 == 0


def test_extras_come_back_as_they_were(tmp_path: Path) -> None:
    made_by = {"images": 0, "with_texture": False, "seed": None, "notes": [], "name": "Käfer"}
    extras = {"shape_code": [0.25, -1.0], "made_by": made_by, "light": None}
    seamless_strip().save(tmp_path / "mesh.glb", extras=extras)
    assert read(tmp_path / "mesh.glb").json["meshes"][0]["extras"] == extras


def test_extras_json_cannot_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        seamless_strip().save(tmp_path / "mesh.glb", extras={"plausibility": float("nan")})
    assert not list(tmp_path.iterdir())


def test_vertices_no_face_uses_are_left_out(tmp_path: Path) -> None:
    mesh = Mesh(np.eye(4, 3) * 5, np.array([[0, 1, 3]]))
    document = written(mesh, tmp_path)
    positions = document.attribute("POSITION")
    assert len(positions) == 3
    indices = document.values(document.primitive["indices"])[:, 0]
    assert_allclose(positions[indices], mesh.vertices[mesh.faces[0]])


def test_equal_positions_and_normals_are_stored_with_a_stride(tmp_path: Path) -> None:
    sphere = grey_sphere()
    document = written(Mesh(sphere.vertices, sphere.faces, normals=sphere.vertices), tmp_path)
    assert_allclose(document.attribute("NORMAL"), document.attribute("POSITION"), atol=1e-6)
    for index in document.primitive["attributes"].values():
        view = document.json["bufferViews"][document.json["accessors"][index]["bufferView"]]
        assert view["byteStride"] == 12


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mesh.glb"
    path.write_bytes(b"old")

    def fail(self: Path, target: Path) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk is full"):
        grey_sphere().save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["mesh.glb"]
    assert path.read_bytes() == b"old"


def test_the_folder_is_made_if_need_be(tmp_path: Path) -> None:
    grey_sphere().save(tmp_path / "a" / "b" / "mesh.glb")
    assert [file.name for file in (tmp_path / "a" / "b").iterdir()] == ["mesh.glb"]


def test_a_sphere_has_the_normals_of_a_sphere() -> None:
    sphere = grey_sphere()
    normals = smooth_normals(sphere.vertices, sphere.faces)
    assert_allclose(normals, sphere.vertices, atol=0.02)
    assert_allclose(smooth_normals(sphere.vertices, sphere.faces[:, ::-1]), -normals)


def test_the_corner_of_a_cube_looks_outwards_however_its_squares_are_cut() -> None:
    cube = trimesh.creation.box((2, 2, 2))
    normals = smooth_normals(np.asarray(cube.vertices), np.asarray(cube.faces))
    assert_allclose(normals, np.asarray(cube.vertices) / np.sqrt(3), atol=1e-9)


def test_a_vertex_without_a_normal_points_up() -> None:
    normals = smooth_normals(np.eye(3) * 0, np.array([[0, 1, 2]]))
    assert_allclose(normals, np.tile([0, 1, 0], (3, 1)))


def test_a_point_cloud_is_refused(tmp_path: Path) -> None:
    cloud = Mesh(np.eye(3), np.zeros((0, 3), dtype=np.int64), normals=np.eye(3))
    with pytest.raises(GeometryError, match="point cloud has no faces"):
        cloud.save(tmp_path / "mesh.glb")
    assert not list(tmp_path.iterdir())


def test_a_texture_without_coordinates_is_refused(tmp_path: Path) -> None:
    mesh = Mesh(np.eye(3), np.array([[0, 1, 2]]), texture=picture())
    with pytest.raises(GeometryError, match="no texture coordinates"):
        mesh.save(tmp_path / "mesh.glb")


def test_a_texture_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    strip = seamless_strip()
    mesh = Mesh(
        strip.vertices,
        strip.faces,
        uv_faces=strip.uv_faces,
        uv=strip.uv,
        texture=np.full((2, 2, 3), np.nan),
    )
    with pytest.raises(GeometryError, match="not finite"):
        mesh.save(tmp_path / "mesh.glb")
