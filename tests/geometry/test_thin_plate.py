"""Thin-plate splines: what they hit, what they leave alone, and normals that follow."""

import pytest
import torch
from torch import Tensor

from shapecycle.geometry.thin_plate import ThinPlateSpline, bending, influence, solver


def _points(seed: int, count: int = 30) -> Tensor:
    return torch.rand(2, count, 3, generator=torch.Generator().manual_seed(seed)) - 0.5


def test_without_smoothing_sources_land_on_their_targets() -> None:
    source, target = _points(0), _points(1)
    spline = ThinPlateSpline.fit(source, target, smoothing=0.0)
    torch.testing.assert_close(spline.points(source), target, atol=2e-4, rtol=0)


def test_many_systems_are_solved_right_by_several_threads() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        source = torch.rand(64, 200, 3, generator=torch.Generator().manual_seed(0))
        spline = ThinPlateSpline.fit(source, 1.1 * source)
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(spline.points(source), 1.1 * source, atol=1e-4, rtol=0)


def test_affine_maps_are_reproduced_everywhere_whatever_the_smoothing() -> None:
    source, elsewhere = _points(0), _points(2, 50) * 3
    matrix = torch.tensor([[1.1, 0.2, 0.0], [0.0, 0.9, 0.1], [0.3, 0.0, 1.0]])
    spline = ThinPlateSpline.fit(source, source @ matrix + 0.3, smoothing=0.1)
    torch.testing.assert_close(
        spline.points(elsewhere), elsewhere @ matrix + 0.3, atol=1e-4, rtol=0
    )


def test_smoothing_bends_less() -> None:
    source, target = _points(0), _points(0) + 0.1 * _points(1)
    bent = [ThinPlateSpline.fit(source, target, smoothing=s).weights[:, :-4] for s in (0.0, 0.1)]
    assert bent[1].norm() < 0.5 * bent[0].norm()


def test_normals_are_those_of_the_mapped_surface() -> None:
    source = _points(0)
    spline = ThinPlateSpline.fit(source, source + 0.2 * _points(1), smoothing=0.02)
    points = _points(3, 20)
    normals = torch.nn.functional.normalize(_points(4, 20), dim=2)
    helper = torch.nn.functional.normalize(_points(5, 20), dim=2)
    first = torch.linalg.cross(normals, helper)
    first = first / first.norm(dim=2, keepdim=True)
    second = torch.linalg.cross(normals, first)
    step, here = 1e-3, spline.points(points)
    moved = [(spline.points(points + step * along) - here) / step for along in (first, second)]
    wanted = torch.linalg.cross(*moved)
    wanted = wanted / wanted.norm(dim=2, keepdim=True)
    assert ((spline.normals(points, normals) * wanted).sum(2) > 0.999).all()


AFFINE = torch.tensor([[1.1, 0.2, 0.0], [0.0, 0.9, 0.1], [0.3, 0.0, 1.0]])


@pytest.mark.parametrize("smoothing", [0.0, 0.02, 0.1])
def test_the_influence_of_sources_is_the_spline_for_any_targets(smoothing: float) -> None:
    source, points = _points(0), _points(2, 50)
    share = influence(points, source, smoothing)
    for seed in (1, 3):
        target = _points(seed)
        spline = ThinPlateSpline.fit(source, target, smoothing)
        torch.testing.assert_close(share @ target, spline.points(points), atol=2e-4, rtol=0)


def test_influences_add_up_to_one_and_keep_every_point_where_it_is() -> None:
    source, points = _points(0), 2 * _points(2, 50)
    share = influence(points, source)
    torch.testing.assert_close(share.sum(2), torch.ones(2, 50), atol=1e-4, rtol=0)
    torch.testing.assert_close(share @ source, points, atol=2e-4, rtol=0)


def test_without_smoothing_each_source_has_all_influence_on_itself() -> None:
    source = _points(0)
    share = influence(source, source, smoothing=0.0)
    torch.testing.assert_close(share, torch.eye(30).expand(2, -1, -1), atol=1e-4, rtol=0)


def test_bending_is_symmetric_and_costs_something_for_all_but_affine_maps() -> None:
    source = _points(0)
    form = bending(source)
    torch.testing.assert_close(form, form.mT, atol=1e-4, rtol=0)
    torch.testing.assert_close(
        form @ (source @ AFFINE + 0.3), torch.zeros(2, 30, 3), atol=2e-4, rtol=0
    )
    costs = torch.linalg.eigvalsh(form.double())
    assert costs[:, 0].min() > -1e-4
    assert (costs > 1e-3).sum(1).tolist() == [26, 26], "30 points less a constant and three axes"


def test_bending_costs_what_the_weights_and_the_misses_do() -> None:
    source, target, smoothing = _points(0), _points(1), 0.1
    spline = ThinPlateSpline.fit(source, target, smoothing)
    kernels = spline.weights[:, :-4]
    missed = target - spline.points(source)
    torch.testing.assert_close(missed, smoothing * kernels, atol=1e-3, rtol=0)
    by_form = torch.einsum("bmi,bmn,bni->b", target, bending(source, smoothing), target)
    torch.testing.assert_close(by_form, (target * kernels).sum((1, 2)), rtol=1e-4, atol=0)


def test_what_was_solved_serves_all_targets() -> None:
    source, targets = _points(0), [_points(1), _points(3)]
    solved = solver(source, 0.02)
    assert solved.shape == (2, 34, 30)
    for target in targets:
        fitted = ThinPlateSpline.fit(source, target, 0.02).weights
        torch.testing.assert_close(solved @ target, fitted, atol=1e-4, rtol=0)
