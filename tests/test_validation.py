"""What a model's verbs accept: every mistake is named, with what was found and wanted."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tiny_world import tiny_model

from shapecycle.camera import Pose
from shapecycle.graphics_code import GraphicsCode, Texture
from shapecycle.validation import (
    checked_code,
    checked_count,
    checked_fov_y,
    checked_picture,
    checked_shapes,
    checked_size,
)


def _picture(height: int = 10, width: int = 12) -> np.ndarray:
    rgba = np.random.default_rng(0).random((height, width, 4), dtype=np.float32)
    rgba[..., 3] = 0
    rgba[2:-2, 2:-2, 3] = 1
    return rgba


def _code(count: int = 2, *, texels: bool = True) -> GraphicsCode:
    generator = torch.Generator().manual_seed(0)
    seen = torch.rand(count, 4, 6, 6, generator=generator) if texels else None
    texture = Texture(torch.zeros(count, tiny_model().texture_code_size), seen)
    pose = Pose(torch.zeros(count, 3), torch.tensor([[0.0, 0.0, -2.0]] * count))
    shape = torch.randn(count, tiny_model().shape_code_size, generator=generator)
    return GraphicsCode(shape, texture, pose, torch.zeros(count, 9, 3))


def test_pictures_of_any_precision_and_from_torch_are_the_same_picture() -> None:
    rgba = _picture()
    accepted = checked_picture(rgba, "it")
    np.testing.assert_array_equal(accepted, rgba.transpose(2, 0, 1))
    others = (rgba.astype(np.float64), torch.from_numpy(rgba), torch.from_numpy(rgba).double())
    for other in (*others, torch.from_numpy(rgba).requires_grad_(True)):
        np.testing.assert_array_equal(checked_picture(other, "it"), accepted)
    half = checked_picture(torch.from_numpy(rgba).bfloat16(), "it")
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, accepted, atol=0.01)


def test_values_may_round_past_the_ends() -> None:
    rounded = _picture() * np.float32(1 + 1e-6)
    accepted = checked_picture(rounded, "it")
    assert accepted.max() > 1
    np.testing.assert_array_equal(accepted, rounded.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((4, 10, 12), r"red, green, blue, alpha\), found 4 x 10 x 12: put channels last"),
        ((3, 10, 12), r"found 3 x 10 x 12: add the object's mask as the fourth"),
        ((10, 12, 3), r"found 10 x 12 x 3: add the object's mask as the fourth"),
        ((1, 10, 12, 4), r"found 1 x 10 x 12 x 4: give a list of pictures to `see_all`"),
        ((10, 12), r"or a bare mask, found 10 x 12 that is no mask: .* give colours and"),
        ((40,), r"found 40: give colours and the object's mask"),
        ((7, 12, 4), r"h and w at least 8, found 7 x 12 x 4"),
        ((4, 12, 4), r"h and w at least 8, found 4 x 12 x 4: .* channels last"),
        ((0, 0, 4), r"h and w at least 8, found 0 x 0 x 4"),
    ],
)
def test_arrays_of_another_layout_are_refused(shape: tuple[int, ...], message: str) -> None:
    for array in (np.ones(shape, dtype=np.float32), torch.ones(shape)):
        with pytest.raises(ValueError, match=f"the picture must be .*{message}"):
            checked_picture(array, "the picture")


def test_eight_bit_numbers_are_divided() -> None:
    pixels = (_picture() * 255).round().astype(np.uint8)
    for array in (pixels, torch.from_numpy(pixels)):
        expected = pixels.transpose(2, 0, 1).astype(np.float32) / 255
        np.testing.assert_array_equal(checked_picture(array, "it"), expected)


def test_other_whole_numbers_are_refused() -> None:
    pixels = (_picture() * 255).astype(np.int32)
    for array in (pixels, torch.from_numpy(pixels)):
        with pytest.raises(ValueError, match=r"or 8-bit ones, found int32: divide by the greatest"):
            checked_picture(array, "it")
    with pytest.raises(ValueError, match="found bool"):
        checked_picture(pixels > 0, "it")


def test_an_array_without_channels_is_a_bare_mask() -> None:
    mask = _picture()[..., 3]
    pixels = (mask * 255).astype(np.uint8)
    accepted = checked_picture(mask, "it")
    np.testing.assert_array_equal(accepted[3], mask)
    assert (accepted[:3] == 0.5).all()
    for same in (mask > 0.5, pixels, pixels // 255, torch.from_numpy(pixels)):
        np.testing.assert_array_equal(checked_picture(same, "it"), accepted)
    with pytest.raises(ValueError, match=r"found 10 x 12 that is no mask: masks are white"):
        checked_picture(1 - mask, "it")
    with pytest.raises(ValueError, match=r"\[0, 1\], found 0 to 255: divide by 255"):
        checked_picture(pixels.astype(np.float32), "it")


def test_fields_of_view_have_a_range() -> None:
    assert checked_fov_y(0.7) == 0.7
    for fov_y in (0.0, -1.0, 50.0, np.nan):
        with pytest.raises(ValueError, match=r"`fov_y` must be in \[0.0873, 2.0944\] radians"):
            checked_fov_y(fov_y)


@pytest.mark.parametrize(
    ("scale", "shift", "message"),
    [
        (255.0, 0.0, r"\[0, 1\], found 0 to 255: divide by 255"),
        (2.0, -1.0, r"\[0, 1\], found -1 to 1: undo what normalised it"),
        (1.2, 0.0, r"\[0, 1\], found 0 to 1\.2: undo what normalised it, or clip it"),
    ],
)
def test_values_out_of_range_are_refused(scale: float, shift: float, message: str) -> None:
    with pytest.raises(ValueError, match=f"it must be in {message}"):
        checked_picture(_picture() * scale + shift, "it")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    rgba = _picture()
    rgba[:2, 3, 1] = value
    with pytest.raises(ValueError, match="it must be finite, found 2 values"):
        checked_picture(rgba, "it")


@pytest.mark.parametrize(
    ("alpha", "message"), [(0.0, "empty mask: alpha reaches 0,"), (0.5, "0.5,"), (1.0, "no mask")]
)
def test_masks_that_tell_nothing_are_refused(alpha: float, message: str) -> None:
    rgba = _picture()
    rgba[..., 3] = alpha
    with pytest.raises(ValueError, match=f"it has .*{message}"):
        checked_picture(rgba, "it")


def test_codes_of_the_model_are_accepted_as_they_are() -> None:
    for code in (_code(), _code(1, texels=False)):
        assert checked_code(code, tiny_model()) is code
        assert checked_shapes(code.shape, tiny_model()) is code.shape


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": torch.zeros(2, 64)}, r"`code\.shape` must be 2 x 8 numbers .*, found 2 x 64"),
        ({"shape": torch.zeros(2, 1, 8)}, r"`code\.shape` must be 2 x 8 .*, found 2 x 1 x 8"),
        ({"shape": torch.zeros(0, 8)}, r"`code\.shape` must be 1 x 8 numbers .*, found 0 x 8"),
        (
            {"texture": lambda: Texture(torch.zeros(2, 5))},
            r"`code\.texture\.code` must be 2 x 8 .*, found 2 x 5",
        ),
        (
            {"texture": lambda: Texture(torch.zeros(2, 8), torch.zeros(2, 3, 6, 6))},
            r"`code\.texture\.texels` must be 2 x 4 x 6 x 6 .*, found 2 x 3 x 6 x 6",
        ),
        ({"light": torch.zeros(1, 9, 3)}, r"`code\.light` must be 2 x 9 x 3 .*, found 1 x 9 x 3"),
        (
            {"pose": lambda: Pose(torch.zeros(2, 3), torch.zeros(2, 2))},
            r"`code\.pose\.translation` must be 2 x 3 .*, found 2 x 2",
        ),
        ({"shape": torch.full((2, 8), torch.nan)}, r"`code\.shape` must be finite"),
    ],
)
def test_codes_of_another_model_are_refused_by_part(changes: dict[str, Any], message: str) -> None:
    changes = {name: part() if callable(part) else part for name, part in changes.items()}
    with pytest.raises(ValueError, match=message):
        checked_code(replace(_code(), **changes), tiny_model())


@pytest.mark.usefixtures("unchecked")
def test_what_is_no_code_is_refused() -> None:
    with pytest.raises(TypeError, match="`code` must be a GraphicsCode, found dict"):
        checked_code({}, tiny_model())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"`code\.light` must be a tensor, found ndarray"):
        checked_code(replace(_code(), light=np.zeros((2, 9, 3))), tiny_model())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="`shape` must be a tensor, found list"):
        checked_shapes([0.0] * 8, tiny_model())  # type: ignore[arg-type]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("size", [(8,), (0, 8), (2, 7), ()])
def test_shape_codes_of_another_length_are_refused(size: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"`shape` must be \d x 8 numbers for this model, found"):
        checked_shapes(torch.zeros(size), tiny_model())


@pytest.mark.usefixtures("unchecked")
def test_counts_and_sizes_are_whole_and_large_enough() -> None:
    assert checked_count(np.int64(3), "count", minimum=1) == 3  # type: ignore[arg-type]
    assert checked_size(5) == (5, 5)
    with pytest.raises(ValueError, match="`size` must be at most 16,384, found 100000"):
        checked_size(100_000)
    assert checked_size([4, 6]) == (4, 6)  # type: ignore[arg-type]
    for count in (0, -3):
        with pytest.raises(ValueError, match=f"`count` must be at least 1, found {count}"):
            checked_count(count, "count", minimum=1)
        for size in (count, (count, 8), (8, count)):
            with pytest.raises(ValueError, match=f"`size` must be at least 1, found {count}"):
                checked_size(size)
    for words in (2.5, "8", None):
        with pytest.raises(TypeError, match="must be a whole number, found"):
            checked_size(words)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"a side, or height and width, found \(1, 2, 3\)"):
        checked_size((1, 2, 3))  # type: ignore[arg-type]
