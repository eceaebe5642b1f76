"""Loading Warp on first use, compiling the kernels once, and launching them on torch tensors."""

import hashlib
import importlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from shapecycle.rasterize.warp_backend.openmp import available_threads, parallel_for

MIN_PARALLEL_WORK = 1 << 14
"""Fewer items than this are done sooner by one thread: to wake a second takes 0.2 ms."""


@cache
def _warp() -> Any:
    # Untyped on purpose: half of Warp's functions have no annotations.
    return importlib.import_module("warp")


def kernels() -> dict[str, Any]:
    """Import Warp and all kernels, by name; takes half a second."""
    with _loading:
        return _kernels()


def load(device: str) -> dict[str, Any]:
    """Compile the kernels for a device ("cpu", "cuda:0"), or load them from the cache."""
    with _loading:
        return _load(device)


_loading = threading.RLock()
"""Two threads that draw for the first time at once would initialise Warp together."""


@cache
def _kernels() -> dict[str, Any]:
    wp = _warp()

    wp.config.log_level = wp.LOG_ERROR
    _start(wp)
    from shapecycle.rasterize.warp_backend.kernels import (
        edge_walk,
        neighbours,
        normals,
        scan,
        solid,
        textured,
    )

    found: dict[str, Any] = {}
    for module in (scan, edge_walk, normals, textured, solid, neighbours):
        found |= {k: v for k, v in vars(module).items() if isinstance(v, wp.Kernel)}
    return found


@cache
def _load(device: str) -> dict[str, Any]:
    wp = _warp()

    found = kernels()
    mark = _compilation_mark(wp, device)
    if not mark.exists():
        print("compiling the rasteriser's kernels, once per installation ...", file=sys.stderr)
    for module in {kernel.module for kernel in found.values()}:
        module.load(wp.get_device(device))
    mark.touch()
    return found


@dataclass(frozen=True)
class Launch:
    """A kernel over ``each`` items of every member of a batch.

    Attributes:
        kernel: Its name in ``kernels/``.
        each: Items per member.
        arguments: Numbers and contiguous tensors, in the kernel's order, after its first item.
    """

    kernel: str
    each: int
    arguments: Sequence[Any]


def launch(
    tensor: Tensor, batch: int, *steps: Launch, disjoint: bool = True, work: int | None = None
) -> None:
    """Run kernels one after the other over a batch, whose members' items follow each other.

    On a CPU the members are shared out among PyTorch's threads, since a launch of Warp's runs
    on one: no step may read what an earlier one wrote for another member. On CUDA it runs on
    the current stream.

    Args:
        tensor: Says on which device.
        batch: Number of members.
        steps: The kernels.
        disjoint: Whether members write to different places. On a CPU additions are not atomic.
        work: How much there is to do; the number of items unless said.
    """
    device = _device_name(tensor.device)
    entries = load(device)
    todo = [(entries[step.kernel], step.each, _arrays(entries, step)) for step in steps]
    wp = _warp()
    if tensor.device.type == "cuda":
        stream = wp.stream_from_torch(torch.cuda.current_stream(tensor.device))
        for entry, each, arrays in todo:
            wp.launch(entry, dim=batch * each, inputs=[0, *arrays], device=device, stream=stream)
        return
    if work is None:
        work = batch * max(step.each for step in steps)
    parts = max(1, min(available_threads(), batch)) if disjoint and work >= MIN_PARALLEL_WORK else 1
    bounds = [batch * n // parts for n in range(parts + 1)]
    commands = [
        [
            wp.launch(entry, (b - a) * each, [a * each, *arrays], device=device, record_cmd=True)
            for entry, each, arrays in todo
            if (b - a) * each
        ]
        for a, b in pairwise(bounds)
    ]

    parallel_for(parts, partial(_run, commands))


def _run(commands: list[list[Any]], part: int) -> None:
    for command in commands[part]:
        command.launch()


def _arrays(entries: dict[str, Any], step: Launch) -> list[Any]:
    wp, wanted = _warp(), entries[step.kernel].adj.args[1:]
    return [
        _as_array(wp, value, argument.type.dtype) if isinstance(value, Tensor) else value
        for value, argument in zip(step.arguments, wanted, strict=True)
    ]


def _as_array(wp: Any, tensor: Tensor, dtype: Any) -> Any:
    length = getattr(dtype, "_length_", 1)
    flat = tensor.view(-1, length) if length > 1 else tensor.view(-1)
    return wp.from_torch(flat, dtype=dtype, requires_grad=False, return_ctype=True)


def _device_name(device: torch.device) -> str:
    if device.type == "cpu":
        return "cpu"
    index = torch.cuda.current_device() if device.index is None else device.index
    return f"cuda:{index}"


def _start(wp: Any) -> None:
    """Initialise Warp, in a temporary folder if its own cannot be written."""
    with _native_messages(shown=torch.cuda.is_available()):
        _start_somewhere(wp)


def _start_somewhere(wp: Any) -> None:
    try:
        wp.init()
        with tempfile.TemporaryFile(dir=wp.config.kernel_cache_dir):
            pass
    except OSError:
        wp.config.kernel_cache_dir = tempfile.mkdtemp(prefix="shapecycle-kernels-")
        wp.init()


@contextmanager
def _native_messages(shown: bool) -> Iterator[None]:
    """Hide what C code writes to stderr: Warp's complaint that a CPU machine has no GPU."""
    if shown or sys.stderr is None:  # a program without a terminal has none
        yield
        return
    sys.stderr.flush()
    saved = os.dup(2)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(silence)


def _compilation_mark(wp: Any, device: str) -> Path:
    """Name a file that lies in the cache if these kernels were compiled before."""
    folder = Path(__file__).parent / "kernels"
    source = b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
    digest = hashlib.sha256(source + wp.config.version.encode()).hexdigest()[:12]
    return Path(wp.config.kernel_cache_dir) / f"shapecycle-{device.split(':')[0]}-{digest}"
