"""Losses on pictures: colour, silhouette at several scales, structure."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def colour_loss(
    drawn: Float[Tensor, "b 4 h w"], photo: Float[Tensor, "b 4 h w"]
) -> Float[Tensor, " b"]:
    """Return each pair's mean absolute difference of premultiplied colours."""
    return (drawn[:, :3] - photo[:, :3]).abs().mean((1, 2, 3))


def silhouette_loss(
    drawn: Float[Tensor, "b 1 h w"], mask: Float[Tensor, "b 1 h w"], scales: int = 4
) -> Float[Tensor, " b"]:
    """Return each pair's squared difference of coverage, summed over a pyramid.

    Coarse levels reach a few pixels further than edge antialiasing, whose gradient ends within a
    pixel of the outline. ``wide_silhouette_loss`` reaches across the picture.
    """
    total = (drawn - mask).square().mean((1, 2, 3))
    for _ in range(scales - 1):
        drawn, mask = F.avg_pool2d(drawn, 2), F.avg_pool2d(mask, 2)
        total = total + (drawn - mask).square().mean((1, 2, 3))
    return total


def wide_silhouette_loss(
    drawn: Float[Tensor, "b 1 h w"], mask: Float[Tensor, "b 1 h w"]
) -> Float[Tensor, " b"]:
    """Return each pair's energy distance, in multiples of the picture's longer side.

    Both silhouettes are taken as spreads of points: twice the mean distance between a point of
    one and a point of the other, less the mean distances within each. It is 0 for equal
    silhouettes alone, and its gradient does not fade with distance: a silhouette is pulled, not
    shrunk, towards a mask that it does not touch. Neither spread feels how much coverage it was
    made of, so add a loss that does. Silhouettes of less than a pixel in all count for less, and
    where one is empty there is no loss and no pull.

    Source:
        G. Szekely and M. Rizzo, "Energy statistics: A class of statistics based on distances",
        Journal of Statistical Planning and Inference 2013, eq. 2.
    """
    height, width = drawn.shape[2:]
    doubled = (2 * height, 2 * width)  # so that the two do not meet around the border
    difference = (_spread(drawn) - _spread(mask))[:, 0]
    difference = difference.to(torch.promote_types(difference.dtype, torch.float32))
    rows, columns = (torch.fft.fftfreq(n, 1 / n).to(difference) for n in doubled)
    distances = torch.fft.rfft2(torch.hypot(rows[:, None], columns))
    to_all = torch.fft.irfft2(torch.fft.rfft2(difference, s=doubled) * distances, s=doubled)
    distance = -(difference * to_all[:, :height, :width]).sum((1, 2)) / max(height, width)
    sizes = [s.detach().sum((1, 2, 3)).clamp(0, 1) for s in (drawn, mask)]
    return distance * sizes[0] * sizes[1]


def _spread(silhouette: Tensor) -> Tensor:
    return silhouette / silhouette.sum((1, 2, 3), keepdim=True).clamp(min=1e-6)


def structure_loss(
    drawn: Float[Tensor, "b 4 h w"], photo: Float[Tensor, "b 4 h w"]
) -> Float[Tensor, " b"]:
    """Return each pair's structural dissimilarity, (1 - SSIM) / 2, over 7 x 7 box windows.

    Source:
        Wang et al., "Image quality assessment: from error visibility to structural similarity",
        IEEE TIP 2004, eq. 13, with a box window.
    """
    x, y = drawn[:, :3], photo[:, :3]

    def mean(z: Tensor) -> Tensor:
        return F.avg_pool2d(z, 7, stride=3)

    mean_x, mean_y = mean(x), mean(y)
    variance_x, variance_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    similarity = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    )
    return ((1 - similarity) / 2).mean((1, 2, 3))
