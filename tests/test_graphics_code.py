"""The graphics code as a value: indexing, mixing, and its JSON."""

import base64
import io
import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from shapecycle.camera import Pose
from shapecycle.errors import DataError
from shapecycle.graphics_code import VERSION, GraphicsCode, Surface, Texture


def _code(
    count: int = 3,
    *,
    seed: int = 0,
    texels: int | None = 8,
    fill: int | None = None,
    surface: Surface | None = None,
) -> GraphicsCode:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(count, *shape, generator=generator)

    def image(side: int | None) -> Tensor | None:
        return None if side is None else torch.rand(count, 4, side, side, generator=generator)

    return GraphicsCode(
        normal(6),
        Texture(normal(5), image(texels), image(fill)),
        Pose(normal(3), normal(3)),
        normal(9, 3),
        surface,
    )


def _surface(*sources: int, texels: int | None = None, seed: int = 0) -> Surface:
    """Return surfaces of four handles, carried from these sources; 0 is the template."""
    generator = torch.Generator().manual_seed(seed)
    count = len(sources)
    moves = 0.1 * torch.randn(count, 4, 3, generator=generator)
    seen = None if texels is None else torch.rand(count, 4, texels, texels, generator=generator)
    return Surface(torch.tensor(sources), moves, seen)


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


# Surfaces


LARGEST = 2**63 - 1
"""Of the fingerprints."""


def test_stacking_the_items_gives_surfaces_and_fills_back() -> None:
    code = _code(3, fill=8, surface=_surface(5, 0, 9, texels=16))
    _assert_same(GraphicsCode.stack([code[0], code[1:]]), code, atol=0, rtol=0)
    assert all(len(tensor) == 1 for tensor in _tensors(code[2]))


def test_codes_with_and_without_surfaces_stack_and_keep_what_they_are() -> None:
    parts = [_code(1), _code(2, surface=_surface(5, 9, texels=8)), _code(1, surface=_surface(7))]
    surface = GraphicsCode.stack(parts).surface
    assert surface is not None
    assert surface.source.tolist() == [0, 5, 9, 7]
    assert not surface.moves[0].any()
    assert parts[1].surface is not None
    torch.testing.assert_close(surface.moves[1:3], parts[1].surface.moves)
    assert surface.texels is not None
    assert not surface.texels[[0, 3], 3].any(), "no photograph showed them"
    assert parts[1].surface.texels is not None
    torch.testing.assert_close(surface.texels[1:3], parts[1].surface.texels)
    assert GraphicsCode.stack([_code(1), _code(2)]).surface is None


def test_codes_without_a_fill_have_none_in_a_stack() -> None:
    filled = _code(1, fill=8)
    fill = GraphicsCode.stack([_code(2), filled]).texture.fill
    assert fill is not None
    assert not fill[:2, 3].any()
    torch.testing.assert_close(fill[2:], filled.texture.fill)


@pytest.mark.parametrize("part", ["texels", "fill", "own"])
def test_smaller_images_are_enlarged_to_stack(part: str) -> None:
    codes = [
        _code(1, seed=side, texels=8 if part == "own" else side,
              fill=side if part == "fill" else None,
              surface=_surface(3, texels=side if part == "own" else None))
        for side in (4, 16)
    ]  # fmt: skip

    def image(code: GraphicsCode) -> Tensor:
        surface = code.surface
        assert surface is not None
        found = surface.texels if part == "own" else getattr(code.texture, part)
        assert isinstance(found, Tensor)
        return found

    stacked = image(GraphicsCode.stack(codes))
    assert stacked.shape == (2, 4, 16, 16)
    torch.testing.assert_close(stacked[1:], image(codes[1]))
    torch.testing.assert_close(stacked[:1].mean((2, 3)), image(codes[0]).mean((2, 3)))


def test_a_small_fill_is_enlarged_to_the_larger_texels_of_codes_without() -> None:
    small, large = _code(1, texels=4, fill=4), _code(1, texels=16)
    for code in (GraphicsCode.stack([small, large]), small.interpolated(large, 0.5)):
        assert code.texture.fill is not None
        assert code.texture.fill.shape[-1] == 16


