"""Pure functions, one formula each, with its source."""

from typing import TypeAlias

from jaxtyping import Float
from torch import Tensor

Losses: TypeAlias = dict[str, Float[Tensor, ""]]
"""Unweighted losses by name; the names are the fields of `config.LossWeights`."""
