"""Keeping geometry out of half precision: 8 bits cannot name a pixel."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

P = ParamSpec("P")
R = TypeVar("R")


def in_full_precision(operation: Callable[P, R]) -> Callable[P, R]:
    """Run an operation outside autocast, with half-precision arguments as float32."""

    def widen(value: object) -> object:
        if isinstance(value, Tensor) and value.dtype in (torch.float16, torch.bfloat16):
            return value.float()
        return value

    @wraps(operation)
    def widened(*args: P.args, **kwargs: P.kwargs) -> R:
        args = tuple(widen(value) for value in args)  # type: ignore[assignment]
        kwargs = {name: widen(value) for name, value in kwargs.items()}  # type: ignore[assignment]
        device = next((v.device.type for v in args if isinstance(v, Tensor)), "cpu")
        if not torch.is_autocast_enabled(device):
            return operation(*args, **kwargs)
        with torch.autocast(device, enabled=False):
            return operation(*args, **kwargs)

    return widened
