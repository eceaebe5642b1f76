"""What a run folder keeps of where it was trained: ``surroundings.json``, an entry a command."""

import hashlib
import json
import platform
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from re import split
from typing import TYPE_CHECKING, Any

import shapecycle
from shapecycle.cli.output import write_new_file

if TYPE_CHECKING:
    from shapecycle.data.photo_set import PhotoSet
    from shapecycle.data.shapes import ShapeSet
    from shapecycle.train.computing import Computing

NAME = "surroundings.json"


def note_surroundings(
    folder: Path, computing: "Computing", photos: "PhotoSet", shapes: "ShapeSet"
) -> None:
    """Add where a training goes on, and from what, to its run folder.

    Raises:
        CheckpointError: If it cannot be written.
    """
    file = folder / NAME
    try:
        before = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        before = []  # none yet, or damaged: nothing depends on it
    entry = {
        "command": ["shapecycle", *sys.argv[1:]],
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": commit_of(Path(shapecycle.__file__).parent),
        "versions": versions(),
        "hardware": hardware(),
        "computing": str(computing),
        "data": {"pictures": fingerprint_of(photos), "shapes": fingerprint_of_shapes(shapes)},
    }
    entries = [*before, entry] if isinstance(before, list) else [entry]
    write_new_file(file, json.dumps(entries, indent=1) + "\n")


def versions() -> dict[str, str]:
    """Return the versions of Python, of this package and of all that it requires and is there."""
    found = {"python": platform.python_version(), "shapecycle": version("shapecycle")}
    for line in requires("shapecycle") or []:
        name = split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit_of(folder: Path) -> str | None:
    """Return the commit that a checkout stands at, with what was changed since; None for no one."""
    try:
        answers = [
            subprocess.run(
                ["git", "-C", str(folder), *words],
                capture_output=True, text=True, timeout=10, check=True,
            ).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--", "."])
        ]  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return answers[0] + " with changes" * bool(answers[1])


def hardware() -> dict[str, Any]:
    """Return system, processor, cores, memory in GB and the GPU, if there is one."""
    import torch

    from shapecycle.devices import has_native_bfloat16
    from shapecycle.train.computing import available_cores

    has_gpu = torch.cuda.is_available()
    return {
        "system": platform.platform(),
        "processor": _line("/proc/cpuinfo", "model name") or platform.processor(),
        "bfloat16": has_native_bfloat16("cuda" if has_gpu else "cpu"),
        "cores": available_cores(),
        "memory_gb": round(int((_line("/proc/meminfo", "MemTotal") or "0 kB").split()[0]) / 1e6, 1),
        "gpu": torch.cuda.get_device_name() if has_gpu else None,
    }


def fingerprint_of(photos: "PhotoSet") -> str:
    """Return what changes with the pixels of the pictures; of more, with some and their parts."""
    import numpy as np

    digest = hashlib.sha256(np.ascontiguousarray(photos.rgba.numpy()).data)
    digest.update(b"" if photos.parts is None else photos.parts.fingerprint.encode())
    return digest.hexdigest()


def fingerprint_of_shapes(shapes: "ShapeSet") -> str:
    """Return what changes with the shapes."""
    import numpy as np

    digest = hashlib.sha256()
    for mesh in shapes.meshes:
        for array in (mesh.vertices, mesh.faces, mesh.normals):
            digest.update(b"" if array is None else np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _line(file: str, name: str) -> str:
    """Return what stands behind a name in a file of Linux; nothing elsewhere."""
    try:
        for line in Path(file).read_text().splitlines():
            if line.startswith(name):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return ""
