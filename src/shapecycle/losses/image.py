"""Losses on pictures: colour, silhouette at several scales, structure."""

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

    Coarse levels pull outlines that do not overlap yet; edge antialiasing alone reaches less
    than a pixel.
    """
    total = (drawn - mask).square().mean((1, 2, 3))
    for _ in range(scales - 1):
        drawn, mask = F.avg_pool2d(drawn, 2), F.avg_pool2d(mask, 2)
        total = total + (drawn - mask).square().mean((1, 2, 3))
    return total


def structure_loss(
    drawn: Float[Tensor, "b 4 h w"], photo: Float[Tensor, "b 4 h w"]
) -> Float[Tensor, " b"]:
    """Return each pair's structural dissimilarity, (1 - SSIM) / 2, over 7 x 7 box windows.

    Source:
        Wang et al., "Image quality assessment: from error visibility to structural similarity",
        IEEE TIP 2004, eq. 13, with a box window; metrics for reports come from torchmetrics.
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
