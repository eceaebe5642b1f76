"""Losses on surfaces: distances, dents, and points drawn by area."""

import pytest
import torch
from torch import Tensor

from shapecycle.code_to_image.template import octasphere
from shapecycle.geometry.nearest import nearest
from shapecycle.geometry.sampling import sample_surface
from shapecycle.losses.geometry import chamfer_loss, dihedral_penalty, edge_length_variation
from shapecycle.rasterize import Topology


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _sphere_points(count: int, seed: int) -> Tensor:
    points = torch.randn(2, count, 3, generator=_generator(seed))
    return points / points.norm(dim=2, keepdim=True)


def _grid(n: int = 6) -> tuple[Tensor, Tensor]:
    """A flat square patch: vertices (1 v 3), and inner edges with their opposite vertices."""
    line = torch.arange(n + 1.0) / n
    y, x = torch.meshgrid(line, line, indexing="ij")
    vertices = torch.stack([x, y, torch.zeros_like(x)], -1).view(1, -1, 3)
    a = (torch.arange(n)[:, None] * (n + 1) + torch.arange(n)).flatten()
    b, c, d = a + 1, a + n + 2, a + n + 1
    faces = torch.cat([torch.stack([a, b, c], 1), torch.stack([a, c, d], 1)])
    edges = Topology.from_faces(faces).edges
    return vertices, edges[(edges >= 0).all(1)]


# Chamfer distance


def test_a_surface_is_at_no_distance_from_itself() -> None:
    points = _sphere_points(300, 0)
    shuffled = points[:, torch.randperm(300, generator=_generator(1))]
    distance, turn = chamfer_loss(points, points, shuffled, shuffled)
    assert distance.item() == pytest.approx(0, abs=2e-4)  # a root of 1e-8 keeps slopes finite
    assert turn.item() == pytest.approx(0, abs=1e-5)


def test_the_distance_is_the_same_both_ways() -> None:
    first, second = _sphere_points(300, 0), 0.8 * _sphere_points(200, 1)
    normals = second / 0.8
    one = chamfer_loss(first, first, second, normals)
    two = chamfer_loss(second, normals, first, first)
    torch.testing.assert_close(one[0], two[0])
    torch.testing.assert_close(one[1], two[1])


def test_the_distance_grows_with_the_size() -> None:
    first, second = _sphere_points(300, 0), _sphere_points(200, 1)
    for factor in (0.1, 10.0):
        # Normals are worth a distance, which has to grow along.
        small = chamfer_loss(first, first, second, second, normal_reach=0.05)[0]
        large = chamfer_loss(
            factor * first, first, factor * second, second, normal_reach=0.05 * factor
        )[0]
        assert large.item() == pytest.approx(factor * small.item(), rel=1e-3)


def test_a_shifted_plane_is_as_far_as_the_shift() -> None:
    plane = torch.rand(1, 400, 3, generator=_generator()) * torch.tensor([1.0, 1.0, 0.0])
    up = torch.tensor([0.0, 0.0, 1.0]).expand(1, 400, 3)
    distance, turn = chamfer_loss(plane, up, plane + 0.01 * up, up)
    assert distance.item() == pytest.approx(0.01, rel=0.02)
    assert turn.item() == pytest.approx(0, abs=1e-6)


def test_the_two_sides_of_a_thin_plate_are_kept_apart() -> None:
    flat = torch.rand(1, 400, 3, generator=_generator()) * torch.tensor([1.0, 1.0, 0.0])
    up = torch.tensor([0.0, 0.0, 1.0]).expand(1, 400, 3)
    plate = torch.cat([flat, flat + 0.004 * up], 1)
    normals = torch.cat([-up, up], 1)
    other = torch.cat([flat + 0.004 * up, flat], 1)
    _, turn = chamfer_loss(plate, normals, other, torch.cat([up, -up], 1))
    assert turn.item() == pytest.approx(0, abs=1e-6)
    # A single sheet that looks the other way is as wrong as can be.
    _, turn = chamfer_loss(flat, up, flat, -up)
    assert turn.item() == pytest.approx(2, abs=1e-5)


def test_points_feel_a_pull_towards_the_other_surface() -> None:
    points = (1.1 * _sphere_points(200, 0)).requires_grad_(True)
    target = _sphere_points(800, 1)
    distance, _ = chamfer_loss(points, points.detach() / 1.1, target, target)
    (gradient,) = torch.autograd.grad(distance, points)
    assert (gradient * points).sum(2).mean() > 0, "going out costs more"
    with torch.no_grad():
        nearer = chamfer_loss(points - 20 * gradient, points / 1.1, target, target)[0]
    assert nearer < distance


