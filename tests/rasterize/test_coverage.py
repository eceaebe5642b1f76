"""Every pixel sees the right face: against areas, against rays, and across shared edges."""

import itertools
import math

import numpy as np
import pytest
import torch
from rasterize_scenes import bumpy, orthographic, perspective, random_triangles, sphere, turn
from torch import Tensor

from shapecycle.rasterize import Topology, antialias, interpolate, rasterize

BACKENDS = ("torch", "auto")


def soup(count: int) -> Topology:
    return Topology.from_faces(torch.arange(3 * count).reshape(count, 3))


def cast_rays(points: Tensor, size: tuple[int, int], near: float, far: float) -> Tensor:
    """Find the nearest face by brute force: camera-space corners (f 3 3) to (h w) numbers."""
    focal = 1 / math.tan(0.3)
    rows, columns = torch.meshgrid(
        torch.arange(size[0], dtype=torch.float64),
        torch.arange(size[1], dtype=torch.float64),
        indexing="ij",
    )
    x, y = (2 * columns + 1) / size[1] - 1, 1 - (2 * rows + 1) / size[0]
    ray = torch.stack([x / focal, y / focal, -torch.ones_like(x)], -1).reshape(-1, 1, 3)
    a, b, c = points.unbind(1)
    normal = torch.linalg.cross(b - a, c - a)
    t = (normal * a).sum(1) / (ray * normal).sum(2)
    hit = ray * t[..., None]
    inside = torch.ones_like(t, dtype=torch.bool)
    for p, q in ((a, b), (b, c), (c, a)):
        inside &= (torch.linalg.cross((q - p).expand_as(hit), hit - p) * normal).sum(2) > 0
    t = torch.where(inside & (t >= near) & (t <= far), t, torch.inf)
    best, face = t.min(1)
    return torch.where(best < torch.inf, face, -1).reshape(size)


@pytest.mark.parametrize("backend", BACKENDS)
def test_pixels_see_the_face_their_ray_hits_first(backend):
    points = random_triangles(200, seed=3, dtype=torch.float64)
    size = (31, 45)
    expected = cast_rays(points.reshape(-1, 3, 3) - torch.tensor([0, 0, 4.0]), size, 0.1, 10)
    seen = rasterize(perspective(points).float(), soup(200), size, backend=backend)
    assert (seen.face_id[0] != expected).sum() <= 2
    assert (expected >= 0).float().mean() > 0.3


@pytest.mark.parametrize("backend", BACKENDS)
def test_faces_through_and_behind_the_camera_are_cut_without_holes(backend):
    points = random_triangles(300, seed=5) * torch.tensor([1.0, 1.0, 7.0], dtype=torch.float64)
    size = (30, 40)
    camera = points.reshape(-1, 3, 3) - torch.tensor([0, 0, 4.0])
    assert ((camera[..., 2] > 0).any(1) & (camera[..., 2] < -0.1).any(1)).sum() > 50
    expected = cast_rays(camera, size, 0.1, 8)
    seen = rasterize(perspective(points, far=8).float(), soup(300), size, backend=backend)
    assert (seen.face_id[0] != expected).sum() <= 4
    assert (expected >= 0).float().mean() > 0.5


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_ground_under_the_camera_fills_the_lower_half(backend):
    ground = torch.tensor([[[-90.0, -1, 90], [90, -1, 90], [90, -1, -90], [-90, -1, -90]]])
    topology = Topology.from_faces(torch.tensor([[0, 1, 2], [0, 2, 3]]))
    clip = perspective(ground, near=0.1, far=1000)
    seen = rasterize(clip, topology, (64, 64), backend=backend)
    assert seen.mask[0, 33:].all()
    assert not seen.mask[0, :32].any()
    values = interpolate(ground, clip, topology, seen, backend=backend)
    assert torch.isfinite(values).all()
    assert torch.allclose(values[0, 1, 33:], torch.tensor(-1.0), atol=1e-3)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_triangles_pixels_count_its_area(backend):
    points = random_triangles(40, seed=11, dtype=torch.float32).reshape(40, 3, 3)
    size = (90, 120)
    clip = orthographic(points)
    count = rasterize(clip, soup(1), size, backend=backend).mask.sum((1, 2))
    screen = points[..., :2] * torch.tensor([size[1], size[0]]) / 2
    u, v = screen[:, 1] - screen[:, 0], screen[:, 2] - screen[:, 0]
    area = (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]).abs() / 2
    perimeter = sum((screen[:, k] - screen[:, k - 1]).norm(dim=1) for k in range(3))
    assert ((count - area).abs() < 0.5 * perimeter).all()
    assert abs(float(count.sum() / area.sum()) - 1) < 0.01