def test_on_the_template_all_but_the_surface_stays() -> None:
    code = _code(2, fill=8, surface=_surface(5, 9))
    bare = code.on_template()
    assert bare.surface is not None
    assert code.surface is not None
    assert bare.surface.source.tolist() == [0, 0]
    assert bare.surface.moves is code.surface.moves
    assert bare.surface.texels is None
    for name in ("shape", "texture", "pose", "light"):
        assert getattr(bare, name) is getattr(code, name)
    assert _code(1).on_template().surface is None


def test_a_shape_brings_its_surface_but_not_its_colours() -> None:
    code, other = _code(1, surface=_surface(5, texels=8)), _code(1, surface=_surface(9, texels=8))
    mixed = code.with_shape_of(other).surface
    assert mixed is not None
    assert other.surface is not None
    assert mixed.source is other.surface.source
    assert mixed.moves is other.surface.moves
    assert mixed.texels is None
    assert code.with_shape_of(_code(1)).surface is None
    assert _code(1).with_shape_of(other).surface is not None


def test_a_texture_brings_its_fill_and_leaves_the_surface() -> None:
    code, other = _code(1, surface=_surface(5, texels=8)), _code(1, seed=1, fill=8)
    mixed = code.with_texture_of(other)
    assert mixed.texture is other.texture
    assert code.surface is not None
    assert mixed.surface is not None
    assert mixed.surface.source is code.surface.source
    assert mixed.surface.moves is code.surface.moves
    assert mixed.surface.texels is None, "they were the old texture's"
    assert _code(1).with_texture_of(code).surface is None


def test_texels_of_its_own_go_along_between_surfaces_of_one_source() -> None:
    code = _code(2, surface=_surface(5, 9, texels=8))
    same = _code(2, seed=1, surface=_surface(5, 9, texels=8, seed=1))
    other = _code(2, seed=1, surface=_surface(5, 7, texels=8, seed=1))
    taken = code.with_texture_of(same).surface
    assert taken is not None
    assert same.surface is not None
    assert taken.texels is not None
    assert same.surface.texels is not None
    torch.testing.assert_close(taken.texels, same.surface.texels)
    partly = code.with_texture_of(other).surface
    assert partly is not None
    assert partly.texels is not None
    assert other.surface is not None
    assert other.surface.texels is not None
    torch.testing.assert_close(partly.texels[0], other.surface.texels[0])
    assert partly.texels[1, 3].max() == 0, "of another source none are taken"


def test_codes_of_models_with_other_handles_do_not_mix() -> None:
    code, other = _code(1, surface=_surface(5)), _code(1, surface=_surface(5))
    assert other.surface is not None
    foreign = replace(other, surface=replace(other.surface, moves=torch.zeros(1, 9, 3)))
    for mixed in (
        lambda: GraphicsCode.stack([code, foreign]),
        lambda: code.interpolated(foreign, 0.5),
    ):
        with pytest.raises(ValueError, match="codes of different models do not mix"):
            mixed()


@pytest.mark.parametrize("part", ["pose", "light"])
def test_pose_and_light_leave_the_surface(part: str) -> None:
    code = _code(1, surface=_surface(5))
    assert getattr(code, f"with_{part}_of")(_code(1, seed=1)).surface is code.surface


# From one code to another


def test_interpolation_begins_and_ends_at_the_codes() -> None:
    first = _code(2, seed=0, fill=8, surface=_surface(5, 0, texels=8, seed=0))
    last = _code(2, seed=1, fill=8, surface=_surface(5, 0, texels=8, seed=1))
    for share, code in ((0.0, first), (1.0, last)):
        found = first.interpolated(last, share)
        _assert_same(found, _turned_like(code, found), atol=1e-5, rtol=0)


def _turned_like(code: GraphicsCode, other: GraphicsCode) -> GraphicsCode:
    """Return the code with angles that differ by whole turns from it, as another has them."""
    turns = ((other.pose.angles - code.pose.angles) / (2 * torch.pi)).round()
    return replace(code, pose=replace(code.pose, angles=code.pose.angles + turns * 2 * torch.pi))


def test_between_a_code_and_itself_nothing_changes() -> None:
    code = _code(2, fill=8, surface=_surface(5, 9, texels=8))
    _assert_same(code.interpolated(code, 0.3), code, atol=1e-5, rtol=0)


