"""The training loop: plan, run the stages, save."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from shapecycle.atomic import atomic_write, clear_partial
from shapecycle.config import Settings, as_dict
from shapecycle.data.photo_set import PhotoSet
from shapecycle.data.shape_sampler import SampledSurfaces, ShapeSampler, sampled_surfaces
from shapecycle.data.shapes import ShapeSet
from shapecycle.errors import (
    CheckpointError,
    DataError,
    NonFiniteLoss,
    OutOfMemory,
    is_lack_of_memory,
)
from shapecycle.losses import Losses
from shapecycle.memory.memory import Memory
from shapecycle.model import Model
from shapecycle.model_file import MODEL_NAME, Provenance, load_model, save_model
from shapecycle.parallel import ALONE, Team
from shapecycle.randomness import shared_generator
from shapecycle.shape_to_code.encoder import SURFACE_POINTS
from shapecycle.train.broken import Before, save_broken
from shapecycle.train.card import CARD_NAME, card, held
from shapecycle.train.checkpoint import load_state, save_state
from shapecycle.train.computing import Computing, choose_threads
from shapecycle.train.estimate import after_measuring, at_end, before_stage
from shapecycle.train.health import doubts, image_misfit
from shapecycle.train.helpers import helped
from shapecycle.train.journal import Journal, Silence
from shapecycle.train.loaded import LOADED_NAME, Loaded, write_cache
from shapecycle.train.optimizers import NonFiniteGradient
from shapecycle.train.remember import remember, reserved
from shapecycle.train.schedule import Schedule, Stage, lr_scale, planned_stages, stage_shares
from shapecycle.train.signals import Stopped, StopRequest, stop_requests
from shapecycle.train.steps import Trainer

PANEL_ITEMS = 8
EARLY = 2000
"""Images of a stage after which its first panel is written."""
READY_SECONDS = 3600.0
"""Seconds in which all processes must have loaded their data."""
LOOK_EVERY = {"cpu": 1, "cuda": 8}
"""Steps after which losses are looked at: on a GPU the host waits at every look."""
PREPARING = 0.1
"""Part of the time left that may go into shapes fitted to photographs, once."""
SECONDS_A_SHAPE = 0.2
"""About what one of them takes a slow core."""
THREADS_SECONDS = 15.0
"""Seconds between two counts of the threads; one takes about a twentieth of a second."""


@dataclass(frozen=True)
class Run:
    """What to train on, how, and where to.

    Attributes:
        seconds: Time for all that `train` does, or None when settings count images.
        seconds_are_limit: Whether settings count images all the same, and that time is a limit.
        init: The model to begin with.
        surfaces: Of the shapes, if they were sampled before.
        key: Of the folders, by which what was loaded is kept; "" to keep nothing.
        from_best: Whether to go on from the best state, not the last.
    """

    folder: Path
    settings: Settings
    photos: PhotoSet
    shapes: ShapeSet
    seed: int
    computing: Computing
    seconds: float | None
    resume: bool = False
    seconds_are_limit: bool = False
    init: Path | None = None
    surfaces: SampledSurfaces | None = None
    key: str = ""
    from_best: bool = False

    @property
    def device(self) -> str:
        """Where to compute."""
        return self.computing.device


def train(run: Run, journal: Journal | Silence, team: Team = ALONE) -> Path:
    """Run all stages and save the model, together with other processes where there are some.

    Args:
        run: What to train.
        journal: Where the first process reports.
        team: The processes that were started from outside; without them, this one starts
            those that its `Computing` asks for.

    Returns:
        The path of the model file.

    Raises:
        Stopped: If Ctrl-C or SIGTERM came; the state after the step was saved.
        NonFiniteLoss: If the training diverged.
        LostProcess: If another process ended; what was saved is kept.
    """
    start = time.monotonic()
    surfaces = run.surfaces
    if surfaces is None:
        journal.say("sampling the shapes' surfaces ...")
        surfaces = sampled_surfaces(run.shapes.meshes, run.seed)
        if run.key and team.is_first:
            write_cache(run.folder, run.key, Loaded(run.photos, run.shapes, surfaces))
    # The others get everything ready to use.
    told = replace(run, shapes=replace(run.shapes, meshes=[], paths=[]), surfaces=None)
    with (
        run.computing.applied(),
        helped(Work(told, surfaces), run.computing.processes, run.device) as started,
    ):
        members = started if team.size == 1 else team
        _train(run, surfaces, journal, members, start)
    if team.is_first:
        (run.folder / LOADED_NAME).unlink(missing_ok=True)
    return run.folder / MODEL_NAME


@dataclass(frozen=True)
class Work:
    """What a process does that the first one started."""

    run: Run
    surfaces: SampledSurfaces

    def __call__(self, team: Team) -> None:
        """Train along, and say nothing."""
        with self.run.computing.applied():
            _train(self.run, self.surfaces, Silence(), team, time.monotonic())


def _train(
    run: Run, surfaces: SampledSurfaces, journal: Journal | Silence, team: Team, start: float
) -> None:
    """Run all stages and save the model, as one process of a team."""
    # Some have slower disks.
    team.wait("ready", READY_SECONDS)
    generator = shared_generator(run.device, run.seed, team.rank, team.size)
    shapes = ShapeSampler(surfaces, generator=generator, device=run.device)
    trainer = Trainer(run.settings, run.photos, shapes, seed=run.seed, device=run.device, team=team)
    if run.init is not None and not run.resume:
        trainer.begin_with(load_model(run.init)[0])
        journal.say(f"begins with the weights of {run.init}")
    # Sampling hundreds of surfaces takes minutes, and belongs to the time that was asked for.
    times = (run.seconds or 0.0, time.monotonic() - start) if team.is_first else (0.0, 0.0)
    seconds, preparation = team.largest(times)
    if run.seconds is not None:
        run = replace(run, seconds=seconds)
    schedule = _schedule(run, preparation=preparation, shapes=len(shapes))
    if run.resume:
        _restore(run, trainer, schedule, journal)
        journal.say(f"resumed after {_images(schedule):,} images")
    if trainer.scenes.photos.stream is not None:
        trainer.scenes.photos.stream.read_ahead()
    try:
        with stop_requests() as request:
            misfits = _run_stages(run, trainer, schedule, journal, request)
            _save(run, trainer, schedule, misfits)
            journal.doubt(doubts(trainer, schedule.stages[-1].name, journal.means))
            _remember(run, surfaces, trainer, schedule, journal, request)
    finally:
        trainer.scenes.photos.close()
    journal.say(at_end(schedule, run.settings.train.total_images))
    _panel(journal, trainer, _images(schedule))


def _run_stages(
    run: Run,
    trainer: Trainer,
    schedule: Schedule,
    journal: Journal | Silence,
    request: StopRequest,
) -> list[torch.Tensor]:
    """Run what is left of all stages, and save now and then.

    Returns:
        How badly photographs were drawn in the steps since.
    """
    settings, team = run.settings.train, trainer.team
    schedule.start()
    saved = counted = schedule.elapsed
    unseen: list[Losses] = []
    misfits: list[torch.Tensor] = []
    for stage in schedule.stages:
        if stage.is_done:
            continue
        schedule.begin(stage)
        journal.say(before_stage(schedule, stage))
        step, is_last = trainer.stage(stage.name), stage is schedule.stages[-1]
        while not stage.is_done:
            scale = lr_scale(stage, settings, is_last=is_last)
            try:
                _prepare(trainer, schedule, stage, journal)
                # Elsewhere no step is refused, and none replayed.
                before = Before.of(trainer) if trainer.device.type == "cpu" else None
                losses = step(scale)
            except NonFiniteGradient as fault:
                kept = None
                if team.is_first and before is not None:
                    kept = save_broken(
                        run.folder, trainer, before,
                        stage=stage.name, lr_scale=scale, said=str(fault),
                    )  # fmt: skip
                raise _non_finite(str(fault), stage, run.folder, kept) from fault
            except DataError:
                # A picture that is read late; others wait for their part of a step.
                if team.size == 1:
                    _save(run, trainer, schedule, misfits)
                raise
            except ValueError as fault:
                _check_finite_parts(trainer, run, stage, fault)
                raise
            except (MemoryError, RuntimeError) as fault:
                _check_memory(trainer, stage, fault)
                raise
            unseen.append(losses)
            if (misfit := image_misfit(losses, run.settings.weights)) is not None:
                misfits.append(misfit)
            if len(unseen) >= LOOK_EVERY.get(trainer.device.type, 1):
                _check_finite_losses(unseen, stage, run.folder)
            if trainer.graphs.obstacle:
                journal.say(_without_graphs(trainer.graphs.obstacle))
                trainer.graphs.obstacle = None
            schedule.count(stage)
            # The first process's clock counts; whoever is asked to stop, all do.
            is_late = schedule.elapsed - saved > 60 * settings.checkpoint_minutes
            clock = (stage.images, is_late) if team.is_first else (0, False)
            planned, is_save_due, is_stopped = team.largest([*clock, request.is_made])
            stage.images = int(planned)
            journal.record(losses, _status(schedule, stage))
            if schedule.is_just_measured(stage):
                journal.say(after_measuring(schedule, stage, settings.total_images))
            if is_stopped or stage.is_done:
                _check_finite_losses(unseen, stage, run.folder)
            if is_stopped:
                _save(run, trainer, schedule, misfits)
                raise Stopped
            # Early, now and then, and at the end of every stage but the last, which has one anyway.
            is_early = EARLY <= stage.seen < EARLY + settings.batch
            is_due = _images(schedule) % settings.panel_images < settings.batch
            if is_early or is_due or (stage.is_done and not is_last):
                _panel(journal, trainer, _images(schedule))
            if is_save_due:
                _check_finite_losses(unseen, stage, run.folder)
                _save(run, trainer, schedule, misfits)
                misfits.clear()
                journal.doubt(doubts(trainer, stage.name, journal.means))
                saved = schedule.elapsed
            if run.computing.adapts_threads and schedule.elapsed - counted > THREADS_SECONDS:
                # Whatever else runs on the machine may have stopped or started.
                choose_threads()
                counted = schedule.elapsed
    return misfits


def _prepare(
    trainer: Trainer, schedule: Schedule, stage: Stage, journal: Journal | Silence
) -> None:
    """Let the trainer make what is due; that is no part of the stage's speed."""
    if not trainer.is_due(stage.name, stage.progress):
        return
    start, most = schedule.elapsed, 10**9
    left = schedule.seconds_left(stage)
    if schedule.seconds is not None and left is not None:
        most = max(1, int(PREPARING * left / SECONDS_A_SHAPE))
    # The first process's clock counts.
    most = int(trainer.team.largest([most if trainer.team.is_first else 0])[0])
    if made := trainer.prepare(stage.name, stage.progress, most=most):
        journal.say(made)
    schedule.skip(schedule.elapsed - start)


