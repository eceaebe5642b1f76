"""The critics' networks: scores of pictures, textures and codes."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from shapecycle.randomness import share_of


class PictureCritic(nn.Module):
    """Scores pictures: premultiplied RGBA drawings or UV albedo images.

    Learnt is a strided convolutional network without normalisation over the batch; the last
    stage sees how much the batch varies, which keeps samples from all being alike.

    Source:
        Karras et al., "Progressive growing of GANs", ICLR 2018, section 3 (batch deviation).
    """

    def __init__(self, *, channels: int, size: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, stride=2, padding=1)]
        side, current = -(-size // 2), width
        while side > 4:
            following = min(current * 2, 6 * width)
            layers += [nn.LeakyReLU(0.2), nn.Conv2d(current, following, 4, stride=2, padding=1)]
            side, current = side // 2, following
        self.body = nn.Sequential(*layers)
        self.last = nn.Sequential(
            nn.LeakyReLU(0.2),
            nn.Conv2d(current + 1, 2 * width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Linear(2 * width * 16, 1),
        )
        # As they lie in a convolution, which would else copy them at every call.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, picture: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
        """Return unbounded scores, higher for pictures that look real."""
        x = self.body(picture - 0.5)
        # One number for the whole batch, as in the source.
        spread = (x.var(0, keepdim=True, correction=0) + 1e-6).sqrt().mean()
        x = torch.cat([x, spread.expand(len(x), 1, *x.shape[2:])], 1)
        score: Tensor = self.last(x)[:, 0]
        return score


class CodeCritic(nn.Module):
    """Scores shape codes; learnt is an MLP."""

    def __init__(self, *, code_size: int, width: int = 128) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(code_size, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 1),
        )

    def forward(self, code: Float[Tensor, "b n"]) -> Float[Tensor, " b"]:
        """Return unbounded scores, higher for codes that look as if read from shapes."""
        score: Tensor = self.body(code)[:, 0]
        return score


def _quarters(count: int, generator: torch.Generator) -> list[int]:
    """Return how many of this process's items lie in each quarter of the whole batch."""
    rank, size = share_of(generator)
    of_items = [4 * (rank + size * item) // (size * count) for item in range(count)]
    return [of_items.count(quarter) for quarter in range(4)]


def augmented(picture: Float[Tensor, "b c h w"], generator: torch.Generator) -> Tensor:
    """Shift and mirror pictures at random, real and fake ones from the same distribution.

    Source:
        Zhao et al., "Differentiable augmentation for data-efficient GAN training", NeurIPS 2020.
    """
    height, width = picture.shape[2:]
    reach = height // 16
    padded = F.pad(picture, (reach, reach, reach, reach))
    moved = []
    # One shift per quarter of the batch, the same in every process; on a GPU the host need not
    # know it.
    place = generator.device
    shifts = torch.randint(0, 2 * reach + 1, (4, 3), generator=generator, device=place)
    down, right = (torch.arange(side, device=picture.device) for side in (height, width))
    for part, shift in zip(
        padded.split(_quarters(len(picture), generator)), shifts.to(picture.device), strict=True
    ):
        dx, dy, flip = shift.unbind()
        columns = torch.where(flip % 2 == 1, right.flip(0), right)
        moved.append(part.index_select(2, down + dy).index_select(3, columns + dx))
    result = torch.cat(moved)
    return result
