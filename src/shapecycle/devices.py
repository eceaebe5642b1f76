"""Where and in which number format is computed: half precision where it is native."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache, wraps
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

from shapecycle.errors import ConfigError

P = ParamSpec("P")
R = TypeVar("R")


def chosen_device(name: str) -> str:
    """Return the device to compute on.

    Args:
        name: "cpu", "cuda", "cuda:1" or "mps"; "auto" for an NVIDIA GPU if there is one.

    Raises:
        ConfigError: If it is not there.
    """
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name == "auto":
        return "cuda" if there["cuda"] else "cpu"
    if not there.get(name.partition(":")[0], False):
        raise ConfigError(
            f"device {name}: this machine or this build of PyTorch has none",
            f"there is: {', '.join(k for k, v in there.items() if v)}",
        )
    return name


def autocast(device: torch.device) -> AbstractContextManager[object]:
    """Compute convolutions and matrix products in bfloat16, where that is native to the device."""
    return torch.autocast(device.type, torch.bfloat16, enabled=has_native_bfloat16(device.type))


@cache
def has_native_bfloat16(device_type: str) -> bool:
    """Whether a device multiplies bfloat16 in hardware; emulated, it is six times slower.

    Args:
        device_type: "cpu", "cuda" or "mps".
    """
    if device_type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device_type != "cpu":
        return False
    # The instructions may be there and oneDNN be told not to use them (ONEDNN_MAX_CPU_ISA).
    instructions = torch.cpu.get_capabilities()
    is_native = instructions.get("avx512_bf16", False) or instructions.get("amx_bf16", False)
    return bool(is_native and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def in_full_precision(operation: Callable[P, R]) -> Callable[P, R]:
    """Run an operation outside autocast, with half-precision arguments as float32.

    Eight bits of precision cannot name a pixel.
    """

    def widen(value: object) -> object:
        if isinstance(value, Tensor) and value.dtype in (torch.float16, torch.bfloat16):
            return value.float()
        return value

    @wraps(operation)
    def widened(*args: P.args, **kwargs: P.kwargs) -> R:
        args = tuple(widen(value) for value in args)  # type: ignore[assignment]
        kwargs = {name: widen(value) for name, value in kwargs.items()}  # type: ignore[assignment]
        tensors = (v for v in (*args, *kwargs.values()) if isinstance(v, Tensor))
        device = next((v.device.type for v in tensors), "cpu")
        if not torch.is_autocast_enabled(device):
            return operation(*args, **kwargs)
        with torch.autocast(device, enabled=False):
            return operation(*args, **kwargs)

    return widened
