"""Lending: what one surface wears lies on the same parts of another."""

from dataclasses import replace

import pytest
import torch
from remembering import carried_surface, plain_code, remembering_model
from torch import Tensor

from shapecycle.graphics_code import GraphicsCode, Surface
from shapecycle.memory import lending
from shapecycle.model import Model

SIDE = 64


@pytest.fixture(scope="module")
def model() -> Model:
    return remembering_model(2)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lending, "MOST_TEXELS", SIDE)


def _striped(model: Model, row: int) -> tuple[GraphicsCode, Tensor, Tensor]:
    """Return a source coloured by its height, the colours, and which texels lie on charts."""
    source = model.memory.sources[row]
    code = replace(plain_code(source.code[None]), surface=carried_surface(model, [row]))
    atlas = model.surfaces.atlas(source.fingerprint, SIDE)
    height = atlas.points(source.vertices[None])[0][:, 1].view(1, SIDE, SIDE)
    colour = (0.5 + 2 * height).clamp(0, 1).expand(3, SIDE, SIDE)
    texels = torch.cat([colour, torch.ones(1, SIDE, SIDE)])[None]
    assert code.surface is not None
    worn = replace(code, surface=replace(code.surface, texels=atlas.spread(texels)))
    return worn, colour, atlas.seen.mask[0]


def _texels(code: GraphicsCode) -> Tensor:
    assert code.surface is not None
    assert code.surface.texels is not None
    return code.surface.texels[0]


def test_what_is_lent_lies_at_the_same_height_of_the_other_shape(model: Model) -> None:
    ours, known, mask = _striped(model, 0)
    theirs, _, _ = _striped(model, 1)
    found = _texels(model.with_texture_of(ours, theirs))
    covered = mask & (found[3] > 0.9)
    assert covered.sum() > 0.3 * mask.sum()
    # Two cars of other proportions: heights agree about, and follow each other closely.
    pair = torch.stack([found[0, covered], known[0, covered]])
    assert torch.corrcoef(pair)[0, 1] > 0.9


def test_between_surfaces_of_one_source_texels_go_along_as_they_are(model: Model) -> None:
    ours, _, _ = _striped(model, 0)
    bare = replace(ours, surface=carried_surface(model, [0]))
    torch.testing.assert_close(_texels(model.with_texture_of(bare, ours)), _texels(ours))


def test_a_template_lends_its_own_texture_and_no_texels(model: Model) -> None:
    ours, _, _ = _striped(model, 0)
    still = torch.zeros(1, len(model.surfaces.handles), 3)
    other = replace(
        plain_code(model.memory.sources[1].code[None], seed=3),
        surface=Surface(torch.zeros(1, dtype=torch.long), still, torch.ones(1, 4, 8, 8)),
    )
    dressed = model.with_texture_of(ours, other)
    assert not _texels(dressed)[3].any()
    assert dressed.texture.code.equal(other.texture.code)