def _check_memory(trainer: Trainer, stage: Stage, fault: Exception) -> None:
    """Raise if it was for lack of memory that a step failed.

    Raises:
        OutOfMemory: Naming the settings that take less.
    """
    if not is_lack_of_memory(fault):
        return
    settings, size = trainer.settings.train, trainer.settings.model.image_size
    raise OutOfMemory(
        f"the memory of {trainer.device} does not hold a step of stage '{stage.name}' with "
        f"train.batch {settings.batch} ({trainer.batch} items in each of {trainer.team.size} "
        f"process(es)) and model.image_size {size}",
        "lower train.batch in a --config file; --resume goes on from the last saved state",
    ) from fault


@torch.no_grad()
def _check_finite_parts(trainer: Trainer, run: Run, stage: Stage, fault: ValueError) -> None:
    """Raise if weights, or answers to the training data, are not finite: that made a step fail.

    Raises:
        NonFiniteLoss: Naming the first such part.
    """
    networks, photos, device = trainer.networks, run.photos, trainer.device
    parts = {f"the weights '{name}'": value for name, value in networks.state_dict().items()}
    if all(value.isfinite().all() for value in parts.values()):
        code = networks.read(trainer.scenes.shapes.plain(SURFACE_POINTS)[:PANEL_ITEMS])
        rgba = photos.rgba[:PANEL_ITEMS].to(device).float() / 255
        encoding = networks.encode_image(rgba, photos.windows[:PANEL_ITEMS].to(device).float())
        parts = {
            "the shape codes read from shapes": code,
            "the vertices decoded from shape codes": networks.renderer.vertices(code),
            "the features of the photographs": encoding.features,
            "the shape codes seen in photographs": encoding.shape,
            "the vertices of the shapes seen in photographs": networks.renderer.vertices(
                encoding.shape
            ),
            "the lights seen in photographs": encoding.light,
        }
    for name, value in parts.items():
        if not value.isfinite().all():
            raise _non_finite(f"{name} are not finite", stage, run.folder) from fault


