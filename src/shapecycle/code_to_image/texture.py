"""The texture decoder: a texture code becomes an albedo image in UV space."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from shapecycle.devices import autocast
from shapecycle.graphics_code import Texture
from shapecycle.pooling import pooled, resized_to

MIN_WEIGHT = 1e-6
"""Weight of a whole image, on average, below which nothing counts as seen."""


class TextureDecoder(nn.Module):
    """Decodes texture codes into square sRGB albedo images.

    Learnt is one convolutional generator on the unfolded sphere. Its own resolution is that of
    colour regions; fine detail comes from the texels that a photograph showed.
    """

    def __init__(self, *, texture_size: int, resolution: int, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(texture_size, 4 * width * 16)
        channels, blocks, side = 4 * width, [], 4
        while side < resolution:
            following = max(channels // 2, width // 2) if side >= 8 else channels
            blocks += [_Up(channels, following)]
            channels, side = following, side * 2
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, code: Float[Tensor, "b t"]) -> Float[Tensor, "b 3 s s"]:
        """Return albedo in [0, 1]."""
        seed = self.first(code).view(len(code), -1, 4, 4)
        with autocast(code.device):
            seed = seed.contiguous(memory_format=torch.channels_last)
            image = self.last(F.silu(self.blocks(seed)))
        return torch.sigmoid(image.float())


class _Up(nn.Module):
    """Doubles the side; the skip carries colours straight through."""

    def __init__(self, channels: int, following: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(4, channels)
        self.convolution = nn.Conv2d(channels, following, 3, padding=1)
        self.skip = nn.Conv2d(channels, following, 1)

    def forward(self, x: Tensor) -> Tensor:
        fine = F.interpolate(F.silu(self.norm(x)), scale_factor=2.0, mode="nearest")
        coarse = F.interpolate(self.skip(x), scale_factor=2.0, mode="nearest")
        result: Tensor = self.convolution(fine) + coarse
        return result


def albedo(texture: Texture, decoded: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 3 t t"]:
    """Lay what photographs showed over what was decoded.

    Seen texels win by their weight, then texels whose mirror image was seen, then those that were
    borrowed. On all others the decoded image is shifted by how far it was off at the nearest known
    ones, spread smoothly: a code remembers which parts differ in colour better than it remembers
    the colours.

    Args:
        texture: The texture; without texels the decoded image is returned as it is.
        decoded: The decoded albedo, resized to the texels' size where they differ.
    """
    if texture.texels is None:
        return decoded
    seen = texture.texels
    decoded = resized_to(decoded, seen.shape[-1])
    # The template's UV square is mirror symmetric, so the other side is the flipped image.
    layers = [seen, seen.flip(-1)]
    if texture.fill is not None:
        layers.append(resized_to(texture.fill, seen.shape[-1]))
    off, known = torch.zeros_like(decoded), torch.zeros_like(decoded[:, :1])
    for layer in layers:
        weight = layer[:, 3:] * (1 - known)
        off, known = off + weight * (layer[:, :3] - decoded), known + weight
    return (decoded + pull_push(off, known)).clamp(0, 1)


def laid_over(
    texels: Float[Tensor, "b 4 a a"], albedo: Float[Tensor, "b 3 a a"]
) -> Float[Tensor, "b 3 a a"]:
    """Lay colours over others, by their weights."""
    return albedo + texels[:, 3:] * (texels[:, :3] - albedo)


def pull_push(
    weighted: Float[Tensor, "b c s s"], weight: Float[Tensor, "b 1 s s"]
) -> Float[Tensor, "b c s s"]:
    """Fill an image's holes from ever coarser averages of what is known.

    Args:
        weighted: Values times their weights.
        weight: In [0, 1]; 0 in holes. Where all is a hole the result is 0.

    Source:
        S. Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.2.
    """
    side = weight.shape[-1]
    if side == 1:
        return weighted / weight.clamp(min=MIN_WEIGHT)
    half = (side + 1) // 2
    coarse = pull_push(pooled(weighted, half), pooled(weight, half))
    around = F.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=False)
    return weighted + (1 - weight) * around
