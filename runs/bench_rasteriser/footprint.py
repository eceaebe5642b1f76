"""How soon the rasteriser starts, and how much memory a large batch takes: in fresh processes."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

START = """
import time, torch
from scene import coloured, make_scene
scene = make_scene(1280, 64, batch=1)
start = time.perf_counter()
coloured(scene)
print(time.perf_counter() - start)
"""

MEMORY = """
from pathlib import Path
from scene import backward, make_scene, {draw}

def kilobytes(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])

backward(small := make_scene(1280, 64, batch=2), {draw}(small))
scene = make_scene(5120, 128, batch=64)
before = kilobytes("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
backward(scene, {draw}(scene))
print((kilobytes("VmHWM") - before) / 1024)
"""

RETURN_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
"""Memory that was freed before goes back to the system, so that using it again counts."""


def seconds_to_first_picture() -> tuple[float, float]:
    """Seconds from a call to a picture: just installed, and in a later process."""
    with tempfile.TemporaryDirectory() as folder:
        first = _number(START, {"WARP_CACHE_PATH": folder})
        later = min(_number(START, {"WARP_CACHE_PATH": folder}) for _ in range(3))
    return first, later


def peak_megabytes(draw: str) -> float:
    """Growth of the process while 64 meshes of 5,120 faces are drawn at 128 px, and back.

    Linux alone tells a process its peak since a moment.
    """
    return _number(MEMORY.format(draw=draw), RETURN_MEMORY)


def _number(program: str, environment: dict[str, str]) -> float:
    paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | environment | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(result.stdout)
