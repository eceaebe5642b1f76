"""Where and in which number format is computed: half precision where it is native."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache, wraps
from typing import Literal, ParamSpec, TypeVar

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
    kind, _, number = name.partition(":")
    if not there.get(kind, False):
        raise ConfigError(
            f"device {name}: this machine or this build of PyTorch has none",
            f"there is: {', '.join(k for k, v in there.items() if v)}",
        )
    if number and kind == "cuda" and not int(number) < torch.cuda.device_count():
        raise ConfigError(
            f"device {name}: this machine has {torch.cuda.device_count()} GPU(s), counted from 0",
            "name one of them, or leave the number out",
        )
    return name


Precision = Literal["float32", "bfloat16"]
"""Number format of convolutions and matrix products; all else is float32."""

_chosen: dict[str, Precision] = {}


def use_precision(device_type: str, precision: Precision) -> None:
    """Set the number format of all networks on a kind of device in this process."""
    _chosen[device_type] = precision


def precision_on(device_type: str) -> Precision:
    """Return the number format on a kind of device; unless set, bfloat16 where it is native."""
    native: Precision = "bfloat16" if has_native_bfloat16(device_type) else "float32"
    return _chosen.get(device_type, native)


def autocast(device: torch.device) -> AbstractContextManager[object]:
    """Compute convolutions and matrix products in the number format of the device."""
    is_half = precision_on(device.type) == "bfloat16"
    return torch.autocast(device.type, torch.bfloat16, enabled=is_half)


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
