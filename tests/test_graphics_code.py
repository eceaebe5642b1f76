"""The graphics code as a value: indexing, mixing, and its JSON."""

import json
from typing import Any

import pytest
import torch
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


def test_detaching_cuts_every_tensor_off() -> None:
    code = _code().map(lambda x: x.requires_grad_(True))
    assert all(tensor.requires_grad for tensor in _tensors(code))
    assert not any(tensor.requires_grad for tensor in _tensors(code.detach()))


def test_json_gives_the_code_back() -> None:
    for texels in (8, None):
        code = _code(1, texels=texels)
        told = code.to_json()
        # Texels pass through 8 bits.
        _assert_same(GraphicsCode.from_json(told), code, atol=0.5 / 255 + 1e-6, rtol=0)
        _assert_same(
            GraphicsCode.from_json(json.dumps(told)),
            GraphicsCode.from_json(told),
            atol=0,
            rtol=0,
        )


def test_only_one_code_is_written_as_json() -> None:
    with pytest.raises(ValueError, match="not of 3"):
        _code(3).to_json()


def _without(*path: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(json.dumps(_code(1).to_json()))
    inner = told
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return told


@pytest.mark.parametrize(
    "path", [("shape",), ("texture",), ("texture", "code"), ("pose", "roll"), ("light",)]
)
def test_a_missing_part_is_named(path: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match=f"not a graphics code.*{path[-1]}"):
        GraphicsCode.from_json(_without(*path))


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": "words"},
        {"light": [[0.0, 0.0, 0.0]]},
        {"pose": [1, 2, 3]},
        {"texture": {"code": [0.0], "texels_png": "bm90IGEgcG5n"}},
        {"shape": None},
    ],
)
def test_a_part_of_another_form_is_refused_by_name(changes: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=f"not a graphics code: '{next(iter(changes))}"):
        GraphicsCode.from_json(_code(1).to_json() | changes)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3"])
def test_text_that_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="not a graphics code"):
        GraphicsCode.from_json(text)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    told = _code(1).to_json()
    told["shape"][0] = value
    with pytest.raises(DataError, match=r"shape.*not finite"):
        GraphicsCode.from_json(told)
