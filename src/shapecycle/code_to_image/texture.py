"""The texture decoder: a texture code becomes an albedo image in UV space."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from shapecycle.graphics_code import Texture


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
        with torch.autocast(code.device.type, torch.bfloat16):
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
    """Lay what a photograph showed over what was decoded.

    Seen texels win by their weight; texels whose mirror image was seen take that; the rest is
    decoded.

    Args:
        texture: The texture; without texels the decoded image is returned as it is.
        decoded: The decoded albedo, resized to the texels' size where they differ.
    """
    if texture.texels is None:
        return decoded
    seen = texture.texels
    if decoded.shape[-1] != seen.shape[-1]:
        size = (seen.shape[-1], seen.shape[-1])
        decoded = F.interpolate(decoded, size=size, mode="bilinear", align_corners=False)
    filled = decoded
    # The template's UV square is mirror symmetric, so the other side is the flipped image.
    for layer in (seen.flip(-1), seen):
        colour, weight = layer[:, :3], layer[:, 3:]
        filled = torch.lerp(filled, colour, weight)
    return filled
