"""The training loop: load, plan, play the stages, save."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from shapecycle.config import Settings, TrainSettings, as_dict
from shapecycle.cycles.random_scenes import ShapePool
from shapecycle.data.images import PhotoSet
from shapecycle.data.shapes import ShapeSet
from shapecycle.errors import CheckpointError, ShapecycleError
from shapecycle.model import MODEL_NAME, Provenance, save_model
from shapecycle.train.budget import Budget, Stage, planned_stages
from shapecycle.train.checkpoint import load_state, save_state
from shapecycle.train.journal import Journal
from shapecycle.train.threads import choose_threads
from shapecycle.train.trainer import Trainer

PANEL_ITEMS = 8


class NonFiniteLoss(ShapecycleError):
    """A loss became infinite or not a number; the run is stopped, not repaired."""


@dataclass(frozen=True)
class Run:
    """What to train on, how, and where to.

    Attributes:
        seconds: Time for all that `train` does, or None when settings count images.
    """

    folder: Path
    settings: Settings
    photos: PhotoSet
    shapes: ShapeSet
    seed: int
    device: str
    seconds: float | None
    resume: bool = False


def train(run: Run, journal: Journal) -> Path:
    """Play all stages and save the model.

    Returns:
        The path of the model file.
    """
    start = time.monotonic()
    settings = run.settings
    generator = torch.Generator().manual_seed(run.seed)
    journal.say("sampling the shapes' surfaces ...")
    pool = ShapePool(run.shapes.meshes, generator=generator, device=run.device)
    trainer = Trainer(settings, run.photos, pool, seed=run.seed, device=run.device)
    # Sampling hundreds of surfaces takes minutes, and belongs to the time that was asked for.
    budget = _plan(run, preparation=time.monotonic() - start)
    if run.resume:
        _restore(run, trainer, budget)
        journal.say(f"resumed after {_images(budget):,} images")
    budget.start()
    saved = budget.elapsed
    for stage in budget.stages:
        if stage.is_done:
            continue
        budget.begin(stage)
        step = trainer.stage(stage.name)
        while not stage.is_done:
            terms = step(_pace(stage, last=stage is budget.stages[-1]))
            budget.count(stage)
            _refuse_non_finite(terms, stage, run.folder)
            journal.record(terms, _status(budget, stage))
            if _images(budget) % settings.train.panel_images < settings.train.batch:
                _panel(journal, trainer, _images(budget))
            if budget.elapsed - saved > 60 * settings.train.checkpoint_minutes:
                _save(run, trainer, budget)
                saved = budget.elapsed
                if run.seconds is not None and run.device == "cpu":
                    # Whatever else runs on the machine may have stopped or started.
                    choose_threads()
    _save(run, trainer, budget)
    _panel(journal, trainer, _images(budget))
    return run.folder / MODEL_NAME


def stage_shares(settings: TrainSettings) -> list[tuple[str, float]]:
    """Return the stages in their order and each one's share of the budget; the shares sum to 1."""
    return [
        ("shapes", settings.shape_share),
        ("random cycle", settings.random_share),
        ("all cycles", 1 - settings.shape_share - settings.random_share),
    ]


def _plan(run: Run, *, preparation: float) -> Budget:
    train_settings = run.settings.train
    total = train_settings.total_images if run.seconds is None else None
    seconds = None if run.seconds is None else max(1.0, run.seconds - preparation)
    return Budget(
        planned_stages(total, stage_shares(train_settings)), train_settings.batch, seconds
    )


def _pace(stage: Stage, *, last: bool) -> float:
    """Return the step size's factor: a short warm-up, then half a cosine down."""
    warm = min(1.0, (stage.seen + 1) / 3000)
    top, bottom = (0.5, 0.05) if last else (1.0, 0.2)
    wave = (1 + torch.cos(torch.tensor(stage.progress * torch.pi)).item()) / 2
    return warm * (bottom + (top - bottom) * wave)


def _images(budget: Budget) -> int:
    return sum(stage.seen for stage in budget.stages)


def _status(budget: Budget, stage: Stage) -> dict[str, Any]:
    left = None if budget.seconds is None else max(0.0, budget.seconds - budget.elapsed)
    return {
        "stage": stage.name,
        "progress": stage.progress,
        "images": _images(budget),
        "images_per_second": budget.speed(stage),
        "seconds": budget.elapsed,
        "seconds_left": left,
    }


def _refuse_non_finite(terms: dict[str, torch.Tensor], stage: Stage, folder: Path) -> None:
    for name, value in terms.items():
        if not torch.isfinite(value).all():
            raise NonFiniteLoss(
                f"the loss '{name}' became {float(value)} in stage '{stage.name}' "
                f"after {stage.seen:,} images",
                f"go on from the last good state with --resume --out {folder} and a smaller "
                "train.learning_rate in a --config file",
            )


def _panel(journal: Journal, trainer: Trainer, images: int) -> None:
    rows = [row[:PANEL_ITEMS] for row in trainer.last.values()]
    if rows:
        journal.panel(rows, images)


def _save(run: Run, trainer: Trainer, budget: Budget) -> None:
    with trainer.average.worn():
        trainer.fit_priors()
        about = Provenance(
            as_dict(run.settings), _images(budget), [*run.photos.notes, *run.shapes.notes]
        )
        save_model(trainer.networks, run.folder / MODEL_NAME, about)
    stages = [[s.name, s.share, s.images, s.seen] for s in budget.stages]
    state = {
        "trainer": trainer.state(),
        "stages": stages,
        "elapsed": budget.elapsed,
        "settings": json.dumps(as_dict(run.settings)),
    }
    save_state(run.folder / "state", state, _images(budget))


def _restore(run: Run, trainer: Trainer, budget: Budget) -> None:
    folder = run.folder / "state"
    state = load_state(folder)
    try:
        trainer.load_state(state["trainer"])
        budget.resume(state["stages"], spent=state["elapsed"])
    except (KeyError, TypeError, ValueError, RuntimeError) as fault:
        raise CheckpointError(
            f"cannot resume: the state in {folder} does not fit these settings "
            f"({type(fault).__name__}: {str(fault).splitlines()[0]})",
            "train again into a new folder",
        ) from fault
