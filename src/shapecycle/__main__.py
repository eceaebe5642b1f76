"""The command line: ``shapecycle VERB ...``."""

import sys

from shapecycle.cli.parse import parse
from shapecycle.errors import ShapecycleError


def main() -> None:
    """Run one command; an error a user can mend is printed in full and exits with 2."""
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


if __name__ == "__main__":
    main()
