"""Carrying: what stays as it is, what moves along, and what is alike on both sides."""

from dataclasses import replace

import pytest
import torch
from remembering import remembered_cars, shape_codes
from tiny_world import lively_networks
from torch import Tensor

from shapecycle.code_to_image.renderer import Renderer
from shapecycle.geometry.boxes import to_unit_box
from shapecycle.memory import sources as sources_module
from shapecycle.memory.source import Source
from shapecycle.memory.sources import Handles, Sources

FLIP = torch.tensor([-1.0, 1.0, 1.0])
AFFINE = torch.tensor([[1.1, 0.2, 0.0], [0.0, 0.9, 0.1], [0.1, 0.0, 1.2]])


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return lively_networks().renderer


@pytest.fixture(scope="module")
def sources(renderer: Renderer) -> Sources:
    return Sources(remembered_cars(4), renderer)


@pytest.fixture(scope="module")
def handles(renderer: Renderer) -> Handles:
    return Handles(renderer, shape_codes(1, seed=5)[0])


def _templates(renderer: Renderer, count: int, seed: int = 3) -> Tensor:
    with torch.no_grad():
        return renderer.vertices(shape_codes(count, seed))


def _moves(handles: Handles, count: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return 0.05 * torch.randn(count, len(handles), 3, generator=generator)


def _points(count: int, number: int = 50) -> Tensor:
    return torch.rand(count, number, 3, generator=torch.Generator().manual_seed(2)) - 0.5


# Sources


def test_a_source_carried_to_its_own_template_stays_as_it_is(sources: Sources) -> None:
    carried = sources.carried(torch.arange(4), sources.templates)
    wanted = to_unit_box(sources.vertices)[0]
    torch.testing.assert_close(carried, wanted, atol=1e-4, rtol=0)


def test_affine_changes_of_the_template_take_the_source_along(sources: Sources) -> None:
    carried = sources.carried(torch.arange(4), sources.templates @ AFFINE + 0.2)
    wanted = to_unit_box(sources.vertices @ AFFINE)[0]
    torch.testing.assert_close(carried, wanted, atol=2e-4, rtol=0)


def test_carrying_to_other_shapes_changes_them(sources: Sources, renderer: Renderer) -> None:
    carried = sources.carried(torch.arange(4), _templates(renderer, 4))
    still = to_unit_box(sources.vertices)[0]
    assert ((carried - still).norm(dim=2).mean(1) > 0.01).all()


def test_what_is_carried_lies_in_the_unit_box(sources: Sources, renderer: Renderer) -> None:
    carried = sources.carried(torch.arange(4), _templates(renderer, 4))
    low, high = carried.amin(1), carried.amax(1)
    torch.testing.assert_close(low, -high, atol=1e-6, rtol=0)
    torch.testing.assert_close((high - low).norm(dim=1), torch.ones(4))


def test_carrying_commutes_with_mirroring(renderer: Renderer) -> None:
    source = remembered_cars(2)[1]
    mirrored = replace(source, vertices=source.vertices * FLIP, faces=source.faces.flip(1))
    # Decoded templates are mirror images of themselves.
    both = Sources([source, mirrored], renderer)
    carried = both.carried(torch.arange(2), _templates(renderer, 1).expand(2, -1, -1))
    torch.testing.assert_close(carried[1], carried[0] * FLIP, atol=1e-5, rtol=0)
    assert (carried[1] - carried[0]).abs().max() > 1e-3


def test_carried_sources_do_not_depend_on_what_they_are_carried_with(
    sources: Sources, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources_module, "AT_ONCE", 3)
    rows, templates = torch.tensor([2, 0, 2, 3, 1]), _templates(renderer, 5)
    together = sources.carried(rows, templates)
    for k, row in enumerate(rows.tolist()):
        alone = Sources([remembered_cars(4)[row]], renderer)
        one = alone.carried(torch.tensor([0]), templates[k : k + 1])[0]
        torch.testing.assert_close(together[k, : len(one)], one, atol=1e-5, rtol=0)


def test_padding_repeats_a_vertex_of_the_source(sources: Sources) -> None:
    counts = [len(one.vertices) for one in sources.sources]
    assert len(set(counts)) > 1, "some are padded"
    for vertices, source in zip(sources.vertices, sources.sources, strict=True):
        torch.testing.assert_close(vertices[: len(source.vertices)], source.vertices)
        assert (vertices[len(source.vertices) :] == source.vertices[0]).all()


def test_the_faces_of_some_sources_are_theirs(sources: Sources) -> None:
    some = sources.topology_of(torch.tensor([3, 1]))
    for faces, row in zip(some.faces, (3, 1), strict=True):
        wanted: Source = sources.sources[row]
        torch.testing.assert_close(faces[: len(wanted.faces)].long(), wanted.faces)


def test_the_nearest_source_of_a_template_is_its_own(sources: Sources) -> None:
    rows, apart = sources.nearest(sources.templates, 3)
    assert rows[:, 0].tolist() == [0, 1, 2, 3]
    torch.testing.assert_close(apart[:, 0], torch.zeros(4))
    assert (apart.diff(dim=1) >= 0).all()
    assert (apart[:, 1] > 0.001).all()


def test_no_more_sources_are_near_than_there_are(sources: Sources) -> None:
    rows, _ = sources.nearest(sources.templates[:1], 12)
    assert sorted(rows[0].tolist()) == [0, 1, 2, 3]


def test_sources_are_found_by_their_fingerprints(sources: Sources) -> None:
    found = [sources.row(one.fingerprint) for one in remembered_cars(4)]
    assert found == [0, 1, 2, 3]
    assert sources.row(12345) is None
    assert len(sources) == 4


# Handles


def test_handles_with_zero_moves_change_nothing(handles: Handles, renderer: Renderer) -> None:
    points = _points(2)
    moved = handles.moved(points, _templates(renderer, 2), torch.zeros(2, len(handles), 3))
    assert torch.equal(moved, points)


def test_affine_moves_of_handles_are_reproduced(handles: Handles, renderer: Renderer) -> None:
    points, templates = _points(2), _templates(renderer, 2)
    at = templates[:, handles.rows]
    moved = handles.moved(points, templates, at @ AFFINE + 0.3 - at)
    torch.testing.assert_close(moved, points @ AFFINE + 0.3, atol=2e-4, rtol=0)


def test_a_handle_is_nearly_where_it_was_moved_to(handles: Handles, renderer: Renderer) -> None:
    templates = _templates(renderer, 2)
    at = templates[:, handles.rows]
    moves = torch.zeros(2, len(handles), 3)
    moves[:, 7, 1] = 0.05
    went = handles.moved(at, templates, moves) - at
    assert (went[:, 7, 1] > 0.5 * 0.05).all()
    assert went.norm(dim=2).argmax(1).tolist() == [7, 7], "it goes furthest itself"


def test_moves_add_up(handles: Handles, renderer: Renderer) -> None:
    points, templates = _points(2), _templates(renderer, 2)
    first, second = _moves(handles, 2), _moves(handles, 2).flip(1)
    both = handles.moved(points, templates, first + second)
    one_after_the_other = (
        handles.moved(points, templates, first) + handles.moved(points, templates, second) - points
    )
    torch.testing.assert_close(both, one_after_the_other, atol=1e-5, rtol=0)


def test_moving_handles_commutes_with_mirroring(handles: Handles, renderer: Renderer) -> None:
    points, templates, moves = _points(2), _templates(renderer, 2), _moves(handles, 2)
    there = handles.moved(points * FLIP, templates, handles.mirrored(moves))
    torch.testing.assert_close(
        there, handles.moved(points, templates, moves) * FLIP, atol=1e-5, rtol=0
    )


def test_mirroring_moves_twice_gives_them_back(handles: Handles) -> None:
    moves = _moves(handles, 2)
    assert torch.equal(handles.mirrored(handles.mirrored(moves)), moves)
    assert not torch.equal(handles.mirrored(moves), moves)


def test_handles_lie_alike_on_both_sides(handles: Handles, renderer: Renderer) -> None:
    at = _templates(renderer, 1)[0, handles.rows]
    torch.testing.assert_close(at[handles.mirror], at * FLIP, atol=1e-6, rtol=0)
    assert len(set(handles.rows.tolist())) == len(handles)


def test_bending_is_free_for_affine_moves_alone(handles: Handles, renderer: Renderer) -> None:
    templates = _templates(renderer, 2)
    form, at = handles.bending(templates), templates[:, handles.rows]

    def cost(moves: Tensor) -> Tensor:
        return torch.einsum("bmi,bmn,bni->b", moves, form, moves)

    torch.testing.assert_close(cost(at @ AFFINE - at + 0.1), torch.zeros(2), atol=1e-4, rtol=0)
    moves = _moves(handles, 2)
    assert (cost(moves) > 0.01).all()
    torch.testing.assert_close(cost(handles.mirrored(moves)), cost(moves), rtol=1e-3, atol=0)
