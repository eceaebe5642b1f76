"""A step that broke: kept in the run folder, to be taken again and looked into."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from shapecycle.atomic import atomic_write
from shapecycle.errors import CheckpointError
from shapecycle.losses import Losses
from shapecycle.train.steps import Trainer

BROKEN_NAME = "broken.pt"


@dataclass(frozen=True, eq=False)
class Before:
    """Where the random numbers of a step began, and the photographs that are read in turn."""

    own: Tensor
    pytorch: Tensor
    photographs: dict[str, Any] | None = None

    @staticmethod
    def of(trainer: Trainer) -> "Before":
        """Take note of where they are."""
        stream = trainer.scenes.photos.stream
        place = None if stream is None else stream.position()
        return Before(trainer.generator.get_state(), torch.get_rng_state(), place)

    def set(self, trainer: Trainer) -> None:
        """Go back there."""
        trainer.generator.set_state(self.own)
        torch.set_rng_state(self.pytorch)
        stream = trainer.scenes.photos.stream
        if stream is not None and self.photographs is not None:
            stream.go_to([self.photographs])


def save_broken(
    folder: Path, trainer: Trainer, before: Before, *, stage: str, lr_scale: float, said: str
) -> Path:
    """Write what takes the same step again.

    The weights are those before the part of the step that broke: what came earlier in the step,
    such as the shape autoencoder's part, is in them.

    Args:
        folder: That of the run.
        trainer: After the step.
        before: Where it began.
        stage: In which it broke.
        lr_scale: What the step was called with.
        said: What was found.

    Returns:
        The file.

    Raises:
        OSError: If it cannot be written.
    """
    contents = {
        "trainer": trainer.state(), "before": vars(before),
        "stage": stage, "lr_scale": lr_scale, "said": said,
    }  # fmt: skip
    file = folder / BROKEN_NAME
    with atomic_write(file) as partial, partial.open("wb") as opened:
        torch.save(contents, opened)
    return file


def load_broken(folder: Path) -> dict[str, Any]:
    """Read what `save_broken` wrote.

    Raises:
        CheckpointError: If there is nothing, or it cannot be read.
    """
    file = folder / BROKEN_NAME
    if not file.is_file():
        raise CheckpointError(
            f"{folder} holds no step that broke ({BROKEN_NAME})",
            "a training on a processor writes one when a loss or a gradient is not finite",
        )
    try:
        found: dict[str, Any] = torch.load(file, weights_only=True, map_location="cpu")
        found["trainer"], found["stage"], Before(**found["before"])
    except Exception as fault:  # whatever a damaged file comes to
        raise CheckpointError(f"{file} cannot be read ({type(fault).__name__})") from fault
    return found


def replayed(trainer: Trainer, broken: dict[str, Any]) -> tuple[Losses, str]:
    """Take the step that broke again.

    Returns:
        Its losses, where it comes to an end, and what broke in it: the operation, as PyTorch's
        anomaly detection names it; "" where nothing does.
    """
    trainer.load_state(broken["trainer"])
    Before(**broken["before"]).set(trainer)
    try:
        with torch.autograd.set_detect_anomaly(True):
            losses = trainer.stage(broken["stage"])(broken["lr_scale"])
    except (ArithmeticError, RuntimeError, ValueError) as fault:
        return {}, f"{type(fault).__name__}: {fault}"
    return losses, ""
