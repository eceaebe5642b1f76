"""Which implementation draws: compiled Warp kernels, or the PyTorch reference."""

import importlib.util
import os
from functools import cache
from typing import Literal, Protocol, TypeAlias, cast, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shapecycle.errors import ConfigError, MissingExtra
from shapecycle.rasterize.topology import Topology
from shapecycle.rasterize.visibility import Visibility

Backend: TypeAlias = Literal["auto", "warp", "torch"]

VARIABLE = "SHAPECYCLE_RASTERIZER"
INSTALL_HINT = "pip install 'shapecycle[fast]'"


@runtime_checkable
class Implementation(Protocol):
    """What both packages offer; arguments are those of the public functions, checked."""

    def rasterize(
        self,
        clip: Float[Tensor, "b v 4"],
        topology: Topology,
        size: tuple[int, int],
        cull: bool,
        behind: Visibility | None,
    ) -> Visibility: ...

    def interpolate(
        self,
        attributes: Float[Tensor, "ab n c"],
        clip: Float[Tensor, "b v 4"],
        topology: Topology,
        visibility: Visibility,
        faces: Int[Tensor, "*m f 3"],
    ) -> Float[Tensor, "b c h w"]: ...

    def antialias(
        self,
        image: Float[Tensor, "b c h w"],
        clip: Float[Tensor, "b v 4"],
        topology: Topology,
        visibility: Visibility,
    ) -> Float[Tensor, "b c h w"]: ...

    def vertex_normals(
        self, vertices: Float[Tensor, "b v 3"], topology: Topology
    ) -> Float[Tensor, "b v 3"]: ...

    def shade_textured(
        self,
        albedo: Float[Tensor, "ab 3 th tw"],
        uv: Float[Tensor, "ub n 2"],
        uv_faces: Int[Tensor, "*m f 3"],
        normals: Float[Tensor, "b v 3"],
        light: Float[Tensor, "b 9 3"],
        min_shading: float,
        clip: Float[Tensor, "b v 4"],
        topology: Topology,
        visibility: Visibility,
    ) -> Float[Tensor, "b 4 h w"]: ...

    def solid_colour(
        self,
        points: Float[Tensor, "b n 3"],
        regions: Float[Tensor, "b r 14"],
        mirrored: Float[Tensor, " b"],
    ) -> Float[Tensor, "b n 3"]: ...

    def shade_solid(
        self,
        vertices: Float[Tensor, "b v 3"],
        camera: Float[Tensor, "b v 3"],
        regions: Float[Tensor, "b r 14"],
        mirrored: Float[Tensor, " b"],
        light: Float[Tensor, "b 9 3"],
        min_shading: float,
        clip: Float[Tensor, "b v 4"],
        topology: Topology,
        visibility: Visibility,
        samples: int,
    ) -> Float[Tensor, "b 4 h w"]: ...


def implementation(
    backend: Backend, vertices: Tensor, topology: Topology | None, numbers: int = 0
) -> Implementation:
    """Import ``warp_backend`` or ``torch_backend``; neither is loaded before it draws.

    Args:
        topology: The faces; None for operations that know of none.
        numbers: How many the largest array holds; kernels count in int32.
    """
    if choose(backend, vertices.device, vertices.dtype) == "warp":
        from shapecycle.rasterize import warp_backend

        edges = 0 if topology is None else topology.edges.shape[-2]
        in_batch = edges * len(vertices)
        countable = in_batch < warp_backend.MAX_BATCH_EDGES and numbers < warp_backend.MAX_NUMBERS
        if edges < warp_backend.MAX_EDGES and countable:
            return cast(Implementation, warp_backend)
    from shapecycle.rasterize import torch_backend

    return cast(Implementation, torch_backend)


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
    from shapecycle.rasterize.warp_backend import runtime

    try:
        runtime.load("cpu" if device_type == "cpu" else "cuda:0")
    except Exception as error:
        # Whatever breaks inside another package's start-up, the reference still draws.
        return f"Warp does not start ({type(error).__name__}: {error})"
    return None
