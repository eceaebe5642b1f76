"""A source's own texture: what lies under its texels, and what the template says there."""

import pytest
import torch
from remembering import remembered_cars
from tiny_world import lively_networks, tiny_model
from torch import Tensor

from shapecycle.code_to_image.renderer import Renderer
from shapecycle.memory.atlas import Atlas
from shapecycle.memory.source import Source, source_of
from shapecycle.mesh import Mesh
from shapecycle.model_networks import Networks

SIDE = 48


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return lively_networks().renderer


@pytest.fixture(scope="module")
def template(renderer: Renderer) -> Tensor:
    with torch.no_grad():
        return renderer.vertices(remembered_cars(1)[0].code[None])[0]


@pytest.fixture(scope="module")
def atlas(renderer: Renderer, template: Tensor) -> Atlas:
    return Atlas.of(remembered_cars(1)[0], template, renderer, SIDE)


def _faces(atlas: Atlas) -> Tensor:
    """Return which face covers each texel, row by row from the top; -1 for none."""
    return torch.where(atlas.seen.mask, atlas.seen.face_id, -1).flatten()


def test_the_texels_of_a_face_lie_on_that_face(atlas: Atlas) -> None:
    source = remembered_cars(1)[0]
    points, normals = atlas.points(source.vertices[None])
    face = _faces(atlas)
    points, normals, face = points[face >= 0], normals[face >= 0], face[face >= 0].long()
    a, b, c = source.vertices[source.faces[face]].unbind(1)
    across = torch.linalg.cross(b - a, c - a)
    area = across.norm(dim=1)
    flat = across / area[:, None].clamp(min=1e-12)
    assert ((points - a) * flat).sum(1).abs().max() < 1e-4, "in the plane of the face"
    parts = [
        (torch.linalg.cross(q - p, points - p) * flat).sum(1) / area
        for p, q in ((a, b), (b, c), (c, a))
    ]
    assert torch.stack(parts)[:, area > 1e-6].min() > -0.01, "and between its corners"
    assert ((normals * flat).sum(1) > 0.6)[area > 1e-6].float().mean() > 0.98


def test_nothing_lies_between_the_charts(atlas: Atlas) -> None:
    points, normals = atlas.points(remembered_cars(1)[0].vertices[None])
    is_bare = _faces(atlas) < 0
    assert 0.1 < is_bare.float().mean() < 0.7
    assert not points[is_bare].any()
    assert not normals[is_bare].any()
    torch.testing.assert_close(normals[~is_bare].norm(dim=1), torch.ones(int((~is_bare).sum())))


def test_texels_cover_as_much_as_their_charts_do(atlas: Atlas) -> None:
    source = remembered_cars(1)[0]
    a, b, c = source.uv[source.uv_faces].unbind(1)
    (ux, uy), (vx, vy) = (b - a).unbind(1), (c - a).unbind(1)
    whole = (ux * vy - uy * vx).abs().sum() / 2
    torch.testing.assert_close(atlas.seen.mask.float().mean(), whole, atol=0.02, rtol=0)


def test_points_move_with_the_vertices(atlas: Atlas) -> None:
    vertices = remembered_cars(1)[0].vertices[None]
    on = _faces(atlas) >= 0
    still = atlas.points(vertices)[0][on]
    moved = atlas.points(2 * vertices + 0.1)[0][on]
    torch.testing.assert_close(moved, 2 * still + 0.1, atol=1e-5, rtol=0)


def test_spreading_keeps_charts_and_fills_the_rest_from_them(atlas: Atlas) -> None:
    number = torch.arange(float(SIDE * SIDE)).view(1, 1, SIDE, SIDE)
    spread = atlas.spread(number)
    mask = atlas.seen.mask[:, None]
    assert torch.equal(spread[mask], number[mask])
    assert set(spread.unique().tolist()) <= set(number[mask].tolist())
    assert torch.equal(atlas.spread(spread), spread)
    column, row = number % SIDE, number // SIDE
    away = torch.hypot(atlas.spread(column) - column, atlas.spread(row) - row)
    neighbours = torch.nn.functional.max_pool2d(mask.float(), 3, 1, 1) > 0
    assert away[neighbours].max() < 1.5, "from the nearest"


def test_a_constant_template_texture_gives_a_constant_one(atlas: Atlas) -> None:
    albedo = torch.tensor([0.2, 0.5, 0.9])[None, :, None, None].expand(1, 3, 16, 16)
    colours = atlas.template_colours(albedo.contiguous())
    torch.testing.assert_close(colours, albedo[..., :1, :1].expand_as(colours))


def test_on_the_template_itself_its_texture_is_found_where_it_lies() -> None:
    # Undistorted it has no creases, so that its normals are the source's.
    renderer = Networks(tiny_model()).renderer
    with torch.no_grad():
        template = renderer.vertices(torch.zeros(1, 8))[0]
    faces = renderer.deformation.template.faces
    source = source_of(Mesh(template.numpy(), faces.numpy()), "template", torch.zeros(8))
    assert isinstance(source, Source)
    atlas = Atlas.of(source, template, renderer, SIDE)
    # The texture's colours say where its texels lie.
    laid, _ = renderer.surface(template[None], 64)
    found = atlas.template_colours(laid.mT.reshape(1, 3, 64, 64))[0].flatten(1).mT
    points, _ = atlas.points(source.vertices[None])
    away = (found - points)[_faces(atlas) >= 0].norm(dim=1)
    assert away.mean() < 0.01
    assert away.quantile(0.99) < 0.03


def test_a_batch_of_textures_is_looked_up_one_by_one(atlas: Atlas) -> None:
    albedo = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    both = atlas.template_colours(albedo)
    torch.testing.assert_close(both[1:], atlas.template_colours(albedo[1:]))
    assert both.shape == (2, 3, SIDE, SIDE)
    assert atlas.side == SIDE
