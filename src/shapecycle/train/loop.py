"""The training loop: load, plan, play the stages, save."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from shapecycle.config import Settings, TrainSettings, as_dict
from shapecycle.cycles.random_scenes import ShapePool
from shapecycle.data.photos import PhotoSet
from shapecycle.data.shapes import ShapeSet
from shapecycle.errors import CheckpointError, ShapecycleError
from shapecycle.model_file import MODEL_NAME, Provenance, save_model
from shapecycle.shape_to_code.encoder import SURFACE_POINTS
from shapecycle.train.checkpoint import load_state, save_state
from shapecycle.train.journal import Journal
from shapecycle.train.schedule import Budget, Stage, planned_stages
from shapecycle.train.signals import Stopped, StopRequest, stop_requests
from shapecycle.train.steps import Terms, Trainer
from shapecycle.train.threads import choose_threads

PANEL_ITEMS = 8


class NonFiniteLoss(ShapecycleError):
    """A loss or a weight became infinite or not a number; the run is stopped, not repaired."""


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

    Raises:
        Stopped: If Ctrl-C or SIGTERM came; the state after the step was saved.
        NonFiniteLoss: If the training diverged.
    """
    start = time.monotonic()
    generator = torch.Generator().manual_seed(run.seed)
    journal.say("sampling the shapes' surfaces ...")
    pool = ShapePool(run.shapes.meshes, generator=generator, device=run.device)
    trainer = Trainer(run.settings, run.photos, pool, seed=run.seed, device=run.device)
    # Sampling hundreds of surfaces takes minutes, and belongs to the time that was asked for.
    budget = _plan(run, preparation=time.monotonic() - start)
    if run.resume:
        _restore(run, trainer, budget)
        journal.say(f"resumed after {_images(budget):,} images")
    with stop_requests() as request:
        _play(run, trainer, budget, journal, request)
        # A request from now on comes too late: the training ends anyway.
        _save(run, trainer, budget)
    _panel(journal, trainer, _images(budget))
    return run.folder / MODEL_NAME


def _play(
    run: Run, trainer: Trainer, budget: Budget, journal: Journal, request: StopRequest
) -> None:
    """Play what is left of all stages, and save now and then."""
    settings = run.settings
    budget.start()
    saved = budget.elapsed
    for stage in budget.stages:
        if stage.is_done:
            continue
        budget.begin(stage)
        while not stage.is_done:
            terms = _step(run, trainer, stage, last=stage is budget.stages[-1])
            budget.count(stage)
            _refuse_non_finite(terms, stage, run.folder)
            journal.record(terms, _status(budget, stage))
            if request.is_made:
                _save(run, trainer, budget)
                raise Stopped
            if _images(budget) % settings.train.panel_images < settings.train.batch:
                _panel(journal, trainer, _images(budget))
            if budget.elapsed - saved > 60 * settings.train.checkpoint_minutes:
                _save(run, trainer, budget)
                saved = budget.elapsed
                if run.seconds is not None and run.device == "cpu":
                    # Whatever else runs on the machine may have stopped or started.
                    choose_threads()


def _step(run: Run, trainer: Trainer, stage: Stage, *, last: bool) -> Terms:
    """Take one step; where it fails on numbers that are no longer finite, say so."""
    try:
        return trainer.stage(stage.name)(_pace(stage, last=last))
    except ValueError as fault:
        part = _non_finite_part(trainer, run.photos)
        if part is None:
            raise
        raise _non_finite(f"{part} are not finite", stage, run.folder) from fault


@torch.no_grad()
def _non_finite_part(trainer: Trainer, photos: PhotoSet) -> str | None:
    """Name a part of the model whose weights or answers to the training data are not finite."""
    for name, value in trainer.networks.state_dict().items():
        if not torch.isfinite(value).all():
            return f"the weights '{name}'"
    model = trainer.model
    code = model.read(trainer.pool.plain(SURFACE_POINTS)[:PANEL_ITEMS])
    rgba = photos.rgba[:PANEL_ITEMS].to(trainer.device).float() / 255
    glance = model.glance(rgba, photos.windows[:PANEL_ITEMS].to(trainer.device).float())
    answers = {
        "the shape codes read from shapes": code,
        "the vertices decoded from shape codes": model.drawer.vertices(code),
        "the features of the photographs": glance.features,
        "the shape codes seen in photographs": glance.shape,
        "the vertices of the shapes seen in photographs": model.drawer.vertices(glance.shape),
        "the lights seen in photographs": glance.light,
    }
    return next((k for k, v in answers.items() if not torch.isfinite(v).all()), None)


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


def _refuse_non_finite(terms: Terms, stage: Stage, folder: Path) -> None:
    for name, value in terms.items():
        if not torch.isfinite(value).all():
            raise _non_finite(f"the loss '{name}' became {float(value)}", stage, folder)


def _non_finite(found: str, stage: Stage, folder: Path) -> NonFiniteLoss:
    return NonFiniteLoss(
        f"{found} in stage '{stage.name}' after {stage.seen:,} images",
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