def grid(steps: int) -> tuple[Tensor, Tensor]:
    """A square of 2 steps^2 triangles over [-1, 1]^2: vertices (1 v 3) and faces."""
    line = torch.linspace(-1, 1, steps + 1)
    y, x = torch.meshgrid(line, line, indexing="ij")
    vertices = torch.stack([x, y, torch.zeros_like(x)], -1).reshape(1, -1, 3)
    corner = (torch.arange(steps)[:, None] * (steps + 1) + torch.arange(steps)).reshape(-1)
    lower = torch.stack([corner, corner + 1, corner + steps + 2], 1)
    upper = torch.stack([corner, corner + steps + 2, corner + steps + 1], 1)
    return vertices, torch.cat([lower, upper])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("pixels", [24, 25, 48, 33])
def test_faces_sharing_edges_own_every_pixel_exactly_once(backend, pixels):
    """At 25 and 33 pixels vertices and edges lie exactly on pixel centres."""
    vertices, faces = grid(24)
    clip = orthographic(vertices * (pixels - 1) / pixels)
    alone = rasterize(
        clip.expand(len(faces), -1, 4), Topology.stack(list(faces[:, None])), (pixels, pixels),
        backend=backend,
    )  # fmt: skip
    owners = alone.mask.sum(0)
    assert (owners[1:-1, 1:-1] == 1).all()
    assert owners.max() == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_crumpled_sheet_in_perspective_has_no_cracks(backend):
    vertices, faces = grid(40)
    generator = torch.Generator().manual_seed(0)
    inner = (vertices[..., :2].abs().amax(-1) < 0.99)[..., None]
    jitter = 0.02 * torch.randn(vertices.shape, generator=generator) * inner
    clip = perspective(4 * vertices + jitter, distance=4)
    seen = rasterize(clip, Topology.from_faces(faces), (257, 255), backend=backend)
    assert seen.mask.all()
    alone = rasterize(
        clip.expand(400, -1, 4), Topology.stack(list(faces[:400, None])), (64, 65), backend=backend
    )
    together = rasterize(clip, Topology.from_faces(faces[:400]), (64, 65), backend=backend)
    assert torch.equal(alone.mask.sum(0), together.mask[0].long())


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_order_of_faces_and_vertices_changes_no_pixel(backend):
    vertices, topology = bumpy(3)
    generator = torch.Generator().manual_seed(1)
    new_face = torch.randperm(len(topology.faces), generator=generator)
    new_vertex = torch.randperm(vertices.shape[1], generator=generator)
    place = new_vertex.argsort()
    shuffled = Topology.from_faces(place[topology.faces[new_face]].roll(1, 1))
    seen = rasterize(perspective(vertices), topology, (50, 40), backend=backend)
    again = rasterize(perspective(vertices[:, new_vertex]), shuffled, (50, 40), backend=backend)
    expected = torch.where(again.mask, new_face[again.face_id], -1)
    assert torch.equal(seen.face_id, expected)


