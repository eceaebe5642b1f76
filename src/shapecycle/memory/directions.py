"""Principal directions: in which ways codes of one kind differ most."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Directions:
    """The most telling directions first.

    Attributes:
        mean: Of the codes.
        steps: From there, each one standard deviation long.
        share: Of the whole variance, that each explains.
    """

    mean: Float[Tensor, " n"]
    steps: Float[Tensor, "k n"]
    share: Float[Tensor, " k"]

    @staticmethod
    def of(codes: Float[Tensor, "b n"], count: int) -> "Directions":
        """Find the directions of at least two codes; one less than there are, at most."""
        rows = codes.double()
        mean = rows.mean(0)
        _, sizes, along = torch.linalg.svd(rows - mean, full_matrices=False)
        count = min(count, len(codes) - 1, codes.shape[1])
        # Either sign would do: the largest number of each is positive.
        largest = along.gather(1, along.abs().argmax(1, keepdim=True))
        deviations = sizes / (len(codes) - 1) ** 0.5
        share = sizes.square() / sizes.square().sum().clamp(min=1e-12)
        steps = (deviations[:, None] * along * largest.sign())[:count]
        return Directions(mean.float(), steps.float(), share[:count].float())

    def first(self, count: int) -> "Directions":
        """Return the most telling of them, at most so many."""
        return Directions(self.mean, self.steps[:count], self.share[:count])

    def at(self, deviations: Sequence[float]) -> Float[Tensor, "1 n"]:
        """Return the code so many standard deviations along each of the first directions.

        Example:
            >>> codes = torch.tensor([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]])
            >>> Directions.of(codes, 1).at([1.0]).tolist()
            [[4.0, 1.0]]
        """
        amounts = self.steps.new_tensor(list(deviations))
        return (self.mean + amounts @ self.steps[: len(amounts)])[None]
