"""Square images of other sizes."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def pooled(images: Float[Tensor, "b c h w"], side: int) -> Float[Tensor, "b c s s"]:
    """Average images over a grid of ``side`` by ``side`` cells.

    The same as ``F.adaptive_avg_pool2d``, which on CPUs is slow even where there is nothing to do.
    """
    height, width = images.shape[2:]
    if height % side or width % side:
        return F.adaptive_avg_pool2d(images, side)
    if height == width == side:
        return images
    return F.avg_pool2d(images, (height // side, width // side))


def resized_to(image: Float[Tensor, "b c s s"], side: int) -> Float[Tensor, "b c t t"]:
    """Resize square images, without smoothing."""
    if image.shape[-1] == side:
        return image
    return F.interpolate(image, (side, side), mode="bilinear", align_corners=False)
