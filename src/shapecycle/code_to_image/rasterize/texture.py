"""Looking colours up in texture images."""

from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from shapecycle.code_to_image.rasterize.checks import check_companion, check_float
from shapecycle.code_to_image.rasterize.precision import in_full_precision

Wrap: TypeAlias = Literal["clamp", "repeat", "mirror"]


@in_full_precision
def texture(
    image: Float[Tensor, "tb c th tw"], uv: Float[Tensor, "b 2 h w"], *, wrap: Wrap = "clamp"
) -> Float[Tensor, "b c h w"]:
    """Look up an image at every pixel's texture coordinates, bilinearly.

    Gradients reach both arguments.

    Args:
        image: Texels, row 0 on top; one image per item, or one for all.
        uv: Coordinates with the origin bottom-left: u runs to the right and v upwards, and
            [0, 1] spans the image from border to border (texel centres are half a texel in).
        wrap: What lies outside [0, 1]: the nearest border texel, the image again, or its
            mirror image.

    Raises:
        ValueError: If a shape, a type, a device or ``wrap`` is wrong.
    """
    if wrap not in ("clamp", "repeat", "mirror"):
        raise ValueError(f"wrap is {wrap!r}; expected 'clamp', 'repeat' or 'mirror'")
    check_float(uv, "uv", "(b, 2, h, w)", None, 2, None, None)
    check_float(image, "image", "(b or 1, c, th, tw)", None, None, None, None)
    check_companion(image, "image", uv, "uv")
    batch, _, height, width = uv.shape
    if image.shape[0] not in (1, batch):
        raise ValueError(f"image holds {image.shape[0]} textures, uv {batch} items")
    x, y = 2 * uv[:, 0] - 1, 1 - 2 * uv[:, 1]
    if wrap == "repeat":
        image, x, y = _periodic(image, x, y)
    grid = torch.stack([x, y], dim=-1)
    padding = "reflection" if wrap == "mirror" else "border"
    if image.shape[0] == 1 < batch:
        # One tall picture instead of copies of the texture, whose gradients would be copies too.
        tall = F.grid_sample(
            image, grid.reshape(1, -1, width, 2), padding_mode=padding, align_corners=False
        )
        return tall.reshape(-1, batch, height, width).transpose(0, 1).contiguous()
    return F.grid_sample(image, grid, padding_mode=padding, align_corners=False)


def _periodic(image: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Frame the image with one texel from the far side, and fold the coordinates into it."""
    height, width = image.shape[-2:]
    framed = F.pad(image, (1, 1, 1, 1), mode="circular")
    x = (torch.remainder(x + 1, 2) - 1) * (width / (width + 2))
    y = (torch.remainder(y + 1, 2) - 1) * (height / (height + 2))
    return framed, x, y