def test_moving_object_and_camera_together_changes_no_pixel():
    vertices, topology = bumpy(3, torch.float64)
    shift = torch.tensor([0.7, -2.0, 3.0], dtype=torch.float64)
    world = turn(vertices, 0.9, -0.4) + shift
    camera = turn(turn(world - shift, 0.0, 0.4), -0.9, 0.0)
    seen = rasterize(perspective(vertices), topology, (60, 60))
    again = rasterize(perspective(camera), topology, (60, 60))
    assert (seen.face_id != again.face_id).sum() <= 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_culling_leaves_out_faces_seen_from_behind(backend):
    vertices, topology = sphere(2)
    clip = perspective(vertices)
    both = rasterize(clip, topology, (40, 40), backend=backend)
    front = rasterize(clip, topology, (40, 40), cull=True, backend=backend)
    assert torch.equal(both.face_id, front.face_id)
    inward = Topology.from_faces(topology.faces.flip(1))
    behind = rasterize(clip, inward, (40, 40), cull=True, backend=backend)
    assert torch.equal(both.mask, behind.mask)
    assert (behind.depth[behind.mask] > front.depth[behind.mask]).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_faces_without_area_are_harmless(backend):
    vertices, topology = sphere(2)
    n = vertices.shape[1]
    extra = torch.tensor([[[0.1, 0.2, 2.0], [0.3, 0.1, 2.0], [0.5, 0.0, 2.0]]])
    line = torch.tensor([[n, n + 1, n + 2], [n, n, n + 1], [n, n, n]])
    more = Topology.from_faces(torch.cat([topology.faces, line]))
    clip, longer = perspective(vertices), perspective(torch.cat([vertices, extra], 1))
    plain = rasterize(clip, topology, (33, 33), backend=backend)
    assert torch.equal(plain.face_id, rasterize(longer, more, (33, 33), backend=backend).face_id)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("w", [0.0, -1.0, 1e-30, 1.0])
def test_hopeless_positions_give_an_empty_or_finite_picture(backend, w):
    far = torch.tensor([[[0.0, 0, 0, w], [1e30, 0, 0, w], [0, -1e30, 0, 1.0]]])
    near = torch.tensor([[[0.0, 0, 0, w], [0.5, 0, 0, w], [0, -0.5, 0, 1.0]]])
    clip = torch.cat([far, near]).requires_grad_()
    seen = rasterize(clip, soup(1), (8, 8), backend=backend)
    values = interpolate(torch.ones(1, 3, 2), clip, soup(1), seen, backend=backend)
    picture = antialias(values, clip, soup(1), seen, backend=backend)
    picture.sum().backward()
    assert torch.isfinite(seen.depth).all()
    assert torch.isfinite(picture).all()
    assert torch.isfinite(clip.grad).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_object_out_of_view_leaves_an_empty_picture(backend):
    vertices, topology = sphere(1)
    for shift in ([9.0, 0, 0], [0, 0, 9.0], [0, 0, -20.0]):
        clip = perspective(vertices + torch.tensor(shift)).requires_grad_()
        seen = rasterize(clip, topology, (16, 24), backend=backend)
        assert not seen.mask.any()
        assert (seen.face_id == -1).all()
        assert (seen.depth == 1).all()
        image = interpolate(vertices, clip, topology, seen, backend=backend)
        assert image.shape == (1, 3, 16, 24)
        image.sum().backward()
        assert (clip.grad == 0).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_row_zero_is_the_top_and_depth_runs_from_near_to_far(backend):
    points = torch.tensor([[[-0.9, 0.5, 0.5], [0.9, 0.5, 0.5], [0.0, 0.9, 0.5]]])
    seen = rasterize(orthographic(points), soup(1), (10, 20), backend=backend)
    rows = seen.mask[0].any(1).nonzero()[:, 0].tolist()
    assert rows == [1, 2]
    assert torch.allclose(seen.depth[seen.mask], torch.tensor(-0.5))


