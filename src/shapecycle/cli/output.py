"""Where results go: folders appear whole or not at all, and nothing is overwritten."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shapecycle.errors import CheckpointError, ConfigError, DataError


def refuse_used(out: Path) -> None:
    """Raise if a folder to be created holds something already, or is a file.

    Raises:
        CheckpointError: Naming the path and what is there.
    """
    if out.is_file():
        raise CheckpointError(f"{out} is a file, a folder is to be made there", "name another")
    if out.is_dir() and any(out.iterdir()):
        first = sorted(out.iterdir())[0].name
        raise CheckpointError(
            f"the output folder {out} already holds something ({first})",
            "name a new folder; nothing is overwritten",
        )


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Give a folder to write into that becomes ``out`` only if all goes well."""
    refuse_used(out)
    staging = out.absolute().with_name(f".{out.absolute().name}.{os.getpid()}.partial")
    try:
        staging.mkdir(parents=True)
    except OSError as fault:
        raise CheckpointError(f"cannot create {out}: {fault.strerror}") from fault
    try:
        yield staging
        if out.is_dir():
            out.rmdir()
        staging.rename(out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def files_of(inputs: tuple[Path, ...], suffixes: tuple[str, ...], kind: str) -> list[Path]:
    """List files, and the fitting files directly in folders; their stems name the results.

    Raises:
        DataError: If nothing is found, a path is missing, or two files share a stem.
    """
    found: list[Path] = []
    for path in inputs:
        if path.is_dir():
            inside = [p for p in sorted(path.iterdir()) if p.suffix.lower() in suffixes]
            if not inside:
                raise DataError(f"{path} holds no {kind} ({', '.join(suffixes)})")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise DataError(f"there is no file or folder {path}", f"give {kind} or folders of them")
    if not found:
        raise DataError(f"no {kind} were given", f"give {kind} or folders of them")
    stems: dict[str, Path] = {}
    for path in found:
        if path.stem in stems:
            raise DataError(
                f"{stems[path.stem]} and {path} would both be written to '{path.stem}'",
                "rename one, or give them in two calls",
            )
        stems[path.stem] = path
    return found


def chosen_device(name: str) -> str:
    """Return the device to compute on.

    Raises:
        ConfigError: If the device asked for is not there.
    """
    import torch

    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name == "auto":
        return "cuda" if there["cuda"] else "cpu"
    if not there[name]:
        raise ConfigError(
            f"--device {name}: this machine or this build of PyTorch has none",
            f"there is: {', '.join(k for k, v in there.items() if v)}",
        )
    return name


def at_least(value: int, least: int, option: str) -> None:
    """Raise if an option's value is too small.

    Raises:
        ConfigError: Naming the option.
    """
    if value < least:
        raise ConfigError(f"{option} must be at least {least}, found {value}")
