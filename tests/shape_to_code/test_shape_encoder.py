"""The shape encoder: a set of points has no order, and no neighbours."""

import torch

from shapecycle.shape_to_code.encoder import ShapeEncoder


def _encoder() -> ShapeEncoder:
    torch.manual_seed(0)
    return ShapeEncoder(shape_size=6, width=16).eval()


def _points(count: int = 3) -> torch.Tensor:
    points = torch.randn(count, 200, 3, generator=torch.Generator().manual_seed(0))
    return 0.4 * points / points.norm(dim=2, keepdim=True)


@torch.no_grad()
def test_the_order_of_points_does_not_matter() -> None:
    encoder, points = _encoder(), _points()
    shuffled = points[:, torch.randperm(200, generator=torch.Generator().manual_seed(1))]
    torch.testing.assert_close(encoder(points), encoder(shuffled))


@torch.no_grad()
def test_repeating_points_does_not_matter() -> None:
    encoder, points = _encoder(), _points()
    torch.testing.assert_close(encoder(points), encoder(torch.cat([points, points], 1)))


@torch.no_grad()
def test_each_shape_is_read_on_its_own() -> None:
    encoder, points = _encoder(), _points()
    codes = encoder(points)
    assert codes.shape == (3, 6)
    torch.testing.assert_close(codes[1:2], encoder(points[1:2]), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_other_shapes_have_other_codes() -> None:
    encoder, points = _encoder(), _points(1)
    stretched = points * torch.tensor([1.0, 0.5, 1.0])
    assert (encoder(points) - encoder(stretched)).abs().max() > 1e-3


def test_points_get_gradients() -> None:
    points = _points(1).requires_grad_(True)
    (gradient,) = torch.autograd.grad(_encoder()(points).sum(), points)
    assert gradient.isfinite().all()
    assert gradient.abs().sum() > 0


def test_it_reads_alike_after_every_start() -> None:
    torch.testing.assert_close(_encoder().anchors, _encoder().anchors, atol=0, rtol=0)
