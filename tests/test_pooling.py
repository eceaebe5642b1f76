"""Averaging down: the shortcuts equal the general case."""

import pytest
import torch
from torch.nn import functional as F

from shapecycle.pooling import pooled


@pytest.mark.parametrize("size", [(4, 4), (8, 8), (12, 4), (7, 9), (2, 2)])
def test_pooled_images_are_those_of_adaptive_pooling(size: tuple[int, int]) -> None:
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(pooled(images, 4), F.adaptive_avg_pool2d(images, 4))
