"""The graphics code as a value: indexing, mixing, and its JSON."""

import base64
import io
import json
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from shapecycle.camera import Pose
from shapecycle.errors import DataError
from shapecycle.graphics_code import GraphicsCode, Texture


def _code(count: int = 3, *, seed: int = 0, texels: int | None = 8) -> GraphicsCode:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(count, *shape, generator=generator)

    seen = None if texels is None else torch.rand(count, 4, texels, texels, generator=generator)
    return GraphicsCode(
        normal(6), Texture(normal(5), seen), Pose(normal(3), normal(3)), normal(9, 3)
    )


def _tensors(code: GraphicsCode) -> list[Tensor]:
    found: list[Tensor] = []
    code.map(lambda x: (found.append(x), x)[1])
    return found


def _assert_same(first: GraphicsCode, second: GraphicsCode, **tolerance: float) -> None:
    assert len(_tensors(first)) == len(_tensors(second))
    for x, y in zip(_tensors(first), _tensors(second), strict=True):
        torch.testing.assert_close(x, y, **tolerance)


def test_an_integer_index_keeps_the_batch_axis() -> None:
    code = _code(3)
    for k in (0, 2, -1):
        assert len(code[k]) == 1
        assert all(tensor.shape[0] == 1 for tensor in _tensors(code[k]))
    torch.testing.assert_close(code[-1].shape, code.shape[2:])


def test_stacking_the_items_gives_the_batch_back() -> None:
    for texels in (8, None):
        code = _code(3, texels=texels)
        _assert_same(GraphicsCode.stack([code[0], code[1:]]), code, atol=0, rtol=0)


def test_codes_with_and_without_texels_do_not_stack() -> None:
    with pytest.raises(ValueError, match="with texels and codes without"):
        GraphicsCode.stack([_code(texels=8), _code(texels=None)])


@pytest.mark.parametrize("part", ["shape", "texture", "pose", "light"])
def test_mixing_takes_one_part_of_the_other_and_leaves_the_rest(part: str) -> None:
    code, other = _code(seed=0), _code(seed=1)
    mixed = getattr(code, f"with_{part}_of")(other)
    for name in ("shape", "texture", "pose", "light"):
        assert getattr(mixed, name) is getattr(other if name == part else code, name)


def test_a_batch_can_be_walked_through_and_ends() -> None:
    code = _code(3)
    assert [len(one) for one in code] == [1, 1, 1]
    with pytest.raises(IndexError, match="out of range"):
        _ = code[3]
    assert repr(code) == "GraphicsCode(batch of 3)"


def test_codes_mix_with_as_many_others_only() -> None:
    with pytest.raises(ValueError, match="a batch of 3 is needed, found one of 2"):
        _code(3).with_texture_of(_code(2))


@pytest.mark.usefixtures("unchecked")
def test_codes_mix_with_codes_only() -> None:
    with pytest.raises(TypeError, match="a GraphicsCode is needed, found dict"):
        _code(3).with_pose_of({})  # type: ignore[arg-type]


def test_detaching_cuts_every_tensor_off() -> None:
    code = _code().map(lambda x: x.requires_grad_(True))
    assert all(tensor.requires_grad for tensor in _tensors(code))
    assert not any(tensor.requires_grad for tensor in _tensors(code.detach()))


def test_json_gives_the_code_back() -> None:
    for texels in (8, None):
        code = _code(1, texels=texels)
        message = code.to_json()
        # Texels pass through 8 bits.
        _assert_same(GraphicsCode.from_json(message), code, atol=0.5 / 255 + 1e-6, rtol=0)
        _assert_same(
            GraphicsCode.from_json(json.dumps(message)),
            GraphicsCode.from_json(message),
            atol=0,
            rtol=0,
        )


def test_only_one_code_is_written_as_json() -> None:
    with pytest.raises(ValueError, match="not of 3"):
        _code(3).to_json()


def _without(*path: str) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(json.dumps(_code(1).to_json()))
    inner = message
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return message


@pytest.mark.parametrize(
    "path", [("shape",), ("texture",), ("texture", "code"), ("pose", "roll"), ("light",)]
)
def test_a_missing_part_is_named(path: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match=f"not a graphics code.*{path[-1]}"):
        GraphicsCode.from_json(_without(*path))


def _png(width: int, height: int) -> str:
    buffer = io.BytesIO()
    Image.new("RGBA", (width, height)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


LISTS = "must be a list of numbers, found"


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": "words"}, f"'shape' {LISTS} 'words'"),
        ({"shape": None}, f"'shape' {LISTS} None"),
        ({"shape": {}}, f"'shape' {LISTS} {{}}"),
        ({"shape": 3.0}, f"'shape' {LISTS} a number"),
        ({"shape": []}, f"'shape' {LISTS} a list of 0 numbers"),
        ({"shape": [[0.5] * 6]}, f"'shape' {LISTS} nested lists of 1 x 6 numbers"),
        ({"shape": [[1.0], [1.0, 2.0]]}, rf"'shape' {LISTS} \[\[1.0\], \[1.0, 2.0\]\]"),
        ({"shape": [10**400]}, f"'shape' {LISTS}"),
        ({"texture": {"code": [[0.0]]}}, rf"'texture\.code' {LISTS} nested lists of 1 x 1"),
        (
            {"light": [[0.0, 0.0, 0.0]]},
            "'light' must be nested lists of 9 x 3 numbers, found .* 1 x 3",
        ),
        (
            {"light": [0.0] * 27},
            "'light' must be nested .* 9 x 3 numbers, found a list of 27 numbers",
        ),
        ({"light": [[0.0] * 9] * 3}, "'light' must be nested .* 9 x 3 numbers, found .* 3 x 9"),
        ({"pose": [1, 2, 3]}, r"'pose\.azimuth' is missing"),
        (
            {"pose": {"azimuth": [1.0], "elevation": 0.0, "roll": 0.0}},
            r"'pose\.azimuth' must be a number, found a list of 1 numbers",
        ),
        (
            {"pose": {"azimuth": 1, "elevation": 0.0, "roll": 0.0, "translation": [0.0, -1.0]}},
            r"'pose\.translation' must be a list of 3 numbers, found a list of 2 numbers",
        ),
        ({"texture": {"code": [0.0], "texels_png": "bm90IGEgcG5n"}}, r"texels_png' is not a PNG"),
        ({"texture": {"code": [0.0], "texels_png": 7}}, r"texels_png' is not a PNG in base64"),
        ({"texture": {"code": [0.0], "texels_png": _png(8, 4)}}, r"must be square, found 8 x 4"),
    ],
)
def test_a_part_of_another_form_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=f"not a graphics code: .*{message}"):
        GraphicsCode.from_json(_code(1).to_json() | changes)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", "[" * 100_000])
def test_text_that_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="not a graphics code"):
        GraphicsCode.from_json(text)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e39])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    for part in ("shape", "code", "azimuth", "translation", "light"):
        message = _code(1).to_json()
        for inner in (message, message["texture"], message["pose"]):
            if part == "azimuth" and part in inner:
                inner[part] = value
            elif part == "light" and part in inner:
                inner[part][8][2] = value
            elif part in inner:
                inner[part][-1] = value
        with pytest.raises(DataError, match=rf"{part}' holds numbers that are not finite"):
            GraphicsCode.from_json(message)
