"""Which implementation runs: compiled Warp kernels, or the PyTorch reference."""

import importlib.util
import os
from functools import cache
from typing import Literal, TypeAlias, cast

import torch

from shapecycle.errors import ConfigError, MissingExtra

Backend: TypeAlias = Literal["auto", "warp", "torch"]

VARIABLE = "SHAPECYCLE_RASTERIZER"
INSTALL_HINT = "pip install 'shapecycle[fast]'"


def choose(backend: Backend, device: torch.device, dtype: torch.dtype) -> Literal["warp", "torch"]:
    """Settle which implementation draws tensors of this type on this device.

    Args:
        backend: The caller's wish; "auto" leaves it to the environment variable
            SHAPECYCLE_RASTERIZER and then to what is possible.

    Raises:
        ConfigError: If the environment variable holds anything else.
        MissingExtra: If Warp is demanded and cannot be used.
        ValueError: If ``backend`` is unknown, or Warp is demanded for float64.
    """
    if backend not in ("auto", "warp", "torch"):
        raise ValueError(f"backend is {backend!r}; expected 'auto', 'warp' or 'torch'")
    wish = backend if backend != "auto" else _from_environment()
    if wish == "torch":
        return "torch"
    if dtype != torch.float32:
        if backend == "warp":
            raise ValueError(f"backend 'warp' draws float32 only, not {dtype}; use 'torch'")
        return "torch"
    obstacle = warp_obstacle(device)
    if obstacle is None:
        return "warp"
    if wish == "warp":
        raise MissingExtra(f"the Warp rasteriser was demanded, but {obstacle}", INSTALL_HINT)
    return "torch"


def warp_obstacle(device: torch.device) -> str | None:
    """Say why Warp cannot draw on a device; None if it can."""
    if not _warp_installed():
        return "the package warp-lang is not installed"
    if device.type not in ("cpu", "cuda"):
        return f"it does not run on {device.type}"
    return _loading_obstacle(device.type)


def backend_report() -> list[str]:
    """Describe for people which rasteriser draws here, and why not the other."""
    try:
        wish = _from_environment()
    except ConfigError as error:
        return [f"rasteriser: {error}"]
    forced = f", forced by {VARIABLE}={wish}" if wish != "auto" else ""
    lines = []
    for name in ["cpu"] + (["cuda"] if torch.cuda.is_available() else []):
        obstacle = warp_obstacle(torch.device(name))
        if wish == "torch":
            lines.append(f"rasteriser on {name}: PyTorch reference{forced}")
        elif obstacle is None:
            lines.append(f"rasteriser on {name}: Warp {_warp_version()}{forced}")
        else:
            lines.append(
                f"rasteriser on {name}: PyTorch reference, slower, because {obstacle} "
                f"({INSTALL_HINT})"
            )
    lines.append("rasteriser for float64: PyTorch reference (Warp draws float32 only)")
    return lines


def _from_environment() -> Backend:
    value = os.environ.get(VARIABLE, "auto").strip().lower() or "auto"
    if value in ("auto", "warp", "torch"):
        return cast(Backend, value)
    raise ConfigError(
        f"the environment variable {VARIABLE} is {value!r}", "use auto, warp or torch"
    )


@cache
def _warp_installed() -> bool:
    return importlib.util.find_spec("warp") is not None


def _warp_version() -> str:
    from importlib.metadata import version

    return version("warp-lang")


@cache
def _loading_obstacle(device_type: str) -> str | None:
    from shapecycle.code_to_image.rasterize import warp_runtime

    try:
        warp_runtime.load("cpu" if device_type == "cpu" else "cuda:0")
    except Exception as error:
        # Whatever breaks inside another package's start-up, the reference still draws.
        return f"Warp does not start ({type(error).__name__}: {error})"
    return None
