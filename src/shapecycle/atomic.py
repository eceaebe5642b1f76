"""Files that appear whole or not at all."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import gethostname

SUFFIX = ".partial"
"""What unfinished files end in; they lie beside what they become."""


def partial_path(path: Path) -> Path:
    """Return where this process puts together what becomes ``path``."""
    whole = path.absolute()
    return whole.with_name(f".{whole.name}.{gethostname()}.{os.getpid()}{SUFFIX}")


def clear_stale(path: Path) -> None:
    """Remove what processes of this machine that were killed left of ``path``."""
    whole = path.absolute()
    start = f".{whole.name}.{gethostname()}."
    for left in whole.parent.iterdir() if whole.parent.is_dir() else ():
        number = left.name.removeprefix(start).removesuffix(SUFFIX)
        if left.name == f"{start}{number}{SUFFIX}" and number.isdecimal() and _is_gone(int(number)):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def _is_gone(process: int) -> bool:
    if os.name != "posix":  # elsewhere the question ends the process
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # somebody else's, or no number of a process
        return False
    return False


def clear_partial(folder: Path) -> None:
    """Remove what was cut short in a folder that nobody else writes to."""
    for unfinished in folder.glob(f".*{SUFFIX}"):
        unfinished.unlink()


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a path to write to that becomes ``path`` only if all goes well.

    Raises:
        OSError: Naming the path, if the system refuses to write it or to put it in its place,
            whatever a library made of that.
    """
    partial = partial_path(path)
    try:
        yield partial
        partial.replace(path.absolute())
    except Exception as fault:
        number = _system_error(fault)
        if number is None:
            raise
        raise OSError(number, os.strerror(number), str(path)) from fault
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _system_error(fault: Exception) -> int | None:
    """Return the number of the system's error behind a fault; None if there is none."""
    # PyTorch complains about what it could not write after that, safetensors has it in its text.
    for one in (fault, fault.__context__):
        if isinstance(one, OSError):
            return one.errno
    found = re.search(r"\(os error (\d+)\)", str(fault))
    return int(found[1]) if found else None
