"""Random numbers for the items of a batch, of which each of several processes makes its share.

All processes of a training hold their generators in one state: each draws the numbers of the whole
batch and keeps those of its own items, every ``size``-th one. So what is trained on does not depend
on how many processes train, and the first half of each share is a share of the batch's first half.
"""

import torch
from torch import Tensor


class SharedGenerator(torch.Generator):
    """A generator in the hands of one of several processes.

    Attributes:
        rank: Number of this process, from 0.
        size: Number of all processes.
    """

    rank: int = 0
    size: int = 1


def shared_generator(device: str, seed: int, rank: int, size: int) -> SharedGenerator:
    """Return the generator of one of several processes, seeded alike in all of them."""
    generator = SharedGenerator(device=torch.device(device))
    generator.manual_seed(seed)
    generator.rank, generator.size = rank, size
    return generator


def uniform(generator: torch.Generator, count: int, *shape: int) -> Tensor:
    """Draw numbers in [0, 1) for ``count`` items of this process, on the generator's device."""
    rank, size = share_of(generator)
    whole = torch.rand(size * count, *shape, generator=generator, device=generator.device)
    return whole[rank::size]


def normal(generator: torch.Generator, count: int, *shape: int) -> Tensor:
    """Draw from the standard normal distribution, see `uniform`."""
    rank, size = share_of(generator)
    whole = torch.randn(size * count, *shape, generator=generator, device=generator.device)
    return whole[rank::size]


def integers(generator: torch.Generator, end: int, count: int, *shape: int) -> Tensor:
    """Draw whole numbers from 0 to below ``end``, see `uniform`."""
    rank, size = share_of(generator)
    whole = torch.randint(end, (size * count, *shape), generator=generator, device=generator.device)
    return whole[rank::size]


def share_of(generator: torch.Generator) -> tuple[int, int]:
    """Return the number of the process that holds a generator, and how many hold one like it."""
    # Any other generator is in the hands of one process alone.
    return getattr(generator, "rank", 0), getattr(generator, "size", 1)
