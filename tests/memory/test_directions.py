"""Principal directions: found again where they were put in."""

import pytest
import torch
from remembering import remembering_model

from shapecycle.memory.directions import Directions


def test_the_directions_that_codes_were_made_of_are_found() -> None:
    generator = torch.Generator().manual_seed(0)
    true, _ = torch.linalg.qr(torch.randn(6, 6, generator=generator))
    amounts = torch.randn(500, 6, generator=generator) * torch.tensor(
        [5.0, 2.0, 0.1, 0.1, 0.1, 0.1]
    )
    found = Directions.of(amounts @ true.T + 3.0, 2)
    torch.testing.assert_close(found.mean, torch.full((6,), 3.0), atol=0.7, rtol=0)
    for k, size in enumerate((5.0, 2.0)):
        assert abs(found.steps[k] @ true[:, k]) == pytest.approx(size, rel=0.1)
    assert found.share[0] == pytest.approx(25 / 29, abs=0.05)


def test_steps_along_them_start_at_the_mean() -> None:
    codes = torch.randn(9, 4, generator=torch.Generator().manual_seed(1))
    found = Directions.of(codes, 3)
    torch.testing.assert_close(found.at([])[0], codes.mean(0))
    torch.testing.assert_close(found.at([0.0, 2.0])[0], codes.mean(0) + 2 * found.steps[1])


def test_neither_sign_nor_order_depends_on_the_order_of_the_codes() -> None:
    codes = torch.randn(9, 4, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(Directions.of(codes.flip(0), 3).steps, Directions.of(codes, 3).steps)


def test_a_model_has_those_of_what_it_remembers() -> None:
    model = remembering_model(3, donors=3)
    shapes, textures = model.directions("shape", 9), model.directions("texture", 2)
    assert shapes is not None
    assert textures is not None
    assert shapes.steps.shape == (2, 8), "one less than there are shapes"
    assert textures.steps.shape == (2, 3 * 64 * 64)
    assert remembering_model(1, donors=1).directions("shape", 2) is None
