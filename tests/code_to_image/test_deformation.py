"""The deformation decoder: mirror symmetry, smooth modes, and where it starts."""

import pytest
import torch

from shapecycle.code_to_image.deformation import Deformation, smooth_modes
from shapecycle.code_to_image.template import octasphere

MIRROR = torch.tensor([-1.0, 1.0, 1.0])


def _decoder(*, symmetric: bool, scale: float = 30.0) -> Deformation:
    torch.manual_seed(0)
    decoder = Deformation(shape_size=8, subdivisions=4, width=16, symmetric=symmetric)
    with torch.no_grad():
        decoder.coefficients.weight.mul_(scale)
    return decoder


def _codes(count: int = 3) -> torch.Tensor:
    return torch.randn(count, 8, generator=torch.Generator().manual_seed(1))


def test_symmetric_shapes_are_their_own_mirror_images() -> None:
    decoder = _decoder(symmetric=True)
    vertices = decoder(_codes())
    mirrored = vertices[:, decoder.template.mirror] * MIRROR
    torch.testing.assert_close(vertices, mirrored, atol=1e-6, rtol=0)


def test_other_shapes_need_not_be() -> None:
    decoder = _decoder(symmetric=False)
    vertices = decoder(_codes())
    assert (vertices - vertices[:, decoder.template.mirror] * MIRROR).abs().max() > 0.01


def test_shapes_depend_on_their_code_alone() -> None:
    decoder = _decoder(symmetric=True)
    codes = _codes()
    together = decoder(codes)
    assert (together[0] - together[1]).abs().max() > 0.01
    torch.testing.assert_close(together[1:2], decoder(codes[1:2]), atol=1e-6, rtol=0)


def test_an_untrained_shape_is_a_ball() -> None:
    torch.manual_seed(0)
    decoder = Deformation(shape_size=8, subdivisions=4, width=16, symmetric=True)
    radius = decoder(_codes()).norm(dim=2)
    assert radius.min() > 0.2
    assert radius.max() < 0.5


def test_every_vertex_can_be_moved_by_the_codes() -> None:
    decoder = _decoder(symmetric=True)
    codes = _codes(1).requires_grad_(True)
    for axis in range(3):
        (gradient,) = torch.autograd.grad(decoder(codes)[..., axis].square().sum(), codes)
        assert gradient.abs().min() > 0


def test_modes_are_orthogonal_and_ever_rougher() -> None:
    modes = smooth_modes(3, 500, 0.3).double()
    assert modes.shape == (38, 38), "there are no more modes than vertices"
    gram = modes.mT @ modes
    sizes = gram.diagonal()
    torch.testing.assert_close(gram, torch.diag(sizes), atol=1e-4, rtol=0)
    assert (sizes.diff() <= 1e-4).all(), "rough modes are scaled down"
    edges = octasphere(3).edges
    jump = (modes[edges[:, 0]] - modes[edges[:, 1]]).square().sum(0) / sizes
    assert (jump.diff() >= -1e-4).all()


@pytest.mark.parametrize("count", [1, 5])
def test_as_many_modes_as_asked_for(count: int) -> None:
    modes = smooth_modes(2, count, 0.3)
    assert modes.shape == (18, count)
    torch.testing.assert_close(modes[:, 0].abs(), torch.ones(18), atol=1e-5, rtol=0)
