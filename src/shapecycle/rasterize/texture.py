"""Looking colours up in texture images."""

from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from shapecycle.devices import in_full_precision
from shapecycle.rasterize.checks import check_companion, check_float

Wrap: TypeAlias = Literal["clamp", "repeat", "mirror"]


@in_full_precision
def texture(
    image: Float[Tensor, "tb c th tw"],
    uv: Float[Tensor, "b 2 h w"],
    *,
    wrap: Wrap = "clamp",
    slopes: Float[Tensor, "b 4 h w"] | None = None,
) -> Float[Tensor, "b c h w"]:
    """Look up an image at every pixel's texture coordinates.

    Bilinear; with ``slopes`` trilinear, between levels of a pyramid of halved images, so that
    a texture seen from afar neither flickers nor aliases. Gradients reach ``image`` and ``uv``,
    through the colours; the choice of the level has none.

    Args:
        image: Texels, row 0 on top; one image per item, or one for all.
        uv: Coordinates with the origin bottom-left: u runs to the right and v upwards, and
            [0, 1] spans the image from border to border (texel centres are half a texel in).
        wrap: What lies outside [0, 1]: the nearest border texel, the image again, or its
            mirror image.
        slopes: What ``uv_slopes`` returned, to choose the level by the longer of a pixel's two
            sides in the texture. Without it the finest level alone is used.

    Raises:
        ValueError: If a shape, a type, a device or ``wrap`` is wrong.

    Source:
        L. Williams, "Pyramidal Parametrics", SIGGRAPH 1983.
    """
    if wrap not in ("clamp", "repeat", "mirror"):
        raise ValueError(f"wrap is {wrap!r}; expected 'clamp', 'repeat' or 'mirror'")
    check_float(uv, "uv", "(b, 2, h, w)", None, 2, None, None)
    check_float(image, "image", "(b or 1, c, th, tw)", None, None, None, None)
    check_companion(image, "image", uv, "uv")
    batch, _, height, width = uv.shape
    if image.shape[0] not in (1, batch):
        raise ValueError(f"image holds {image.shape[0]} textures, uv {batch} items")
    if slopes is None:
        return _bilinear(image, uv, wrap)
    shape = f"({batch}, 4, {height}, {width})"
    check_float(slopes, "slopes", shape, batch, 4, height, width)
    check_companion(slopes, "slopes", uv, "uv")
    return _trilinear(image, uv, wrap, slopes)


def _bilinear(image: Tensor, uv: Tensor, wrap: Wrap) -> Tensor:
    batch, _, height, width = uv.shape
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


def _trilinear(image: Tensor, uv: Tensor, wrap: Wrap, slopes: Tensor) -> Tensor:
    """Blend the two nearest levels at each pixel; levels that no pixel needs are not read."""
    height, width = image.shape[-2:]
    size = slopes.new_tensor([width, height, width, height])[:, None, None]
    sides = (slopes.detach() * size).unflatten(1, (2, 2)).square().sum(2).amax(1)
    coarsest = (max(height, width)).bit_length() - 1
    level = (0.5 * sides.clamp(min=1e-12).log2()).clamp(0, coarsest)
    result = torch.zeros_like(uv[:, :1])
    for k in range(int(level.max().ceil()) + 1):
        if k > 0:
            image = F.interpolate(image, (max(1, height >> k), max(1, width >> k)), mode="area")
        weight = (1 - (level - k).abs()).clamp(min=0)[:, None]
        if bool(weight.any()):
            result = result + weight * _bilinear(image, uv, wrap)
    return result


def _periodic(image: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Frame the image with one texel from the far side, and fold the coordinates into it."""
    height, width = image.shape[-2:]
    framed = F.pad(image, (1, 1, 1, 1), mode="circular")
    x = (torch.remainder(x + 1, 2) - 1) * (width / (width + 2))
    y = (torch.remainder(y + 1, 2) - 1) * (height / (height + 2))
    return framed, x, y
