"""The command line: ``shapecycle VERB ...``."""

import errno
import sys

from shapecycle.cli.parse import parse
from shapecycle.errors import ShapecycleError

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


def main() -> None:
    """Run one command; an error a user can fix is printed in full and exits with 2."""
    try:
        parse(sys.argv[1:]).run()
    except ShapecycleError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        if error.errno not in RECOVERABLE:
            raise
        print(f"error: {error.filename or 'writing'}: {error.strerror}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