def test_nearest_points_are_the_nearest() -> None:
    queries = torch.randn(2, 50, 6, generator=_generator(0))
    points = torch.randn(2, 70, 6, generator=_generator(1))
    assert torch.equal(nearest(queries, points), torch.cdist(queries, points).argmin(2))


# Sampling


def test_points_lie_on_the_surface_with_its_normals() -> None:
    template = octasphere(4)
    points, normals = sample_surface(template.vertices[None], template.faces, 2000, _generator())
    assert points.norm(dim=2).min() > 0.9
    assert points.norm(dim=2).max() <= 1 + 1e-5
    torch.testing.assert_close(normals.norm(dim=2), torch.ones(1, 2000))
    assert (points * normals).sum(2).min() > 0.9
    assert points.mean(1).abs().max() < 0.02


def test_points_are_drawn_by_area() -> None:
    vertices = torch.tensor(
        [[[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 0, 0], [8, 0, 0], [5, 1, 0], [9, 9, 9]]]
    )
    faces = torch.tensor([[0, 1, 2], [3, 4, 5], [6, 6, 6]])  # areas 1 : 3 : 0
    points, _ = sample_surface(vertices, faces, 4000, _generator())
    assert (points[..., 0] > 4).float().mean().item() == pytest.approx(0.75, abs=0.01)
    assert points[..., 2].abs().max() == 0


def test_sampled_points_carry_gradients_to_the_vertices() -> None:
    template = octasphere(2)
    vertices = template.vertices[None].clone().requires_grad_(True)
    points, normals = sample_surface(vertices, template.faces, 500, _generator())
    (gradient,) = torch.autograd.grad(points.sum() + normals[..., 0].sum(), vertices)
    assert gradient.isfinite().all()
    # Moving all vertices moves all points.
    assert gradient[..., 1].sum().item() == pytest.approx(500, rel=1e-3)


# Regularity


def test_a_flat_patch_is_smooth_and_a_dent_in_it_is_not() -> None:
    vertices, edges = _grid()
    assert dihedral_penalty(vertices, edges).item() == pytest.approx(0, abs=1e-10)
    dented = vertices.clone()
    dented[:, 24, 2] += 0.1
    assert dihedral_penalty(dented, edges).item() > 1e-3


def test_a_fold_by_a_right_angle_costs_its_share_of_edges() -> None:
    vertices, edges = _grid()
    x, y, z = vertices.unbind(2)
    folded = torch.stack([x.clamp(max=0.5), y, z + (x - 0.5).clamp(min=0)], 2)
    on_fold = (vertices[0, edges[:, :2], 0] == 0.5).all(1).sum()
    assert dihedral_penalty(folded, edges).item() == pytest.approx(
        on_fold.item() / len(edges), rel=1e-4
    )


def test_the_dihedral_penalty_knows_neither_size_nor_place_nor_direction() -> None:
    template = octasphere(3)
    edges = Topology.from_faces(template.faces).edges
    noise = torch.randn(template.vertices.shape, generator=_generator()) * 0.05
    vertices = (template.vertices + noise)[None]
    turn = torch.linalg.qr(torch.randn(3, 3, generator=_generator(1))).Q
    turn = turn * torch.linalg.det(turn).sign()
    rough = dihedral_penalty(vertices, edges)
    torch.testing.assert_close(dihedral_penalty(3 * vertices @ turn.mT + 1, edges), rough)
    assert dihedral_penalty(template.vertices[None], edges) < 0.5 * rough
    # Inside out is as rough.
    torch.testing.assert_close(
        dihedral_penalty(vertices * torch.tensor([-1.0, 1, 1]), edges), rough
    )


def test_even_edges_cost_one_and_uneven_ones_more() -> None:
    vertices = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]])
    edges = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0], [2, 3, 0, 1], [3, 0, 1, 2]])
    assert edge_length_variation(vertices, edges).item() == pytest.approx(1, abs=1e-5)
    torch.testing.assert_close(
        edge_length_variation(7 * vertices, edges), edge_length_variation(vertices, edges)
    )
    longer = vertices * torch.tensor([3.0, 1.0, 1.0])
    assert edge_length_variation(longer, edges).item() == pytest.approx(5 / 4, rel=1e-4)


def test_losses_stay_finite_where_faces_vanish() -> None:
    vertices, edges = _grid()
    flat = torch.zeros_like(vertices).requires_grad_(True)
    for loss in (dihedral_penalty, edge_length_variation):
        value = loss(flat, edges)
        (gradient,) = torch.autograd.grad(value, flat)
        assert value.isfinite()
        assert gradient.isfinite().all()
