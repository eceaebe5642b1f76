"""Thin-plate splines: what they hit, what they leave alone, and normals that follow."""

import torch
from torch import Tensor

from shapecycle.geometry.thin_plate import ThinPlateSpline


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
