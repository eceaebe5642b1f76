"""Photographs: what is read, what is cropped, and what is said of every bad file."""

import struct
import subprocess
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shapecycle.data import photos
from shapecycle.data.photo_set import load_photos
from shapecycle.data.photos import (
    Window,
    crop,
    load_photo,
    pixels_of,
    window_of,
)
from shapecycle.errors import DataError


def _disc(width: int = 20, height: int = 16, colour: tuple[int, int, int] = (200, 100, 50)):
    """An opaque rectangle of 8 x 6 pixels from (4, 3), on transparent ground."""
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[3:9, 4:12] = (*colour, 255)
    return Image.fromarray(pixels)


def _noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((4, height, width)).astype(np.float32)


def _fill(folder: Path, count: int) -> None:
    folder.mkdir(exist_ok=True)
    for k in range(count):
        _disc().save(folder / f"{k:03}.png")


def _png16(path: Path, pixels: np.ndarray) -> None:
    """Write 16-bit RGBA, which Pillow itself cannot."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    height, width, _ = pixels.shape
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in pixels)
    head = struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


# Reading


def test_an_rgba_file_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    _disc().save(tmp_path / "a.png")
    photo = load_photo(tmp_path / "a.png")
    expected = np.asarray(_disc(), dtype=np.float32).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(photo.rgba, expected, atol=1e-6)
    assert photo.rgba.dtype == np.float32


@pytest.mark.parametrize("mode", ["P", "LA"])
def test_palettes_and_grey_pictures_keep_their_transparency(tmp_path: Path, mode: str) -> None:
    picture = _disc(colour=(90, 90, 90))
    if mode == "P":
        picture.quantize(8).save(tmp_path / "a.png")
    else:
        picture.convert("LA").save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as saved:
        assert saved.mode == mode
    rgba = load_photo(tmp_path / "a.png").rgba
    np.testing.assert_array_equal(rgba[3] > 0.5, np.asarray(_disc())[..., 3] > 127)
    np.testing.assert_allclose(rgba[:3, 5, 6], 90 / 255, atol=0.01)


def test_sixteen_bit_colours_and_alpha_are_scaled_to_one(tmp_path: Path) -> None:
    pixels = np.zeros((4, 5, 4), np.uint16)
    pixels[1:3, 1:3] = (65535, 32768, 0, 65535)
    _png16(tmp_path / "a.png", pixels)
    rgba = load_photo(tmp_path / "a.png").rgba
    np.testing.assert_allclose(rgba, pixels.transpose(2, 0, 1) / 65535, atol=1 / 255)


def test_sixteen_bit_grey_is_not_clipped(tmp_path: Path) -> None:
    grey = np.full((16, 20), 16384, np.uint16)
    Image.fromarray(grey).save(tmp_path / "a.png")
    (tmp_path / "masks").mkdir()
    _disc().getchannel("A").save(tmp_path / "masks" / "a.png")
    np.testing.assert_allclose(load_photo(tmp_path / "a.png").rgba[:3], 0.25, atol=1e-3)


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "webp", "png", "JPG"])
@pytest.mark.parametrize("place", ["inside", "beside"])
@pytest.mark.parametrize("kind", ["L", "RGBA"])
def test_a_twin_mask_becomes_the_alpha(tmp_path: Path, suffix: str, place: str, kind: str) -> None:
    folder = tmp_path / "images"
    masks = (folder if place == "inside" else tmp_path) / "masks"
    masks.mkdir(parents=True)
    folder.mkdir(exist_ok=True)
    Image.new("RGB", (20, 16), (10, 200, 30)).save(folder / f"a.{suffix}")
    mask = _disc() if kind == "RGBA" else _disc().getchannel("A")
    mask.save(masks / "a.png")
    rgba = load_photo(folder / f"a.{suffix}").rgba
    np.testing.assert_array_equal(rgba[3], np.asarray(_disc())[..., 3] / np.float32(255))
    np.testing.assert_allclose(rgba[1], 200 / 255, atol=0.03)


def test_real_alpha_wins_over_a_twin(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    _disc().save(tmp_path / "a.png")
    Image.new("L", (20, 16), 0).save(tmp_path / "masks" / "a.png")
    assert load_photo(tmp_path / "a.png").rgba[3].sum() == 48


def test_exif_orientation_turns_the_picture_upright(tmp_path: Path) -> None:
    picture = _disc()
    exif = Image.Exif()
    exif[0x0112] = 6  # the upright picture is this one turned by a quarter clockwise
    picture.save(tmp_path / "a.png", exif=exif)
    expected = np.asarray(picture.transpose(Image.Transpose.ROTATE_270))[..., 3] / 255
    np.testing.assert_array_equal(load_photo(tmp_path / "a.png").rgba[3], expected)


# Bad pictures


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"a\.png: the file is empty"),
        (b"hello, I am no picture", r"a\.png: this is not a picture in PNG, JPEG or WebP"),
        (b"GIF89a" + bytes(40), r"a\.png: this is not a picture in PNG, JPEG or WebP"),
    ],
)
def test_a_file_that_is_no_picture_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_photo(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_truncated_picture_is_refused(tmp_path: Path, suffix: str, part: float) -> None:
    path = tmp_path / f"a.{suffix}"
    noise = (_noise(64, 64)[:3].transpose(1, 2, 0) * 255).astype(np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    with pytest.raises(DataError, match=rf"a\.{suffix}: (the picture cannot be read|this is not)"):
        load_photo(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"b\.png: there is no such file"):
        load_photo(tmp_path / "b.png")
    (tmp_path / "c.png").mkdir()
    with pytest.raises(DataError, match=r"c\.png: this is a folder"):
        load_photo(tmp_path / "c.png")


def test_a_huge_picture_is_refused_by_its_size_alone(tmp_path: Path) -> None:
    for width, message in ((9_000, "9,000 x 9,000 pixels, more than the 50 million"), (40_000, "")):
        # The header alone: a decoder that went on would complain of missing data.
        _png16(tmp_path / "a.png", np.zeros((1, 1, 4), np.uint16))
        content = bytearray((tmp_path / "a.png").read_bytes())
        content[16:24] = struct.pack(">II", width, width)
        content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(DataError, match=message or "more pixels than the 50 million"):
            load_photo(tmp_path / "a.png")


def test_an_opaque_picture_without_a_twin_has_no_mask(tmp_path: Path) -> None:
    for mode in ("RGB", "RGBA", "L"):
        Image.new(mode, (20, 16), "white").save(tmp_path / "a.png")
        with pytest.raises(DataError, match=r"a\.png: no mask: .*no masks/a\.png\n.*RGBA"):
            load_photo(tmp_path / "a.png")


def test_a_picture_in_a_folder_called_masks_is_not_its_own_twin(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    Image.new("L", (20, 16), 200).save(tmp_path / "masks" / "a.png")
    with pytest.raises(DataError, match="no mask"):
        load_photo(tmp_path / "masks" / "a.png")


def test_an_empty_mask_is_refused_with_its_greatest_value(tmp_path: Path) -> None:
    Image.new("RGBA", (20, 16), (255, 0, 0, 40)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png: its mask is empty: alpha reaches 40 of 255"):
        load_photo(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (Image.new("L", (20, 16), 1), r"a\.jpg: its mask .*a\.png is empty: it reaches 1 of 255"),
        (Image.new("L", (20, 16), 255), r"a\.jpg: its mask .*a\.png covers the whole picture"),
        (Image.new("L", (16, 20), 0), r"a\.jpg: the picture is 20 x 16 .*a\.png is 16 x 20"),
    ],
)
def test_a_bad_twin_is_refused(tmp_path: Path, mask: Image.Image, message: str) -> None:
    (tmp_path / "masks").mkdir()
    Image.new("RGB", (20, 16)).save(tmp_path / "a.jpg")
    mask.save(tmp_path / "masks" / "a.png")
    with pytest.raises(DataError, match=message):
        load_photo(tmp_path / "a.jpg")


def test_an_unreadable_twin_is_named_with_its_picture(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    Image.new("RGB", (20, 16)).save(tmp_path / "a.jpg")
    (tmp_path / "masks" / "a.png").write_text("no")
    with pytest.raises(DataError, match=r"a\.jpg: its mask is unusable: .*a\.png: this is not a"):
        load_photo(tmp_path / "a.jpg")


# Bare masks


def _mask(side: int = 64) -> np.ndarray:
    """A disc of half the side, smooth at its rim, in 8 bits."""
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    return ((side / 4 - np.hypot(rows, columns) + 0.5).clip(0, 1) * 255).round().astype(np.uint8)


def _shaded(side: int = 64) -> np.ndarray:
    """A grey photograph of a lit ball before a black ground, with a highlight."""
    rows, columns = (np.mgrid[:side, :side] - (side - 1) / 2) / (side / 4)
    height = np.sqrt((1 - rows**2 - columns**2).clip(0))
    return (height * 300).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", ["L", "1", "0 or 1", "jpg"])
def test_a_bare_mask_is_the_picture_of_a_grey_object(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("a.jpg" if kind == "jpg" else "a.png")
    mask = (_mask() > 127).astype(np.uint8) if kind == "0 or 1" else _mask()
    Image.fromarray(mask).convert("1" if kind == "1" else "L", dither=0).save(path)
    photo = load_photo(path, to_see=True)
    assert photo.is_bare_mask
    np.testing.assert_array_equal(photo.rgba[3] > 0.5, _mask() > 127)
    assert (photo.rgba[:3] == 0.5).all()
    with pytest.raises(DataError, match="no mask"):
        load_photo(path)


def test_a_mask_is_no_training_picture(tmp_path: Path) -> None:
    _fill(tmp_path, 8)
    Image.fromarray(_mask()).save(tmp_path / "mask.png")
    with pytest.raises(DataError, match=r"1 of 9 pictures .*\n +mask\.png: no mask"):
        load_photos(tmp_path, size=8)


@pytest.mark.parametrize(
    "grey",
    [
        _shaded(),
        255 - _mask(),
        np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1)),
        np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8),
        np.zeros((64, 64), np.uint8),
        np.full((64, 64), 255, np.uint8),
        _mask() // 2,
    ],
    ids=["ball", "inverted", "ramp", "noise", "black", "white", "half"],
)
def test_a_grey_photograph_is_no_bare_mask(tmp_path: Path, grey: np.ndarray) -> None:
    Image.fromarray(grey).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png: no mask.*\n.* or give the mask alone: a single"):
        load_photo(tmp_path / "a.png", to_see=True)


def test_colours_alpha_and_twins_come_before_bare_masks(tmp_path: Path) -> None:
    mask = Image.fromarray(_mask())
    mask.convert("RGB").save(tmp_path / "rgb.png")
    with pytest.raises(DataError, match="no mask"):
        load_photo(tmp_path / "rgb.png")
    cut_out = load_photo(tmp_path / "rgb.png", to_see=True)
    assert cut_out.is_on_background
    assert not cut_out.is_bare_mask
    np.testing.assert_allclose(cut_out.rgba[3], _mask() / 255, atol=0.51)
    mask.save(tmp_path / "grey.png")
    (tmp_path / "masks").mkdir()
    half = Image.fromarray(np.where(np.arange(64) < 32, _mask(), 0).astype(np.uint8))
    half.save(tmp_path / "masks" / "grey.png")
    photo = load_photo(tmp_path / "grey.png", to_see=True)
    assert not photo.is_bare_mask
    np.testing.assert_array_equal(photo.rgba[0], _mask() / np.float32(255))
    assert photo.rgba[3, :, 32:].max() == 0
    # The mask itself is given, as people do who have a folder of them.
    assert load_photo(tmp_path / "masks" / "grey.png", to_see=True).is_bare_mask


def test_a_pillow_image_has_the_pixels_of_its_file(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for mode, form in (("RGBA", (20, 16, 4)), ("LA", (20, 16, 4)), ("RGB", (20, 16, 4))):
        _disc().convert(mode).save(tmp_path / "a.png", exif=exif)
        with Image.open(tmp_path / "a.png") as picture:
            pixels = pixels_of(picture)
        assert pixels.shape == form, mode
        if mode != "RGB":
            expected = load_photo(tmp_path / "a.png").rgba
            np.testing.assert_array_equal(pixels.transpose(2, 0, 1), expected)
    np.testing.assert_array_equal(pixels_of(Image.fromarray(_mask())), _mask() / np.float32(255))


# Windows


def test_the_window_of_a_rectangle_is_the_square_around_its_pixel_edges() -> None:
    mask = np.zeros((16, 20))
    mask[3:9, 4:12] = 1
    window = window_of(mask, margin=0.0)
    # Columns 4..12 of 20 and rows 3..9 of 16, in units of 8 pixels, y upwards.
    assert window == Window(centre_x=-2 / 8, centre_y=2 / 8, half=4 / 8)
    assert window_of(mask, margin=0.25).half == pytest.approx(5 / 8)


def test_a_mask_that_fills_the_frame_gives_the_frame() -> None:
    assert window_of(np.ones((7, 7)), margin=0.0) == Window(0.0, 0.0, 1.0)


def test_mirroring_a_mask_mirrors_its_window() -> None:
    mask = _noise(30, 40)[0] * (np.add.outer(np.arange(30), np.arange(40)) < 25)
    window, mirrored, flipped = (window_of(m) for m in (mask, mask[:, ::-1], mask[::-1]))
    assert mirrored.centre_x == pytest.approx(-window.centre_x)
    assert flipped.centre_y == pytest.approx(-window.centre_y)
    assert mirrored.half == flipped.half == window.half


def test_half_covered_pixels_are_outside_and_an_empty_mask_has_no_window() -> None:
    with pytest.raises(ValueError, match="the mask is empty"):
        window_of(np.full((4, 4), 0.5))
    with pytest.raises(ValueError, match="must not be negative"):
        window_of(np.ones((4, 4)), margin=-0.1)
    with pytest.raises(ValueError, match="half > 0"):
        Window(0.0, 0.0, 0.0)


# Crops


def test_cropping_the_whole_frame_at_its_own_size_changes_nothing() -> None:
    rgba = _noise(12, 12)
    np.testing.assert_allclose(crop(rgba, Window(0.0, 0.0, 1.0), 12), rgba, atol=1e-5)


def test_shrinking_by_two_takes_the_mean_weighted_by_alpha() -> None:
    rgba = _noise(12, 12)
    small = crop(rgba, Window(0.0, 0.0, 1.0), 6)
    blocks = rgba.reshape(4, 6, 2, 6, 2).transpose(0, 1, 3, 2, 4).reshape(4, 6, 6, 4)
    np.testing.assert_allclose(small[3], blocks[3].mean(-1), atol=1e-5)
    colour = (blocks[:3] * blocks[3]).sum(-1) / blocks[3].sum(-1)
    np.testing.assert_allclose(small[:3], colour, atol=1e-4)


@pytest.mark.parametrize("size", [1, 5, 7, 16, 21, 22])
def test_shrinking_keeps_the_covered_area(size: int) -> None:
    rgba = np.zeros((4, 20, 30), np.float32)
    rgba[:, 6:15, 4:23] = 0.75
    window = Window(centre_x=-0.1, centre_y=0.07, half=1.1)
    area = crop(rgba, window, size)[3].sum() * (2 * 1.1 * 10 / size) ** 2
    assert area == pytest.approx(rgba[3].sum(), rel=1e-4)


@pytest.mark.parametrize("size", [5, 24, 61])
def test_a_single_colour_stays_that_colour_at_every_size(size: int) -> None:
    rgba = _noise(24, 24)
    rgba[:3] = np.array([0.9, 0.3, 0.1])[:, None, None]
    cut = crop(rgba, Window(0.3, -0.2, 0.9), size)
    inside = cut[3] > 0
    np.testing.assert_allclose(
        cut[:3, inside].T, np.tile([0.9, 0.3, 0.1], (inside.sum(), 1)), atol=1e-4
    )
    assert (cut[:3, ~inside] == 0).all()


def test_colour_hidden_under_the_mask_does_not_bleed_in() -> None:
    rgba = np.ones((4, 20, 20), np.float32)
    rgba[3] = 0
    rgba[:, 5:15, 5:15] = np.array([0, 0, 1, 1])[:, None, None]
    cut = crop(rgba, Window(0.0, 0.0, 1.0), 7)
    assert cut[0].max() < 1e-5


def test_outside_the_frame_a_crop_is_transparent() -> None:
    rgba = np.ones((4, 10, 10), np.float32)
    cut = crop(rgba, Window(0.0, 0.0, 2.0), 20)
    assert cut[3, 5:15, 5:15].min() == pytest.approx(1)
    assert cut[3].sum() == pytest.approx(100, rel=1e-5)
    assert (crop(rgba, Window(50.0, 0.0, 1.0), 8) == 0).all()


def test_enlarging_a_ramp_gives_a_ramp() -> None:
    rgba = np.ones((4, 8, 8), np.float32)
    rgba[0] = np.linspace(0, 1, 8)
    cut = crop(rgba, Window(0.0, 0.0, 0.5), 32)[0, 16]
    np.testing.assert_allclose(np.diff(cut), 1 / 7 / 8, atol=1e-5)


def test_a_window_moved_right_and_up_shows_what_lies_there() -> None:
    rgba = np.zeros((4, 16, 24), np.float32)
    rgba[:, 1, 20] = 1
    cut = crop(rgba, Window(centre_x=(20.5 - 12) / 8, centre_y=(8 - 1.5) / 8, half=1 / 16), 3)
    assert cut[3, 1, 1] == pytest.approx(1)


# Folders


def test_a_folder_becomes_one_tensor_in_sorted_order(tmp_path: Path) -> None:
    for k in (3, 1, 2, 0):
        pixels = np.zeros((20, 40, 4), np.uint8)
        pixels[5:11, 10 + k : 16 + k] = (60 * k, 0, 0, 255)
        Image.fromarray(pixels).save(tmp_path / f"{k}.png")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "views.CSV").write_text("x")
    (tmp_path / ".hidden.png").write_text("x")
    (tmp_path / "masks").mkdir()
    photos = load_photos(tmp_path, size=6, margin=0.0, minimum=4)
    assert [path.name for path in photos.paths] == ["0.png", "1.png", "2.png", "3.png"]
    assert len(photos) == 4
    assert photos.rgba.shape == (4, 4, 6, 6)
    assert photos.rgba[:, 0, 3, 3].tolist() == [0, 60, 120, 180]
    assert (photos.rgba[:, 3] == 255).all()
    expected = [[(13 + k) / 10 - 2, 0.2, 0.3] for k in range(4)]
    np.testing.assert_allclose(photos.windows.numpy(), expected, atol=1e-6)
    assert "4 pictures cropped" in photos.notes[0]
    assert photos.notes[-1] == "2 other files ignored: 1 .csv, 1 .txt"


def test_every_bad_picture_is_named_in_one_error(tmp_path: Path) -> None:
    _fill(tmp_path, 9)
    (tmp_path / "004.png").write_text("no")
    Image.new("RGB", (9, 9)).save(tmp_path / "z.jpg")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(DataError, match=r"3 of 11 pictures in .* cannot be used") as caught:
        load_photos(tmp_path, size=8)
    lines = caught.value.what.splitlines()[1:]
    assert [line.split(":")[0].strip() for line in lines] == ["004.png", "gone.png", "z.jpg"]
    assert "not a picture" in lines[0]
    assert "no such file" in lines[1]
    assert "no mask" in lines[2]
    assert "--skip-bad" in caught.value.hint


def test_bad_pictures_are_left_out_and_named_when_asked(tmp_path: Path) -> None:
    _fill(tmp_path, 9)
    (tmp_path / "004.png").write_text("no")
    photos = load_photos(tmp_path, size=8, skip_bad=True)
    assert len(photos) == 8
    assert tmp_path / "004.png" not in photos.paths
    assert any("1 of 9 pictures" in n and "004.png" in n and "left out" in n for n in photos.notes)


def test_of_very_many_bad_pictures_twenty_are_named(tmp_path: Path) -> None:
    for k in range(23):
        (tmp_path / f"{k:02}.png").write_text("no")
    with pytest.raises(DataError, match="and 3 more") as caught:
        load_photos(tmp_path, size=8)
    assert caught.value.what.count("not a picture") == 20
    with pytest.raises(DataError, match=r"0 usable pictures, but at least 8(.|\n)*23 of 23"):
        load_photos(tmp_path, size=8, skip_bad=True)


def test_too_few_pictures_are_refused_with_both_counts(tmp_path: Path) -> None:
    _fill(tmp_path, 7)
    with pytest.raises(DataError, match="7 usable pictures, but at least 8 are needed"):
        load_photos(tmp_path, size=8)


def test_a_missing_empty_or_false_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: there is no such folder\n  hint: give"):
        load_photos(tmp_path / "nowhere", size=8)
    with pytest.raises(DataError, match=r"no pictures in this folder \(it is empty\)\n.*\.png"):
        load_photos(tmp_path, size=8)
    (tmp_path / "sub").mkdir()
    with pytest.raises(DataError, match=r"only subfolders, such as sub/"):
        load_photos(tmp_path, size=8)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(DataError, match=r"no pictures in this folder \(1 other file: 1 \.txt\)"):
        load_photos(tmp_path, size=8)
    with pytest.raises(DataError, match=r"a\.txt: this is not a folder"):
        load_photos(tmp_path / "a.txt", size=8)


def test_an_unreadable_folder_is_refused(tmp_path: Path) -> None:
    # Links that chase each other fail for every user, where permissions do not stop root.
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(DataError, match=r"loop: the folder cannot be read \(Too many levels"):
        load_photos(tmp_path / "loop", size=8)


def test_the_largest_picture_takes_one_copy_of_its_numbers_and_no_more(tmp_path: Path) -> None:
    # Some kilobytes that are 40 million pixels, all of them zero.
    path = tmp_path / "large.png"
    Image.new("RGBA", (4000, 10_000)).save(path)
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from shapecycle.data.photos import pixels_of_file\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "pixels_of_file(Path(sys.argv[1]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    command = [sys.executable, "-c", script, str(path)]
    grown = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert grown < 1.6 * 40e6 * 16 / 1024  # kilobytes


def test_reading_in_several_threads_leaves_the_filters_of_warnings_as_they_were(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.png"
    _disc(300, 300).save(path)
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(load_photo, [path] * 40))
    assert warnings.filters == before


def test_a_picture_longer_than_any_that_can_be_drawn_is_refused(tmp_path: Path) -> None:
    for size in ((photos.MAX_SIDE + 1, 3), (3, photos.MAX_SIDE + 1)):
        Image.new("RGBA", size).save(tmp_path / "long.png")
        with pytest.raises(DataError, match="no more than 16,384 along a side"):
            load_photo(tmp_path / "long.png")


def test_an_object_far_wider_than_its_picture_is_high_is_refused(tmp_path: Path) -> None:
    pixels = np.zeros((2, 200, 4), np.uint8)
    pixels[:, 10:190] = 255
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    with pytest.raises(DataError, match="180 pixels wide in a picture of 2 pixels' height"):
        load_photo(tmp_path / "wide.png")
