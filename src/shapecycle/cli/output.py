"""Where results go: folders appear whole or not at all, and nothing is overwritten."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shapecycle.errors import CheckpointError, ConfigError, DataError

RESERVED = ("", ".", "..", "summary.json")
"""Stems that cannot name a result's folder."""
LARGEST_SEED = 2**63 - 1


def refuse_used(out: Path) -> None:
    """Raise if a folder to be created holds something already, or is a file.

    Raises:
        CheckpointError: Naming the path and what is there.
    """
    if out.is_symlink() or out.absolute() == Path.cwd():
        raise CheckpointError(
            f"{out} is {'a link' if out.is_symlink() else 'the folder you are in'}, "
            "and a folder is to be made there",
            "name a new folder",
        )
    if out.is_file():
        raise CheckpointError(f"{out} is a file, a folder is to be made there", "name another")
    if out.is_dir() and any(out.iterdir()):
        first = sorted(out.iterdir())[0].name
        raise CheckpointError(
            f"the output folder {out} already holds something ({first})",
            "name a new folder; nothing is overwritten",
        )


def refuse_uncreatable(out: Path) -> None:
    """Raise if a folder cannot be made; nothing is left behind either way.

    Raises:
        CheckpointError: Naming the path and the reason.
    """
    missing = [path for path in (out, *out.parents) if not path.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not os.access(out, os.W_OK):
            raise PermissionError(13, "no permission to write there")
    except OSError as fault:
        raise _uncreatable(out, fault) from fault
    finally:
        _remove_empty(missing)


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Give a folder to write into that becomes ``out`` only if all goes well."""
    refuse_used(out)
    missing = [path for path in out.absolute().parents if not path.exists()]
    staging = _partial(out)
    try:
        staging.mkdir(parents=True)
    except OSError as fault:
        _remove_empty(missing)
        raise _uncreatable(out, fault) from fault
    try:
        yield staging
        # Another run may have finished there in the meantime.
        refuse_used(out)
        if out.is_dir():
            out.rmdir()
        staging.rename(out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        _remove_empty(missing)


def write_new_file(out: Path, text: str) -> None:
    """Write a file all at once, or not at all.

    Raises:
        CheckpointError: If it cannot be written.
    """
    partial = _partial(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(out)
    except OSError as fault:
        raise _uncreatable(out, fault) from fault
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _partial(out: Path) -> Path:
    whole = out.absolute()
    return whole.with_name(f".{whole.name}.{os.getpid()}.partial")


def _remove_empty(folders: list[Path]) -> None:
    """Remove folders made on the way to one that came to nothing, the innermost first."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _uncreatable(out: Path, fault: OSError) -> CheckpointError:
    return CheckpointError(
        f"cannot create {out}: {fault.strerror}", "name a place that can be written to"
    )


def files_of(inputs: tuple[Path, ...], suffixes: tuple[str, ...], kind: str) -> list[Path]:
    """List files, and the fitting files directly in folders; their stems name the results.

    Raises:
        DataError: If nothing is found, a path is missing or unreadable, two files share a stem,
            or a stem cannot name a result.
    """
    found: list[Path] = []
    for path in inputs:
        if path.is_dir():
            found += _inside(path, suffixes, kind)
        elif path.is_file():
            found.append(path)
        else:
            raise DataError(f"there is no file or folder {path}", f"give {kind} or folders of them")
    if not found:
        raise DataError(f"no {kind} were given", f"give {kind} or folders of them")
    stems: dict[str, Path] = {}
    for path in found:
        if path.stem in RESERVED:
            raise DataError(f"{path}: no result can be named '{path.stem}'", "rename the file")
        # Some file systems do not tell upper from lower case.
        stem = path.stem.casefold()
        if stem in stems:
            raise DataError(
                f"{stems[stem]} and {path} would both be written to '{path.stem}'",
                "rename one, or give them in two calls",
            )
        stems[stem] = path
    return found


def _inside(folder: Path, suffixes: tuple[str, ...], kind: str) -> list[Path]:
    try:
        visible = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    except OSError as fault:
        raise DataError(
            f"{folder}: the folder cannot be read ({fault.strerror})", "check its permissions"
        ) from fault
    inside = [path for path in visible if path.suffix.lower() in suffixes]
    if not inside:
        raise DataError(
            f"{folder} holds no {kind}",
            f"{kind} are files ending in {' '.join(suffixes)}, directly in the folder",
        )
    return inside


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


def within(value: int, least: int, most: int, option: str) -> None:
    """Raise if an option's value is too small or too large.

    Raises:
        ConfigError: Naming the option and its range.
    """
    if not least <= value <= most:
        raise ConfigError(f"{option} must be from {least} to {most}, found {value}")
