"""Where results go: folders appear whole or not at all, and nothing is overwritten."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapecycle.atomic import atomic_write, clear_stale, partial_path
from shapecycle.errors import CheckpointError
from shapecycle.train.signals import undisturbed

if TYPE_CHECKING:
    from shapecycle.camera import Pose
    from shapecycle.parallel import Team

FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the system says of a full disk, and of a user's full share of one."""


def check_unused(out: Path, *, besides: str = "") -> None:
    """Raise if a folder to be created holds something already, or is a file.

    Args:
        out: The folder.
        besides: Name of a file that may be there.

    Raises:
        CheckpointError: Naming the path and what is there.
    """
    if out.is_symlink() or out.absolute() == Path.cwd():
        raise CheckpointError(
            f"{out} is {'a link' if out.is_symlink() else 'the folder you are in'}, "
            "and a folder is to be made there",
            "name a new folder",
        )
    if out.exists() and not out.is_dir():
        raise CheckpointError(f"{out} is a file, a folder is to be made there", "name another")
    names = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
    if first := next((name for name in names if name != besides), None):
        raise CheckpointError(
            f"the output folder {out} already holds something ({first})",
            "name a new folder; nothing is overwritten",
        )


def check_separate(first: tuple[str, Path], second: tuple[str, Path]) -> None:
    """Raise if two paths to be created are one, or one lies inside the other.

    Args:
        first: An option and its path.
        second: Another one.

    Raises:
        CheckpointError: Naming both options and paths.
    """
    (one, here), (other, there) = first, second
    a, b = here.resolve(), there.resolve()
    if a == b:
        found = "are the same place"
    elif a.is_relative_to(b):
        found = f"overlap: the first lies inside {there}"
    elif b.is_relative_to(a):
        found = f"overlap: the second lies inside {here}"
    else:
        return
    raise CheckpointError(f"{one} {here} and {other} {there} {found}", "name two separate paths")


def check_creatable(out: Path) -> None:
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
def new_folder(out: Path, team: "Team | None" = None) -> Iterator[Path]:
    """Give a folder to write into that becomes ``out`` only if all goes well.

    Args:
        out: The folder to be.
        team: Processes that write into it; by default this one alone. The first one makes it, and
            puts it in its place when all have come to the end of the block.
    """
    from shapecycle.parallel import ALONE

    team = team or ALONE
    staging, missing = team.first(lambda: _staging(out))
    is_whole = False
    try:
        yield staging
        team.each(lambda: None)
        is_whole = True
        team.first(lambda: _put_in_place(staging, out))
    finally:
        # All clear up, for others may still write where one has cleared up already; where all went
        # well, only the first may, or another could clear what is being put in place.
        with undisturbed():
            if team.is_first or not is_whole:
                shutil.rmtree(staging, ignore_errors=True)
                _remove_empty(missing)


def _staging(out: Path) -> tuple[Path, list[Path]]:
    """Make the folder that is written into; return it, and what folders were made on the way."""
    check_unused(out)
    missing = [path for path in out.absolute().parents if not path.exists()]
    staging = partial_path(out)
    try:
        clear_stale(out)
        staging.mkdir(parents=True)
    except OSError as fault:
        _remove_empty(missing)
        raise _uncreatable(out, fault) from fault
    return staging, missing


def _put_in_place(staging: Path, out: Path) -> None:
    # Another run may have finished there in the meantime.
    check_unused(out)
    if out.is_dir():
        out.rmdir()
    staging.rename(out)


def write_new_file(out: Path, text: str) -> None:
    """Write a file all at once, or not at all.

    Raises:
        CheckpointError: If it cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(out) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise _uncreatable(out, fault) from fault


def _remove_empty(folders: list[Path]) -> None:
    """Remove folders made on the way to one that came to nothing, the innermost first."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _uncreatable(out: Path, fault: OSError) -> CheckpointError:
    remedy = "make room on that disk, or " * (fault.errno in FULL)
    return CheckpointError(
        f"cannot create {out}: {fault.strerror}", f"{remedy}name a place that can be written to"
    )


def camera_json(pose: "Pose", fov_y: float) -> dict[str, Any]:
    """Return a pose as files hold it; ``fov_y`` is in radians."""
    return {"camera_from_object": pose.camera_from_object()[0].tolist(), "fov_y": fov_y}
