"""Alpha: pictures with straight and with premultiplied colours, and their sizes."""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional as F

from shapecycle.rasterize import linear_from_srgb, srgb_from_linear


def unpremultiplied(premultiplied: Float[Tensor, "b 4 h w"]) -> Float[Tensor, "b 4 h w"]:
    """Divide colour by coverage; straight-alpha pictures are what files hold."""
    alpha = premultiplied[:, 3:].clamp(0, 1)
    colour = (premultiplied[:, :3] / alpha.clamp(min=1e-3)).clamp(0, 1)
    return torch.cat([colour * (alpha > 0), alpha], 1)


def premultiplied(rgba: Float[Tensor, "b 4 h w"]) -> Float[Tensor, "b 4 h w"]:
    """Multiply colour by coverage."""
    return torch.cat([rgba[:, :3] * rgba[:, 3:], rgba[:, 3:]], 1)


def downsampled(picture: Float[Tensor, "b c h w"], factor: int) -> Float[Tensor, "b c sh sw"]:
    """Average blocks of pixels, as after drawing at several samples per pixel."""
    return picture if factor == 1 else F.avg_pool2d(picture, factor)


def resized(picture: Float[Tensor, "b c h w"], size: tuple[int, int]) -> Float[Tensor, "b c sh sw"]:
    """Average a picture down to a size, or enlarge it linearly."""
    height, width = picture.shape[2:]
    if (height, width) == size:
        return picture
    if height % size[0] == 0 and width % size[1] == 0:
        return F.avg_pool2d(picture, (height // size[0], width // size[1]))
    return F.interpolate(picture, size, mode="bilinear", align_corners=False, antialias=True)


def over_white(premultiplied: Float[Tensor, "4 h w"]) -> Float[Tensor, "3 h w"]:
    """Composite a premultiplied picture over white."""
    return premultiplied[:3] + 1 - premultiplied[3:]


def over(
    rgba: Float[Tensor, "*b 4 h w"], background: Float[Tensor, "*b 3 h w"]
) -> Float[Tensor, "*b 3 h w"]:
    """Composite a straight-alpha sRGB picture over another, as light adds up: in linear colours."""
    alpha = rgba[..., 3:, :, :]
    front, back = linear_from_srgb(rgba[..., :3, :, :]), linear_from_srgb(background)
    mixed: Tensor = srgb_from_linear((alpha * front + (1 - alpha) * back).clamp(0, 1))
    return mixed


def pixels_over(
    picture: Float[np.ndarray, "h w 4"], background: Float[np.ndarray, "h w 3"] | None
) -> UInt8[np.ndarray, "h w _"]:
    """Return a straight-alpha picture's bytes, over what stands behind it."""
    if background is not None:
        front, back = (
            torch.from_numpy(np.ascontiguousarray(x)).permute(2, 0, 1)
            for x in (picture, background)
        )
        picture = over(front, back).permute(1, 2, 0).numpy()
    return np.asarray((picture * 255).round().astype(np.uint8))