def test_there_and_back_the_way_is_the_same() -> None:
    first, last = (_code(2, seed=k, fill=8, surface=_surface(5, 9, seed=k)) for k in (0, 1))
    there, back = first.interpolated(last, 0.3), last.interpolated(first, 0.7)
    _assert_same(there, _turned_like(back, there), atol=1e-5, rtol=0)


def test_azimuths_go_the_shorter_way_round() -> None:
    code = _code(1)
    codes = [
        replace(code, pose=Pose(torch.tensor([[azimuth, 0.0, 0.0]]), code.pose.translation))
        for azimuth in (3.0, -3.0)
    ]
    azimuth = codes[0].interpolated(codes[1], 0.5).pose.angles[0, 0]
    assert azimuth.cos() == pytest.approx(-1, abs=1e-5)


def test_texels_fade_by_their_weights() -> None:
    first, last = _code(1, seed=0), _code(1, seed=1)
    given = [code.texture.texels for code in (first, last)]
    assert given[0] is not None
    assert given[1] is not None
    unseen = given[1] * torch.tensor([1, 1, 1, 0])[:, None, None]
    hidden = replace(last, texture=replace(last.texture, texels=unseen))
    texels = first.interpolated(hidden, 0.25).texture.texels
    assert texels is not None
    torch.testing.assert_close(texels[:, :3], given[0][:, :3])
    torch.testing.assert_close(texels[:, 3], 0.75 * given[0][:, 3])
    bare = first.interpolated(_code(1, texels=None), 0.25).texture.texels
    assert bare is not None
    torch.testing.assert_close(bare, texels)


def test_images_of_any_sizes_fade_into_each_other() -> None:
    first = _code(1, texels=4, fill=4, surface=_surface(5, texels=4))
    last = _code(1, seed=1, texels=16, fill=16, surface=_surface(5, texels=8))
    half = first.interpolated(last, 0.5)
    assert half.texture.texels is not None
    assert half.texture.texels.shape[-1] == 16
    assert half.texture.fill is not None
    assert half.texture.fill.shape[-1] == 16
    assert half.surface is not None
    assert half.surface.texels is not None
    assert half.surface.texels.shape[-1] == 8


def test_a_surface_stays_the_one_it_is_and_its_handles_come_to_rest() -> None:
    first = _code(1, surface=_surface(5, texels=8))
    assert first.surface is not None
    for surface in (_surface(9, texels=8, seed=1), _surface(0, seed=1), None):
        last = _code(1, seed=1, surface=surface)
        half, end = (first.interpolated(last, share).surface for share in (0.5, 1.0))
        assert half is not None
        assert end is not None
        assert half.source.tolist() == end.source.tolist() == [5]
        torch.testing.assert_close(half.moves, first.surface.moves / 2)
        assert not end.moves.any()
        assert half.texels is not None
        assert end.texels is not None
        assert first.surface.texels is not None
        torch.testing.assert_close(half.texels[:, 3], first.surface.texels[:, 3] / 2)
        assert not end.texels[:, 3].any(), "another source's texels lie elsewhere"


def test_from_the_template_it_goes_to_the_other_shape_on_the_template() -> None:
    first, last = _code(1), _code(1, seed=1, surface=_surface(9, texels=8))
    end = first.interpolated(last, 1.0)
    assert end.surface is not None
    assert end.surface.source.tolist() == [0]
    assert not end.surface.moves.any()
    assert end.surface.texels is None
    torch.testing.assert_close(end.shape, last.shape)
    assert first.interpolated(_code(1, seed=1), 0.5).surface is None


def test_codes_are_interpolated_with_as_many_others_only() -> None:
    with pytest.raises(ValueError, match="a batch of 3 is needed, found one of 2"):
        _code(3).interpolated(_code(2), 0.5)


# Surfaces as JSON


