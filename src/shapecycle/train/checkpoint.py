"""Saved states: what a training needs to go on where it stopped."""

from pathlib import Path
from typing import Any

import torch

from shapecycle.errors import CheckpointError
from shapecycle.train.lock import Writer

KEPT = 2


def save_state(folder: Path, state: dict[str, Any], images: int) -> None:
    """Write a state all at once, and drop all but the last few."""
    folder.mkdir(parents=True, exist_ok=True)
    _clear(folder)
    target = folder / f"{images:012d}.pt"
    partial = folder / f"{target.stem}.{Writer.this()}.partial"
    torch.save(state, partial)
    partial.replace(target)
    for old in sorted(folder.glob("*.pt"))[:-KEPT]:
        old.unlink()


def _clear(folder: Path) -> None:
    """Remove what saves that were cut short have left; what is being written stays."""
    for partial in folder.glob("*.partial"):
        writer = Writer.named(partial.stem.partition(".")[2])
        # Older versions named no process.
        if writer is None or writer.may_be_replaced:
            partial.unlink(missing_ok=True)


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
    told = "; ".join(faults) or f"{folder} holds no state"
    raise CheckpointError(f"cannot resume: {told}", "train again into a new folder")


def seen_images(folder: Path) -> int:
    """Return how many images the last state that can be read has seen.

    Raises:
        CheckpointError: If there is none.
    """
    try:
        return sum(int(seen) for _, _, _, seen in load_state(folder)["stages"])
    except (KeyError, TypeError, ValueError) as fault:
        raise CheckpointError(
            f"cannot resume: the state in {folder} does not tell its stages ({fault})",
            "train again into a new folder",
        ) from fault
