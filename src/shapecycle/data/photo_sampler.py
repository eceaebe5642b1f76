"""The training photographs, ready to be drawn from."""

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from shapecycle.data.photo_set import PhotoSet
from shapecycle.data.photo_stream import PhotoStream
from shapecycle.randomness import integers, share_of, uniform

MAX_BYTES = 2**32
"""Pictures that take more stay in the processor's memory."""


class PhotoSampler:
    """Draws training photographs at random, and the colours that random scenes are painted in.

    Attributes:
        rgba: The photographs that are held in the memory: all, or some of more.
        windows: Theirs.
        palette: sRGB colours from them, in [0, 1].
        stream: Where these are only some: all of them, each of them once an epoch.
    """

    def __init__(
        self, photos: PhotoSet, *, generator: torch.Generator, device: torch.device
    ) -> None:
        # A few gigabytes of pictures lie where they are used.
        place = device if photos.rgba.nbytes < MAX_BYTES else photos.rgba.device
        self.rgba, self.windows = photos.rgba.to(place), photos.windows.float().to(place)
        self.generator, self.device = generator, device
        self.palette = _palette(self.rgba, generator)
        self.stream: PhotoStream | None = None
        if photos.parts is not None:
            rank, size = share_of(generator)
            seed = generator.initial_seed()
            self.stream = PhotoStream(photos.parts, seed=seed, rank=rank, size=size)

    def close(self) -> None:
        """Stop reading photographs ahead."""
        if self.stream is not None:
            self.stream.close()

    def at(self, index: Int[Tensor, " b"]) -> tuple[Float[Tensor, "b 4 h w"], Float[Tensor, "b 3"]]:
        """Return some of the crops in the memory, as they are, with their windows."""
        index = index.to(self.rgba.device)
        rgba = self.rgba[index].float() / 255
        return rgba.to(self.device), self.windows[index].to(self.device)

    def sample(self, count: int) -> tuple[Float[Tensor, "b 4 h w"], Float[Tensor, "b 3"]]:
        """Draw crops, mirror half of them, and return them with their windows.

        A mirrored photograph shows the mirrored object; shapes are mirrored at random too.
        """
        if self.stream is None:
            index = integers(self.generator, len(self.rgba), count).to(self.rgba.device)
            rgba, window = self.rgba[index].float() / 255, self.windows[index]
        else:
            _, pixels, window = self.stream.take(count)
            rgba, window = pixels.to(self.device).float() / 255, window.to(self.device)
        flip = uniform(self.generator, count).to(rgba.device) < 0.5
        rgba = torch.where(flip[:, None, None, None], rgba.flip(3), rgba)
        sign = torch.where(flip, -1.0, 1.0)
        window = torch.cat([window[:, :1] * sign[:, None], window[:, 1:]], 1)
        return rgba.to(self.device), window.to(self.device)


def _palette(
    rgba: UInt8[Tensor, "n 4 side side"], generator: torch.Generator, count: int = 4096
) -> Float[Tensor, "k 3"]:
    """Draw colours from the photographs, brightened a little: they are seen under shading."""
    side = rgba.shape[-1]

    def draw(end: int) -> Tensor:
        # The same in every process.
        place = generator.device
        return torch.randint(end, (4 * count,), generator=generator, device=place).to(rgba.device)

    which, row, column = draw(len(rgba)), draw(side), draw(side)
    pixels = rgba[which, :, row, column]
    opaque = pixels[pixels[:, 3] > 250][:count, :3].float() / 255
    return (opaque * 1.15).clamp(max=0.98)