@pytest.mark.parametrize(
    "surface",
    [_surface(0), _surface(5), _surface(LARGEST, texels=8), _surface(1, texels=4), None],
)
@pytest.mark.parametrize("fill", [8, None])
def test_json_gives_surface_and_fill_back(surface: Surface | None, fill: int | None) -> None:
    code = _code(1, fill=fill, surface=surface)
    message = json.loads(json.dumps(code.to_json()))
    again = GraphicsCode.from_json(message)
    _assert_same(again, code, atol=0.5 / 255 + 1e-6, rtol=0)
    assert (again.surface is None) == (surface is None)
    assert (again.texture.fill is None) == (fill is None)
    assert again.to_json() == message
    assert message["version"] == VERSION


def test_json_says_what_the_surface_is() -> None:
    carried = _code(1, surface=_surface(0x1F)).to_json()["surface"]
    assert (carried["kind"], carried["source"]) == ("carried", "000000000000001f")
    assert len(carried["handles"]) == 4
    template = _code(1, surface=_surface(0)).to_json()["surface"]
    assert (template["kind"], template["source"]) == ("template", None)
    assert _code(1).to_json()["surface"] is None


def test_json_of_the_first_version_is_read() -> None:
    code = _code(1)
    message = code.to_json()
    del message["version"], message["surface"], message["texture"]["fill_png"]
    _assert_same(GraphicsCode.from_json(message), code, atol=0.5 / 255 + 1e-6, rtol=0)


@pytest.mark.parametrize("version", [0, 3, "2", None, [2], 99])
def test_another_version_is_named(version: object) -> None:
    with pytest.raises(DataError, match=r"its version is .*, this one reads 2"):
        GraphicsCode.from_json(_code(1).to_json() | {"version": version})


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "sphere"}, r"'surface\.kind' must be 'template' or 'carried'"),
        ({"kind": None}, r"'surface\.kind' must be 'template' or 'carried'"),
        ({"source": None}, r"'surface\.source' must be 16 hexadecimal digits, found None"),
        ({"source": 5}, r"'surface\.source' must be 16 hexadecimal digits, found 5"),
        ({"source": "5"}, r"'surface\.source' must be 16 hexadecimal digits, found '5'"),
        ({"source": "f" * 16}, r"'surface\.source' must be 16 hexadecimal digits, found 'ffff"),
        ({"source": "g" * 16}, r"'surface\.source' must be 16 hexadecimal digits, found 'gggg"),
        ({"handles": None}, r"'surface\.handles' must be nested lists of"),
        ({"handles": []}, r"'surface\.handles' must be nested lists of"),
        ({"handles": [[0.0, 1.0]]}, r"'surface\.handles' must be .* found .* 1 x 2 numbers"),
        ({"handles": [0.0, 1.0, 2.0]}, r"'surface\.handles' must be .* found a list of 3"),
        ({"handles": [[0.0, 1.0, float("nan")]]}, r"'surface\.handles' holds numbers that"),
        ({"texels_png": 7}, r"'surface\.texels_png' is not a PNG in base64"),
        ({"texels_png": _png(8, 4)}, r"'surface\.texels_png' must be square, found 8 x 4"),
    ],
)
def test_a_surface_of_another_form_is_refused_by_name(
    changes: dict[str, Any], message: str
) -> None:
    code = _code(1, surface=_surface(5)).to_json()
    code["surface"] |= changes
    with pytest.raises(DataError, match=f"not a graphics code: .*{message}"):
        GraphicsCode.from_json(code)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("surface", ["words", 3, [], [1], True])
def test_a_surface_that_is_no_object_is_refused(surface: object) -> None:
    with pytest.raises(DataError, match=r"not a graphics code: 'surface"):
        GraphicsCode.from_json(_code(1).to_json() | {"surface": surface})


@pytest.mark.parametrize("name", ["handles", "source", "kind"])
def test_a_missing_part_of_a_surface_is_named(name: str) -> None:
    code = _code(1, surface=_surface(5)).to_json()
    del code["surface"][name]
    with pytest.raises(DataError, match=rf"'surface\.{name}'"):
        GraphicsCode.from_json(code)


@pytest.mark.usefixtures("unchecked")
def test_a_fill_that_is_no_square_png_is_named() -> None:
    code = _code(1, fill=8).to_json()
    for text, message in ((_png(8, 4), "must be square"), ("bm8=", "is not a PNG")):
        code["texture"]["fill_png"] = text
        with pytest.raises(DataError, match=rf"'texture\.fill_png' {message}"):
            GraphicsCode.from_json(code)
