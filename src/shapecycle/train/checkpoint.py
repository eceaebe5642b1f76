"""Saved states: what a training needs to go on where it stopped.

The last few are kept, and the one that drew photographs best, whose file's name says how well.
"""

import os
import shutil
from math import inf, isfinite
from pathlib import Path
from typing import Any

import torch

from shapecycle.atomic import atomic_write, clear_partial
from shapecycle.errors import CheckpointError

KEPT = 2
STATES, BEST = "[0-9]*.pt", "best-*.pt"


def save_state(
    folder: Path, state: dict[str, Any], images: int, misfit: float | None = None
) -> None:
    """Write a state all at once, and drop all but the last few and the best.

    Args:
        folder: Where states are kept.
        state: What is kept.
        images: How many it has seen; later states, which it does not go back to, are dropped.
        misfit: How badly photographs were drawn since the state before, where they were.

    Raises:
        OSError: If it cannot be written; the states before it are kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # One training at a time writes here, so what is unfinished was cut short.
    clear_partial(folder)
    # Given a path, PyTorch writes itself, and does not say what the system refused.
    path = folder / f"{images:012d}.pt"
    with atomic_write(path) as partial, partial.open("wb") as file:
        torch.save(state, file)
    states = sorted(folder.glob(STATES))
    here = states.index(path)
    for old in (*states[: max(0, here + 1 - KEPT)], *states[here + 1 :]):
        old.unlink()
    best = sorted(folder.glob(BEST), key=_misfit_of)
    if misfit is not None and isfinite(misfit) and (not best or misfit < _misfit_of(best[0])):
        _keep(path, folder / f"best-{images:012d}-{misfit:.6f}.pt")
    else:
        best = best[1:]
    for old in best:
        old.unlink()


def _keep(path: Path, best: Path) -> None:
    """Give a state a second name, and a copy where the disk does not know second names."""
    try:
        best.unlink(missing_ok=True)
        os.link(path, best)
    except OSError:
        with atomic_write(best) as partial:
            shutil.copyfile(path, partial)


def _misfit_of(path: Path) -> float:
    """Return how badly the best state drew photographs, by its file's name."""
    try:
        return float(path.stem.rpartition("-")[2])
    except ValueError:
        return inf


def has_state(folder: Path, *, best: bool = False) -> bool:
    """Whether a state was saved, even one that cannot be read."""
    return any(folder.glob(BEST if best else STATES))


def load_state(folder: Path, *, best: bool = False) -> dict[str, Any]:
    """Read the last state that can be read, or the best; no code in the file is run.

    Raises:
        CheckpointError: If there is none.
    """
    faults = []
    for path in sorted(folder.glob(BEST if best else STATES), reverse=True):
        try:
            state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
            return state
        except Exception as fault:
            # PyTorch's own message advises to run what the file says.
            faults.append(f"{path} is not a saved state ({type(fault).__name__})")
    found = "; ".join(faults) or f"{folder} holds no state"
    raise CheckpointError(f"cannot resume: {found}", "train again into a new folder")


def seen_images(folder: Path, *, best: bool = False) -> int:
    """Return how many images the last state that can be read has seen, or the best.

    Raises:
        CheckpointError: If there is none.
    """
    try:
        return sum(int(stage["seen"]) for stage in load_state(folder, best=best)["stages"])
    except (KeyError, TypeError, ValueError) as fault:
        raise CheckpointError(
            f"cannot resume: the state in {folder} does not hold its stages ({fault})",
            "train again into a new folder",
        ) from fault
