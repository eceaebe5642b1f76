"""Saved states: what a training needs to go on where it stopped."""

from pathlib import Path
from typing import Any

import torch

from shapecycle.atomic import atomic_write, clear_partial
from shapecycle.errors import CheckpointError

KEPT = 2


def save_state(folder: Path, state: dict[str, Any], images: int) -> None:
    """Write a state all at once, and drop all but the last few.

    Raises:
        OSError: If it cannot be written; the states before it are kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # One training at a time writes here, so what is unfinished was cut short.
    clear_partial(folder)
    # Given a path, PyTorch writes itself, and does not say what the system refused.
    with atomic_write(folder / f"{images:012d}.pt") as partial, partial.open("wb") as file:
        torch.save(state, file)
    for old in sorted(folder.glob("*.pt"))[:-KEPT]:
        old.unlink()


def has_state(folder: Path) -> bool:
    """Whether a state was saved, even one that cannot be read."""
    return any(folder.glob("*.pt"))


def load_state(folder: Path) -> dict[str, Any]:
    """Read the last state that can be read; no code in the file is run.

    Raises:
        CheckpointError: If there is none.
    """
    faults = []
    for path in sorted(folder.glob("*.pt"), reverse=True):
        try:
            state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
            return state
        except Exception as fault:
            # PyTorch's own message advises to run what the file says.
            faults.append(f"{path} is not a saved state ({type(fault).__name__})")
    found = "; ".join(faults) or f"{folder} holds no state"
    raise CheckpointError(f"cannot resume: {found}", "train again into a new folder")


def seen_images(folder: Path) -> int:
    """Return how many images the last state that can be read has seen.

    Raises:
        CheckpointError: If there is none.
    """
    try:
        return sum(int(stage["seen"]) for stage in load_state(folder)["stages"])
    except (KeyError, TypeError, ValueError) as fault:
        raise CheckpointError(
            f"cannot resume: the state in {folder} does not hold its stages ({fault})",
            "train again into a new folder",
        ) from fault