def test_attributes_are_spread_in_correct_perspective():
    """Interpolated positions are those where the pixels' rays meet the surface."""
    vertices, topology = bumpy(2, torch.float64)
    size = (30, 50)
    clip = perspective(vertices)
    seen = rasterize(clip, topology, size)
    position = interpolate(torch.cat([vertices, clip], -1), clip, topology, seen)[0]
    i, j = seen.mask[0].nonzero(as_tuple=True)
    i, j = i.double(), j.double()
    x, y, w = (position[k][seen.mask[0]] for k in (3, 4, 6))
    assert torch.allclose(x / w, (2 * j + 1) / size[1] - 1, atol=1e-12)
    assert torch.allclose(y / w, 1 - (2 * i + 1) / size[0], atol=1e-12)
    depth = (position[5] / position[6])[seen.mask[0]]
    assert torch.allclose(depth.float(), seen.depth[seen.mask], atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_attributes_may_have_their_own_faces_and_one_table_may_serve_a_batch(backend):
    vertices, topology = sphere(2)
    clip = perspective(torch.cat([vertices, 0.7 * vertices]))
    seen = rasterize(clip, topology, (24, 24), backend=backend)
    plain = interpolate(vertices, clip, topology, seen, backend=backend)
    split = vertices[:, topology.faces.reshape(-1)]
    rows = torch.arange(split.shape[1]).reshape(-1, 3)
    again = interpolate(split, clip, topology, seen, faces=rows, backend=backend)
    twice = interpolate(vertices.expand(2, -1, 3), clip, topology, seen, backend=backend)
    assert torch.equal(plain, again)
    assert torch.equal(plain, twice)
    assert (plain.permute(0, 2, 3, 1)[~seen.mask] == 0).all()


def test_the_same_input_gives_the_same_picture():
    vertices, topology = bumpy(3)
    keys = [rasterize(perspective(vertices), topology, (64, 64)).key for _ in range(3)]
    assert torch.equal(keys[0], keys[1])
    assert torch.equal(keys[0], keys[2])


def test_of_two_faces_in_one_place_the_first_is_seen():
    points = random_triangles(1, seed=2, dtype=torch.float32)
    twice = Topology.from_faces(np.array([[0, 1, 2], [0, 1, 2]]))
    seen = rasterize(perspective(points), twice, (20, 20))
    assert seen.mask.any()
    assert (seen.face_id[seen.mask] == 0).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_peeling_gives_every_layer_of_a_pixel_once_from_front_to_back(backend):
    """Rays through two nested spheres meet four faces or two."""
    vertices, topology = sphere(2)
    count = vertices.shape[1]
    nested = torch.cat([vertices, 0.5 * vertices], 1)
    both = Topology.from_faces(torch.cat([topology.faces, topology.faces + count]))
    clip = perspective(nested)
    layers = [rasterize(clip, both, (30, 34), backend=backend)]
    for _ in range(4):
        layers.append(rasterize(clip, both, (30, 34), behind=layers[-1], backend=backend))
    assert torch.equal(layers[0].mask, layers[1].mask)
    assert torch.equal(layers[2].mask, layers[3].mask)
    assert layers[0].mask.sum() > 2 * layers[2].mask.sum() > 100
    assert not layers[4].mask.any()
    for front, back in itertools.pairwise(layers):
        assert (back.depth >= front.depth)[back.mask].all()
        assert (back.face_id != front.face_id)[back.mask].all()
    outer = layers[1].face_id < len(topology.faces)
    assert torch.equal(outer & layers[1].mask, layers[0].mask & ~layers[2].mask)


def test_layers_must_fit():
    vertices, topology = sphere(0)
    seen = rasterize(perspective(vertices), topology, (6, 6))
    with pytest.raises(ValueError, match=r"behind has size \(6, 6\), but size is \(6, 7\)"):
        rasterize(perspective(vertices), topology, (6, 7), behind=seen)
