"""Loading Warp on first use, compiling the kernels once, and launching them on torch tensors."""

import hashlib
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


@cache
def _warp() -> Any:
    # Untyped on purpose: half of Warp's functions have no annotations.
    return importlib.import_module("warp")


@cache
def kernels() -> dict[str, Any]:
    """Import Warp and all kernels, by name; takes half a second."""
    wp = _warp()

    wp.config.log_level = wp.LOG_ERROR
    _start(wp)
    from shapecycle.code_to_image.rasterize.kernels import edge_walk, normals, scan, textured

    found: dict[str, Any] = {}
    for module in (scan, edge_walk, normals, textured):
        found |= {k: v for k, v in vars(module).items() if isinstance(v, wp.Kernel)}
    return found


@cache
def load(device: str) -> dict[str, Any]:
    """Compile the kernels for a device ("cpu", "cuda:0"), or load them from the cache."""
    wp = _warp()

    found = kernels()
    mark = _compilation_mark(wp, device)
    if not mark.exists():
        print("compiling the rasteriser's kernels, once per installation ...", file=sys.stderr)
    for module in {kernel.module for kernel in found.values()}:
        module.load(wp.get_device(device))
    mark.touch()
    return found


def launch(kernel: str, count: int, tensor: Tensor, arguments: Sequence[Any]) -> None:
    """Run a kernel over ``count`` items on the device and the CUDA stream of ``tensor``.

    Args:
        kernel: The kernel's name in ``kernels/``.
        count: Number of items; none is fine.
        tensor: Says where.
        arguments: Numbers and contiguous tensors, in the kernel's order.
    """
    if count == 0:
        return
    wp = _warp()

    entry = load(_device_name(tensor.device))[kernel]
    arrays = [
        _as_array(wp, value, argument.type.dtype) if isinstance(value, Tensor) else value
        for value, argument in zip(arguments, entry.adj.args, strict=True)
    ]
    stream = None
    if tensor.device.type == "cuda":
        stream = wp.stream_from_torch(torch.cuda.current_stream(tensor.device))
    wp.launch(entry, dim=count, inputs=arrays, device=_device_name(tensor.device), stream=stream)


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
        probe = Path(wp.config.kernel_cache_dir) / f"probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError:
        wp.config.kernel_cache_dir = tempfile.mkdtemp(prefix="shapecycle-kernels-")
        wp.init()


@contextmanager
def _native_messages(shown: bool) -> Iterator[None]:
    """Hide what C code writes to stderr: Warp's complaint that a CPU machine has no GPU."""
    if shown:
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
