"""The command line: ``shapecycle VERB ...``."""

import errno
import os
import sys
import time
from contextlib import redirect_stderr, redirect_stdout, suppress
from io import StringIO
from typing import NoReturn

from shapecycle.cli.parse import Command, parse
from shapecycle.errors import LostProcess, ShapecycleError, is_lack_of_memory
from shapecycle.torchrun import is_first_process, is_one_of_several

RECOVERABLE = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EIO,
    errno.ENAMETOOLONG,
    errno.ENOTDIR,
    errno.ENOTEMPTY,
    errno.EISDIR,
)
"""Faults of paths rather than of this program: full or broken disks, names that cannot be."""

SILENCE_SECONDS = 2.0
"""Seconds that other processes leave the first one to say why all end: when one has ended,
torchrun ends the rest."""


def main() -> None:
    """Run one command; an error a user can fix is printed in full and exits with 2.

    Of several processes the first one prints; that one of them is gone, all that are left.
    """
    try:
        _parsed().run()
        if is_one_of_several():
            _exit(0)
    except ShapecycleError as error:
        _end(f"error: {error}", 2, is_said_by_all=isinstance(error, LostProcess))
    except KeyboardInterrupt:
        _end("stopped", 130)
    except BrokenPipeError:
        sys.exit(0)
    except (MemoryError, RuntimeError) as error:
        if not is_lack_of_memory(error):
            raise
        reason = str(error).splitlines()[:1] or ["nothing is left"]
        _end(
            f"error: out of memory: {reason[0]}\n  hint: give smaller or fewer inputs, close other "
            "programs, or compute elsewhere, see --device",
            2,
        )
    except OSError as error:
        if error.errno not in RECOVERABLE:
            raise
        _end(f"error: {error.filename or 'writing'}: {error.strerror}", 2)


def _parsed() -> Command:
    if is_first_process():
        return parse(sys.argv[1:])
    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            return parse(sys.argv[1:])
    except SystemExit:
        time.sleep(SILENCE_SECONDS)
        raise


def _end(message: str, code: int, *, is_said_by_all: bool = False) -> NoReturn:
    if is_first_process() or is_said_by_all:
        print(message, file=sys.stderr)
    else:
        time.sleep(SILENCE_SECONDS)
    if is_one_of_several():
        _exit(code)
    sys.exit(code)


def _exit(code: int) -> NoReturn:
    """Leave at once: threads of PyTorch's messages now and then abort an interpreter that ends."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