def _schedule(run: Run, *, preparation: float, shapes: int) -> Schedule:
    settings = run.settings.train
    is_counted = run.seconds is None or run.seconds_are_limit
    total = settings.total_images if is_counted else None
    seconds = None
    if run.seconds is not None:
        afterwards = reserved(run.seconds, run.settings.memory, shapes)
        seconds = max(1.0, run.seconds - preparation - afterwards)
    return Schedule(planned_stages(total, stage_shares(settings)), settings.batch, seconds)


def _images(schedule: Schedule) -> int:
    return schedule.seen


def _status(schedule: Schedule, stage: Stage) -> dict[str, Any]:
    return {
        "stage": stage.name,
        "progress": stage.progress,
        "images": _images(schedule),
        "images_per_second": schedule.speed(stage),
        "seconds": schedule.elapsed,
        "seconds_left": schedule.seconds_left(stage),
    }


def _check_finite_losses(unseen: list[Losses], stage: Stage, folder: Path) -> None:
    """Look at the losses of some steps, all at once, and forget them."""
    values = [value for losses in unseen for value in losses.values()]
    if values and not torch.stack(values).isfinite().all():
        for losses in unseen:
            for name, value in losses.items():
                if not torch.isfinite(value).all():
                    raise _non_finite(f"the loss '{name}' became {float(value)}", stage, folder)
    unseen.clear()


