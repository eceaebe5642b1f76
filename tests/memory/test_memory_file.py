"""A memory in its file: it comes back bit for bit, and a damaged one is refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from remembering import donor_of, memory_of, remembering_model
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from shapecycle.errors import CheckpointError
from shapecycle.memory.memory import PREFIX, UV_LEVELS, Memory, stripped
from shapecycle.memory.source import LEVELS, Source
from shapecycle.model_file import MODEL_NAME, load_model, save_model


def _assert_same(first: Memory, second: Memory) -> None:
    assert [one.name for one in first.sources] == [one.name for one in second.sources]
    assert [one.name for one in first.donors] == [one.name for one in second.donors]
    for x, y in zip(first.sources, second.sources, strict=True):
        assert x.fingerprint == y.fingerprint
        for part in ("code", "vertices", "faces", "uv", "uv_faces"):
            assert torch.equal(getattr(x, part), getattr(y, part)), part
    for one, other in zip(first.donors, second.donors, strict=True):
        assert torch.equal(one.texels, other.texels)


def _copied(memory: Memory) -> Memory:
    return Memory.of(memory.tensors())


# What comes back


def test_surfaces_come_back_bit_for_bit_with_their_fingerprints() -> None:
    memory = memory_of(3, 0)
    again = _copied(memory)
    assert len(again.sources) == 3
    for before, after in zip(memory.sources, again.sources, strict=True):
        assert torch.equal(before.vertices, after.vertices)
        assert torch.equal(before.faces, after.faces)
        assert torch.equal(before.uv_faces, after.uv_faces)
        assert before.fingerprint == after.fingerprint
        assert before.name == after.name
        torch.testing.assert_close(after.uv, before.uv, atol=0.51 / UV_LEVELS, rtol=0)
        torch.testing.assert_close(after.code, before.code, rtol=1e-3, atol=1e-3)


def test_what_was_restored_is_stored_as_it_was() -> None:
    once = _copied(memory_of(3, 0))
    _assert_same(_copied(once), once)
    first, second = memory_of(3, 0).tensors(), once.tensors()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_every_step_of_a_coordinate_comes_back() -> None:
    steps = torch.arange(-LEVELS, LEVELS + 1)
    vertices = (torch.stack([steps, steps.flip(0), steps], 1).double() / LEVELS).float()
    uv = (torch.arange(UV_LEVELS + 1).double() / UV_LEVELS).float()
    # Indices reach beyond what 16 bits with a sign hold.
    last = torch.tensor([[0, 1, len(steps) - 1], [2**15 - 1, 2**15, 2**15 + 1]])
    source = Source("all", torch.zeros(8), vertices, last, torch.stack([uv, uv], 1), last)
    _assert_same(_copied(Memory((source,))), Memory((source,)))


def test_texels_come_back_nearly_where_they_were_seen() -> None:
    texels = memory_of(0, 1).donors[0].texels.clone()
    texels[3, :16] = 0
    (again,) = _copied(Memory((), (donor_of("half", texels),))).donors
    assert again.name == "half"
    torch.testing.assert_close(again.texels[3], texels[3], atol=1 / 255, rtol=0)
    off = (again.texels[:3, 17:] - texels[:3, 17:]).abs()
    assert off.mean() < 0.02


@pytest.mark.parametrize("name", ["photo", "une photo, 图 é.v2", "", " "])
def test_any_name_comes_back(name: str) -> None:
    memory = memory_of(1, 1)
    sources = tuple(replace(one, name=name) for one in memory.sources)
    donors = tuple(replace(one, name=name) for one in memory.donors)
    again = _copied(Memory(sources, donors))
    assert again.sources[0].name == again.donors[0].name == name


def test_a_name_of_two_lines_comes_back() -> None:
    memory = memory_of(1, 1)
    (donor,) = _copied(Memory((), (replace(memory.donors[0], name="two\nlines"),))).donors
    assert donor.name == "two\nlines"


def test_a_name_that_is_no_utf_8_comes_back() -> None:
    memory = memory_of(1, 1)
    name = b"caf\xe9".decode(errors="surrogateescape")
    (donor,) = _copied(Memory((), (replace(memory.donors[0], name=name),))).donors
    assert donor.name == name


def test_either_part_may_be_missing() -> None:
    assert not Memory()
    assert Memory().tensors() == {}
    assert not Memory.of({"renderer.weight": torch.ones(1)})
    for sources, donors in ((2, 0), (0, 2)):
        again = _copied(memory_of(sources, donors))
        assert (len(again.sources), len(again.donors)) == (sources, donors)
        assert again


def test_stripping_leaves_all_else_alone() -> None:
    others = {"renderer.weight": torch.ones(1), "memoryless": torch.zeros(1)}
    left = stripped(others | memory_of(2, 2).tensors())
    assert left.keys() == others.keys()
    assert all(left[name] is others[name] for name in others)


# In a model file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    model = remembering_model(2, donors=2)
    save_model(model.networks, tmp_path / MODEL_NAME, model.provenance, model.memory)
    return tmp_path / MODEL_NAME


def _tensors(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with safe_open(file, "pt") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        return tensors, opened.metadata()


def test_a_model_comes_back_with_its_memory(file: Path) -> None:
    networks, _, memory = load_model(file)
    _assert_same(memory, _copied(memory_of(2, 2)))
    again = file.with_name("again.safetensors")
    save_model(networks, again, load_model(file)[1], memory)
    first, second = _tensors(file)[0], _tensors(again)[0]
    assert first.keys() == second.keys()
    # Donors are compressed once more.
    exact = [name for name in first if not name.startswith(f"{PREFIX}donors")]
    assert all(torch.equal(first[name], second[name]) for name in exact)


def test_a_model_saved_without_memory_has_none(file: Path) -> None:
    model = remembering_model(0)
    save_model(model.networks, file, model.provenance)
    assert not load_model(file)[2]
    assert not any(name.startswith(PREFIX) for name in _tensors(file)[0])


def _without(name: str) -> Callable[[dict[str, Tensor]], None]:
    def change(tensors: dict[str, Tensor]) -> None:
        del tensors[PREFIX + name]

    return change


def _with(name: str, value: Callable[[Tensor], Tensor]) -> Callable[[dict[str, Tensor]], None]:
    def change(tensors: dict[str, Tensor]) -> None:
        tensors[PREFIX + name] = value(tensors[PREFIX + name]).contiguous()

    return change


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    "change",
    [
        *[
            _without(f"sources.{name}")
            for name in ("codes", "vertices", "uv_vertices", "uv", "uv_faces", "names")
        ],
        *[_without(f"donors.{name}") for name in ("images", "names")],
        _with("sources.vertices", lambda x: x[:-1]),
        _with("sources.uv_vertices", lambda x: x[:-1]),
        _with("sources.uv_vertices", lambda x: x + 20_000),
        _with("sources.uv_faces", lambda x: torch.full_like(x, -1)),
        _with("sources.uv", lambda x: x[1:]),
        _with("sources.codes", lambda x: x[:1]),
        _with("sources.counts", lambda x: x[:1]),
        _with("sources.counts", lambda x: x + 1),
        _with("sources.counts", lambda x: -x),
        _with("sources.counts", lambda x: x.flatten()),
        _with("sources.names", lambda x: x[:3]),
        _with("sources.names", lambda x: torch.full_like(x, 255)),
        _with("donors.images", lambda x: x[:-9]),
        _with("donors.images", lambda x: x.flip(0)),
        _with("donors.images", torch.zeros_like),
        _with("donors.counts", lambda x: x[:1]),
        _with("donors.counts", lambda x: x.flip(0) + 1),
        _with("donors.names", lambda x: x[:3]),
        _with("sources.counts", lambda x: x[:, :2]),
        _with("sources.counts", lambda x: x[:0]),
        _with("sources.codes", lambda x: x[:, :5]),
        _with("sources.codes", lambda x: x * torch.nan),
        _with("sources.vertices", lambda x: x[:, :2]),
        _with("sources.uv_vertices", lambda x: x[:, None]),
    ],
)
def test_a_damaged_memory_is_refused(
    file: Path, change: Callable[[dict[str, Tensor]], None]
) -> None:
    tensors, metadata = _tensors(file)
    change(tensors)
    save_file(tensors, file, metadata=metadata)
    with pytest.raises(CheckpointError, match=f"{MODEL_NAME} is not a shapecycle model"):
        load_model(file)


@pytest.mark.usefixtures("unchecked")
def test_a_remembered_shape_without_faces_is_refused(file: Path) -> None:
    tensors, metadata = _tensors(file)
    counts = tensors[f"{PREFIX}sources.counts"]
    counts[1, 1] += counts[0, 1].item()
    counts[0, 1] = 0
    save_file(tensors, file, metadata=metadata)
    with pytest.raises(CheckpointError):
        load_model(file)
