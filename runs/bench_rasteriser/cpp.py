"""The same operations on kernels compiled by g++ with OpenMP, called through ctypes.

Only what the compiler makes differs from the package's own path: the Python around the kernels is
the package's, its ``launch`` is exchanged.
"""

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from torch import Tensor

from shapecycle.rasterize.warp_backend import operations
from shapecycle.rasterize.warp_backend.runtime import Launch

SOURCE = Path(__file__).with_name("kernels.cpp")


def obstacle() -> str | None:
    """Say why this peer cannot run; None if it can."""
    return None if shutil.which("g++") else "g++ is not installed"


@contextmanager
def kernels_of_cpp(threads: int) -> Iterator[None]:
    """Let the package draw with C++ kernels on so many threads."""
    library = _library()
    library.use_threads(threads)
    own = operations.launch
    operations.launch = _launch  # type: ignore[assignment]
    try:
        yield
    finally:
        operations.launch = own


def _launch(tensor: Tensor, batch: int, *steps: Launch, **_: Any) -> None:
    for step in steps:
        items = ctypes.c_int(batch * step.each)
        getattr(_library(), step.kernel)(items, *map(_as_c, step.arguments))


def _as_c(value: Any) -> Any:
    if isinstance(value, Tensor):
        return ctypes.c_void_p(value.data_ptr())
    return ctypes.c_float(value) if isinstance(value, float) else ctypes.c_int(value)


@cache
def _library() -> ctypes.CDLL:
    folder = Path(tempfile.mkdtemp(prefix="bench-rasteriser-"))
    path = folder / "kernels.so"
    options = ["-O3", "-march=native", "-fopenmp", "-shared", "-fPIC"]
    subprocess.run(["g++", *options, "-o", str(path), str(SOURCE)], check=True)
    library = ctypes.CDLL(str(path))
    shutil.rmtree(folder)
    return library
