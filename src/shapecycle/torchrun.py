"""What torchrun tells each process that it starts; nothing heavy is imported."""

import os


def is_one_of_several() -> bool:
    """Whether torchrun started this process as one of several."""
    return _number("WORLD_SIZE", 1) > 1


def is_first_process() -> bool:
    """Whether this process is the one that writes and prints."""
    return not is_one_of_several() or _number("RANK", 0) == 0


def local_rank() -> int:
    """Return the number of this process among those on its machine."""
    return _number("LOCAL_RANK", 0)


def local_processes() -> int:
    """Return how many processes torchrun started on this machine."""
    return _number("LOCAL_WORLD_SIZE", 1)


def _number(name: str, default: int) -> int:
    found = os.environ.get(name, "")
    return int(found) if found.isdigit() else default
