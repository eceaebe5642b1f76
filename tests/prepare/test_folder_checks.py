"""Checks of folders: every spoiled file is found, and no other is accused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from tiny_world import shapecycle

from shapecycle.demo.cars import car_mesh, sample_car
from shapecycle.mesh import Mesh
from shapecycle.prepare.pictures import of_the_folder, perceptual_hash
from shapecycle.prepare.shapes import findings, turns

SIDE = 128


def _picture(seed: int, *, blur: float = 0.0) -> Image.Image:
    """Return a striped ellipse of its own on transparency, away from the frame."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE]
    a, b, turn = *generator.uniform(25, 45, 2), generator.uniform(0, np.pi)
    u = (x - 64) * np.cos(turn) + (y - 64) * np.sin(turn)
    v = (y - 64) * np.cos(turn) - (x - 64) * np.sin(turn)
    inside = (u / a) ** 2 + (v / b) ** 2 < 1
    width = generator.uniform(4, 12)
    stripes = ((u // width) % 2)[..., None] * generator.uniform(0, 1, 3) + generator.uniform(0, 0.4)
    colours = Image.fromarray((stripes.clip(0, 1) * 255).astype(np.uint8))
    if blur:
        colours = colours.filter(ImageFilter.GaussianBlur(blur))
    colours.putalpha(Image.fromarray((inside * 255).astype(np.uint8)))
    return colours


def _moved(picture: Image.Image, dx: int) -> Image.Image:
    moved = Image.new("RGBA", picture.size)
    moved.paste(picture, (dx, 0))
    return moved


def _in_pieces(picture: Image.Image) -> Image.Image:
    pixels = np.array(picture)
    pixels[:, 60:66, 3] = 0
    return Image.fromarray(pixels)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    for seed in range(8):
        _picture(seed).save(folder / f"good{seed}.png")
    return folder


SPOILED: dict[str, tuple[Callable[[], Image.Image], str]] = {
    "cut": (lambda: _moved(_picture(20), 60), "cut by the frame (right)"),
    "tiny": (lambda: _picture(21).resize((40, 40)), "tiny: "),
    "pieces": (lambda: _in_pieces(_picture(22)), "in 2 pieces"),
    "blurred": (lambda: _picture(23, blur=2), "blurred: "),
    "zcopy": (lambda: _picture(3), "looks like good3.png"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_picture_is_named_and_no_other_is(
    name: str, folder: Path, tmp_path: Path
) -> None:
    make, problem = SPOILED[name]
    make().save(folder / f"{name}.png")
    before = {file: file.read_bytes() for file in folder.iterdir()}
    outcome = shapecycle("prepare", folder, "--out", tmp_path / "ready")
    assert outcome.code == 0
    accused = [line.strip() for line in outcome.err.splitlines() if ".png: " in line]
    assert len(accused) == 1, accused
    assert accused[0].startswith(f"{name}.png: {problem}")
    assert len(list((tmp_path / "ready" / "images").iterdir())) == 9
    page = (tmp_path / "ready" / "sheet.html").read_text()
    assert page.index(name) < page.index("good0"), "what is odd comes first"
    assert "http" not in page
    assert before == {file: file.read_bytes() for file in folder.iterdir()}


def test_what_cannot_be_used_is_left_out_and_named(folder: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(folder / "noise.jpg")
    (folder / "broken.png").write_bytes(b"nothing")
    (folder / "phone.heic").write_bytes(b"nothing")
    out = tmp_path / "ready"
    outcome = shapecycle("prepare", folder, "--out", out)
    assert outcome.code == 0
    assert "noise.jpg: left out: no mask" in outcome.err
    assert "broken.png: left out: this is not a picture" in outcome.err
    assert "1 .heic" in outcome.err
    assert {file.stem for file in (out / "images").iterdir()} == {f"good{k}" for k in range(8)}
    assert "left out" in (out / "sheet.html").read_text()


def test_where_nothing_can_be_used_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "broken.png").write_bytes(b"nothing")
    outcome = shapecycle("prepare", tmp_path / "mine", "--out", tmp_path / "out")
    assert outcome.code == 2
    assert "broken.png: this is not a picture" in outcome.err
    assert not (tmp_path / "out").exists()


def test_several_folders_become_one_and_inner_ones_are_pointed_at(
    folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    _picture(30).save(other / "more.png")
    outcome = shapecycle("prepare", folder, other, "--out", tmp_path / "ready")
    assert outcome.code == 0, outcome.err
    assert len(list((tmp_path / "ready" / "images").iterdir())) == 9
    (tmp_path / "outer" / "inner").mkdir(parents=True)
    outcome = shapecycle("prepare", tmp_path / "outer", "--out", tmp_path / "no")
    assert outcome.code == 2
    assert "inner" in outcome.err


def test_what_cameras_wrote_of_their_lens_is_kept_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    exif = Image.Exif()
    exif[0x8769] = {0xA405: 35}
    exif[0x010F] = "a camera"
    for seed in range(3):
        whole = Image.new("RGB", (SIDE, SIDE), "white")
        picture = _picture(seed)
        whole.paste(picture, (0, 0), picture)
        whole.save(tmp_path / "mine" / f"{seed}.jpg", exif=exif)
    assert shapecycle("prepare", tmp_path / "mine", "--out", tmp_path / "ready").code == 0
    with Image.open(tmp_path / "ready" / "images" / "0.png") as written:
        assert written.getexif().get_ifd(0x8769)[0xA405] == 35
        assert 0x010F not in written.getexif()


def test_a_folder_without_anything_to_prepare_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("nothing")
    outcome = shapecycle("prepare", tmp_path / "mine", "--out", tmp_path / "out")
    assert outcome.code == 2
    assert "neither pictures nor shapes" in outcome.err


def test_files_that_would_be_written_to_one_name_are_refused(folder: Path, tmp_path: Path) -> None:
    _picture(9).convert("RGB").save(folder / "good3.jpg")
    outcome = shapecycle("prepare", folder, "--out", tmp_path / "out")
    assert outcome.code == 2
    assert "would both be written to 'good3'" in outcome.err


def test_the_folder_itself_is_not_written_into(folder: Path) -> None:
    outcome = shapecycle("prepare", folder, "--out", folder / "out")
    assert outcome.code == 2
    assert "overlap" in outcome.err
    assert not (folder / "out").exists()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    outcome = shapecycle("prepare", tmp_path / "nowhere", "--out", tmp_path / "out")
    assert outcome.code == 2
    assert "nowhere: there is no such folder" in outcome.err


def test_hashes_of_a_picture_and_its_shrunk_copy_agree() -> None:
    whole = np.asarray(_picture(4), dtype=np.float32).transpose(2, 0, 1) / 255
    small = np.asarray(_picture(4).resize((96, 96)), dtype=np.float32).transpose(2, 0, 1) / 255
    other = np.asarray(_picture(5), dtype=np.float32).transpose(2, 0, 1) / 255
    assert (perceptual_hash(whole) != perceptual_hash(small)).sum() <= 4
    assert (perceptual_hash(whole) != perceptual_hash(other)).sum() > 10


def test_no_pictures_have_no_problems() -> None:
    assert of_the_folder([], []) == []


# Shapes


def _cars(count: int) -> list[Mesh]:
    return [car_mesh(sample_car(k)) for k in range(count)]


def _problems(meshes: list[Mesh]) -> list[tuple[str, ...]]:
    paths = [Path(f"{k}.ply") for k in range(len(meshes))]
    return [one.problems for one in findings(paths, meshes)]


def test_the_turns_are_the_24_rotations_and_the_first_leaves_all_as_it_is() -> None:
    names, rotations = turns()
    assert names[0] == "--up +y --front +z"
    assert len(set(names)) == 24
    np.testing.assert_array_equal(rotations[0], np.eye(3))
    np.testing.assert_allclose(np.linalg.det(rotations), 1)


def test_shapes_that_agree_have_no_problems() -> None:
    assert not any(_problems(_cars(10)))


@pytest.mark.parametrize("up", ["--up +z --front -y", "--up -y --front +z", "--up +y --front +x"])
def test_a_shape_that_lies_turned_is_named_with_its_axes(up: str) -> None:
    meshes = _cars(10)
    names, rotations = turns()
    upright_from_file = rotations[names.index(up)]
    meshes[4] = replace(meshes[4], vertices=meshes[4].vertices @ upright_from_file)
    found = _problems(meshes)
    assert not any(found[:4] + found[5:])
    assert any(up in problem for problem in found[4])


def test_other_units_copies_and_other_kinds_are_named() -> None:
    meshes = _cars(10)
    meshes[2] = replace(meshes[2], vertices=1000 * meshes[2].vertices)
    meshes.append(meshes[5])
    rod = np.array([[0, -1, 0], [0.02, -1, 0], [0, 1, 0], [0, -1, 0.02]], dtype=np.float64)
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    meshes.append(Mesh(rod, faces))
    found = _problems(meshes)
    assert any("times as large as the others" in problem for problem in found[2])
    assert found[10] == ("the same shape as 5.ply",)
    assert found[11], "a rod among cars"
    assert not any(found[:2] + found[3:10])