def _without_graphs(obstacle: str) -> str:
    return (
        f"CUDA graphs could not be recorded ({obstacle}): every operation is launched by itself, "
        "which is several times slower; a smaller train.batch takes less memory"
    )


def _non_finite(found: str, stage: Stage, folder: Path, kept: Path | None = None) -> NonFiniteLoss:
    replay = f"; `shapecycle replay {folder}` takes the step again, and says where it broke"
    return NonFiniteLoss(
        f"{found} in stage '{stage.name}' after {stage.seen:,} images",
        f"go on from the last good state with --resume --out {folder} and a smaller "
        f"train.learning_rate in a --config file{replay * (kept is not None)}",
    )


def _panel(journal: Journal | Silence, trainer: Trainer, images: int) -> None:
    rows = {name: row[:PANEL_ITEMS] for name, row in trainer.last.items()}
    if rows:
        journal.panel(rows, images)


def _save(run: Run, trainer: Trainer, schedule: Schedule, misfits: Sequence[torch.Tensor]) -> None:
    """Save, in all processes at once: each says where it stands in the photographs.

    Args:
        run: Where to.
        trainer: What is saved.
        schedule: How far it is.
        misfits: How badly photographs were drawn in the steps since the last time.
    """
    stream = trainer.scenes.photos.stream
    places = None if stream is None else trainer.team.each(stream.position)
    if not trainer.team.is_first:
        return
    clear_partial(run.folder)
    with trainer.ema.applied():
        trainer.fit_priors()
        save_model(trainer.networks, run.folder / MODEL_NAME, _provenance(run, schedule))
    state = {
        "trainer": trainer.state(),
        "stages": [dict(vars(stage)) for stage in schedule.stages],
        "elapsed": schedule.elapsed,
        "photographs": places,
    }
    misfit = float(torch.stack(list(misfits)).mean()) if misfits else None
    save_state(run.folder / "state", state, _images(schedule), misfit)


def _remember(
    run: Run,
    surfaces: SampledSurfaces,
    trainer: Trainer,
    schedule: Schedule,
    journal: Journal | Silence,
    request: StopRequest,
) -> None:
    """Save the model once more, with what it remembers of the folders.

    Raises:
        Stopped: If that was asked for; the model is saved, without a memory.
    """
    settings = run.settings.memory
    if not trainer.team.is_first:
        return
    provenance, found = _provenance(run, schedule), Memory()
    if settings.sources or settings.donors:
        journal.say("remembering shapes and photographs ...")
        start, seconds = time.monotonic(), None
        if run.seconds is not None:
            seconds = reserved(run.seconds, settings, len(run.shapes))
        with trainer.ema.applied():
            made = remember(
                Model(trainer.networks, provenance), run.shapes, surfaces, run.photos,
                settings, seconds=seconds, is_stopped=lambda: request.is_made,
            )  # fmt: skip
            if made is None:
                raise Stopped
            found = made
            save_model(trainer.networks, run.folder / MODEL_NAME, provenance, found)
        journal.say(
            f"the model holds {held(found)} ({time.monotonic() - start:.0f} s): mind "
            "their owners when you share it; `shapecycle strip` takes them out"
        )
    with atomic_write(run.folder / CARD_NAME) as partial:
        partial.write_text(card(provenance, found), encoding="utf-8")


def _provenance(run: Run, schedule: Schedule) -> Provenance:
    notes = [*run.photos.notes, *run.shapes.notes]
    return Provenance(as_dict(run.settings), _images(schedule), notes)


def _restore(run: Run, trainer: Trainer, schedule: Schedule, journal: Journal | Silence) -> None:
    folder = run.folder / "state"
    state = load_state(folder, best=run.from_best)
    try:
        trainer.load_state(state["trainer"])
        schedule.resume([Stage(**saved) for saved in state["stages"]], spent=state["elapsed"])
        stream = trainer.scenes.photos.stream
        if stream is not None and not stream.go_to(state["photographs"]):
            journal.say("another number of processes trained before: all photographs come again")
    except (KeyError, TypeError, ValueError, RuntimeError) as fault:
        raise CheckpointError(
            f"cannot resume: the state in {folder} does not fit these settings "
            f"({type(fault).__name__}: {str(fault).splitlines()[0]})",
            "train again into a new folder",
        ) from fault
