"""Folders of shapes: how they are brought to one form, and what is said of bad ones."""

from pathlib import Path

import numpy as np
import pytest
import trimesh
from simple_shapes import box_mesh, fill_with_boxes, write_ply_text

from shapecycle.data.shapes import axes_of, is_watertight, load_shape_folder
from shapecycle.errors import ConfigError, DataError
from shapecycle.mesh import Mesh


def test_a_box_is_watertight_and_a_box_without_a_lid_is_not() -> None:
    box = box_mesh()
    assert is_watertight(box)
    assert not is_watertight(Mesh(box.vertices, box.faces[2:]))


def test_a_folder_becomes_normalised_shapes_in_sorted_order(tmp_path: Path) -> None:
    fill_with_boxes(tmp_path, 7)
    trimesh.creation.icosphere(3).export(tmp_path / "ball.STL")
    write_ply_text(tmp_path / "z.ply", ["0 0 0 0 0 2", "1 0 0 0 -3 4"], [], normals=True)
    (tmp_path / "readme.txt").write_text("x")
    shapes = load_shape_folder(tmp_path, max_faces=200)
    names = ["00.ply", "01.ply", "02.ply", "03.ply", "04.ply", "05.ply", "06.ply"]
    assert [path.name for path in shapes.paths] == [*names, "ball.STL", "z.ply"]
    assert len(shapes) == 9
    for mesh in shapes.meshes:
        assert np.linalg.norm(np.ptp(mesh.vertices, axis=0)) == pytest.approx(1, abs=1e-5)
    assert len(shapes.meshes[7].faces) <= 200
    message = "\n".join(shapes.notes)
    assert "9 shapes (8 PLY, 1 STL): 8 surfaces, 0 of them not watertight" in message
    assert "and 1 oriented point cloud\n" in message
    assert "1 simplified to about 200 faces, from up to 1,280" in message
    assert "1 other file ignored: 1 .txt" in message


def test_shapes_with_z_up_are_turned(tmp_path: Path) -> None:
    vertices = ["0 0 0", "1 0 0", "0 0 3"]
    write_ply_text(tmp_path / "a.ply", vertices, ["3 0 1 2"])
    write_ply_text(tmp_path / "b.ply", ["0 0 0 0 -1 0", "0 0 1 0 0 1"], [], normals=True)
    shapes = load_shape_folder(tmp_path, minimum=2, up="+z", front="-y")
    extent = np.ptp(shapes.meshes[0].vertices, axis=0)
    np.testing.assert_allclose(extent * np.sqrt(10), [1, 3, 0], atol=1e-5)
    # What pointed along -y is now the front, what pointed along +z is up.
    np.testing.assert_allclose(shapes.meshes[1].normals, [[0, 0, 1], [0, 1, 0]], atol=1e-6)


@pytest.mark.parametrize("up", ["+x", "-x", "+y", "-y", "+z", "-z"])
@pytest.mark.parametrize("front", ["+x", "-x", "+y", "-y", "+z", "-z"])
def test_every_pair_of_different_axes_is_a_rotation(up: str, front: str) -> None:
    if up[1] == front[1]:
        with pytest.raises(ConfigError, match=r"lie along one line\n.*two different axes"):
            axes_of(up, front)
        return
    axes = axes_of(up, front)
    np.testing.assert_array_equal(axes @ axes.T, np.eye(3))
    assert np.linalg.det(axes) == pytest.approx(1)


def test_a_name_that_is_no_axis_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"front axis is 'forward'\n.*\+x -x"):
        load_shape_folder(tmp_path, front="forward")


def test_every_bad_shape_is_named_in_one_error_or_left_out(tmp_path: Path) -> None:
    fill_with_boxes(tmp_path, 8)
    (tmp_path / "x.obj").write_text("hello")
    write_ply_text(tmp_path / "y.ply", ["0 0 0", "nan 0 0", "0 1 0"], ["3 0 1 2"])
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
    fill_with_boxes(tmp_path, 3)
    with pytest.raises(DataError, match="3 usable shapes, but at least 8 are needed"):
        load_shape_folder(tmp_path)
