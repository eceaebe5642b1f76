"""In which number format the networks compute."""

from contextlib import AbstractContextManager
from functools import cache

import torch


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
