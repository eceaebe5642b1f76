"""``shapecycle train``."""

import shlex
import sys
import time
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import DisallowNone, arg

from shapecycle.cli.inputs import MAX_SEED, Device, check_range
from shapecycle.cli.output import FULL, check_creatable, check_unused
from shapecycle.cli.progress import Progress
from shapecycle.cli.run_record import Record, read_record, record_file, write_record
from shapecycle.cli.surroundings import note_surroundings
from shapecycle.console import hushed, say
from shapecycle.errors import CheckpointError, ConfigError, DataError
from shapecycle.torchrun import is_first_process, is_one_of_several, local_rank
from shapecycle.train.lock import LOCK_NAME, check_not_running, locked
from shapecycle.train.signals import Stopped, interruptible

if TYPE_CHECKING:
    from shapecycle.config import ModelSettings, Settings
    from shapecycle.data.photo_parts import PhotoParts
    from shapecycle.data.photo_set import PhotoSet
    from shapecycle.data.shapes import ShapeSet
    from shapecycle.parallel import Team
    from shapecycle.train.computing import Computing

MAX_PROCESSES = 256
SHORT_MINUTES = 5
UP, FRONT = "+y", "+z"
"""The shape files' axes where none are named."""


@dataclass(frozen=True)
class Train:
    """Train a model on a folder of masked pictures and an unrelated folder of shapes.

    Example: shapecycle train --images photos --shapes meshes --out run --minutes 30
    """

    images: Path
    """Folder of RGBA pictures, or of RGB pictures with masks of the same names in masks/; or of tar
    shards as WebDataset reads them."""
    shapes: Path
    """Folder of meshes (GLB, OBJ, PLY, OFF, STL) or oriented point clouds (PLY)."""
    out: Path
    """Run folder to create; with --resume, the run folder to go on with."""
    minutes: Annotated[DisallowNone[float | None], arg(help_behavior_hint="(default: none)")] = None
    """Train for about this long, loading included; with --total-images, at most this long.
    With --resume, what the run has taken so far counts too."""
    total_images: Annotated[
        DisallowNone[int | None], arg(help_behavior_hint="(default: the preset's)")
    ] = None
    """Train until so many images are seen; too few --minutes beside it shorten all stages alike."""
    preset: Annotated[
        DisallowNone[Literal["laptop", "standard", "large", "paper"] | None],
        arg(help_behavior_hint="(default: laptop)"),
    ] = None
    """Size of the networks and length of the training; paper follows the published system."""
    config: Annotated[DisallowNone[Path | None], arg(help_behavior_hint="(default: none)")] = None
    """YAML file of settings that differ from the preset's."""
    init: Annotated[DisallowNone[Path | None], arg(help_behavior_hint="(default: none)")] = None
    """Begin with a trained model instead of random weights: a run folder, a model file, or one that
    comes with the package (cars, chairs). Its sizes must be the settings'."""
    seed: Annotated[DisallowNone[int | None], arg(help_behavior_hint="(default: 0)")] = None
    """Seed of all random numbers."""
    device: Device = "auto"
    """Where to compute; auto takes an NVIDIA GPU if there is one, else the processor."""
    precision: Annotated[
        DisallowNone[Literal["auto", "float32", "bfloat16"] | None],
        arg(help_behavior_hint="(default: auto)"),
    ] = None
    """Number format of the networks; auto times both on this machine and takes the faster one."""
    processes: Annotated[DisallowNone[int | None], arg(help_behavior_hint="(default: auto)")] = None
    """Processes that share every batch out on this machine's processor."""
    deterministic: Annotated[
        DisallowNone[bool | None], arg(help_behavior_hint="(default: faster)")
    ] = None
    """Give the same weights to the bit each time, on one thread in float32."""
    up: Annotated[DisallowNone[str | None], arg(help_behavior_hint="(default: +y)")] = None
    """Axis that points up in the shape files."""
    front: Annotated[DisallowNone[str | None], arg(help_behavior_hint="(default: +z)")] = None
    """Axis that points to the front in the shape files."""
    memory: Annotated[
        DisallowNone[Literal["folders", "none"] | None],
        arg(help_behavior_hint="(default: folders)"),
    ] = None
    """Whether the model keeps shapes and texels of photographs, for carried surfaces and whole
    textures; none leaves nothing of either folder in it."""
    resume: bool = False
    """Go on from the last saved state in the run folder, with its settings, seed and axes; begin
    anew with them if it was stopped before the first one."""
    best: bool = False
    """With --resume: go on from the state in which photographs were drawn best, and drop those
    after it; in its file's name in state/ stand the images and the mean of their losses."""
    skip_bad: Annotated[DisallowNone[bool | None], arg(help_behavior_hint="(default: stop)")] = None
    """Leave bad files out instead of stopping; all are named."""
    dry_run: bool = False
    """Print the settings, the networks' sizes, and the memory and speed of some steps; stop."""

    def run(self) -> None:
        """Check everything that can be checked at once, load, train, and say where the model is."""
        from shapecycle.devices import chosen_device
        from shapecycle.parallel import ALONE, joined, leave

        start = time.monotonic()
        if not self.dry_run and is_first_process():
            check_not_running(self.out)
        record = planned(self)
        device = chosen_device(self.device)
        if self.dry_run:
            from shapecycle.cli.dry_run import dry_run

            computing = computing_of(self, record, device, ALONE)
            dry_run(record.settings, computing)
            return
        if not self.resume and is_first_process():
            _check_new(self.out)
            check_creatable(self.out)
        if is_one_of_several() and device == "cuda":
            device = chosen_device(f"cuda:{local_rank()}")
        team = joined(device)
        try:
            if not team.is_first:
                with interruptible(), hushed():
                    load_and_train(self, record, device, start, team)
                return
            with interruptible(), locked(self.out):
                if not self.resume:
                    # Another training may have begun and ended there in the meantime.
                    _check_new(self.out)
                path = load_and_train(self, record, device, start, team)
        finally:
            leave()
        say(f"trained for {(time.monotonic() - start) / 60:.1f} minutes; the model is")
        print(path)


def _check_new(out: Path) -> None:
    """Raise if a run folder to be created holds something already.

    Raises:
        CheckpointError: Saying how to go on with it, if that is a training.
    """
    if record_file(out).is_file():
        raise CheckpointError(
            f"the output folder {out} already holds a training",
            "go on with it by --resume, or name a new folder; nothing is overwritten",
        )
    check_unused(out, besides=LOCK_NAME)


# What is trained: options, completed from the run folder where a training goes on ----------------


def planned(command: Train) -> Record:
    """Check the options and fill in what was left out; a run that goes on brings its own.

    Raises:
        ConfigError: If an option is out of its range, or not what the run was begun with.
        CheckpointError: If there is no run to go on with.
    """
    from shapecycle.data.shapes import axes_of

    if command.minutes is not None and not 0 < command.minutes < inf:
        raise ConfigError(f"--minutes must be a positive number, found {command.minutes}")
    if command.total_images is not None and command.total_images <= 0:
        raise ConfigError(f"--total-images must be positive, found {command.total_images}")
    if command.seed is not None:
        check_range(command.seed, 0, MAX_SEED, "--seed")
    if command.processes is not None:
        check_range(command.processes, 1, MAX_PROCESSES, "--processes")
        if is_one_of_several():
            raise ConfigError(
                "--processes is for one machine without torchrun, which starts them itself",
                "leave --processes out",
            )
    if command.deterministic and is_one_of_several():
        raise ConfigError(
            "--deterministic trains in one process, and torchrun started several",
            "leave torchrun out",
        )
    if command.best and not command.resume:
        raise ConfigError("--best goes on with a training", "give --resume with it")
    record = _resumed(command) if command.resume else _new_run(command)
    axes_of(record.up, record.front)  # raises if they are none
    return replace(
        record,
        images=str(command.images.absolute()),
        shapes=str(command.shapes.absolute()),
        commands=(*record.commands, ("shapecycle", *sys.argv[1:])),
    )


def _new_run(command: Train) -> Record:
    from shapecycle.config import load_settings

    preset = command.preset or "laptop"
    return Record(
        settings=_with_memory(
            _with_length(load_settings(preset, command.config), command), command
        ),
        seed=command.seed or 0,
        minutes=command.minutes,
        minutes_are_limit=command.minutes is not None and command.total_images is not None,
        preset=preset,
        up=axis(command.up or UP),
        front=axis(command.front or FRONT),
        skip_bad=bool(command.skip_bad),
        precision=command.precision or "auto",
        processes=command.processes,
        deterministic=bool(command.deterministic),
        init="" if command.init is None else str(command.init),
    )


def _resumed(command: Train) -> Record:
    """Take what was not given from the run folder, and refuse what contradicts it."""
    from shapecycle.config import changed_by_file, checked
    from shapecycle.model_file import MODEL_NAME
    from shapecycle.train.checkpoint import has_state, seen_images
    from shapecycle.train.schedule import total_too_small

    stored, state = read_record(command.out), command.out / "state"
    if not has_state(state) and (command.out / MODEL_NAME).exists():
        raise CheckpointError(
            f"cannot resume: {command.out} holds a model, but no state to go on from",
            "train into a new folder",
        )
    if command.best and not has_state(state, best=True):
        raise CheckpointError(
            f"cannot resume: {state} holds no best state",
            "one is kept once photographs are drawn, in the last stage; leave --best out",
        )
    # Before anything is loaded.
    seen = seen_images(state, best=command.best) if has_state(state) else 0
    for name, given, before in (
        ("preset", command.preset, stored.preset),
        ("seed", command.seed, stored.seed),
        ("up", None if command.up is None else axis(command.up), stored.up),
        ("front", None if command.front is None else axis(command.front), stored.front),
        # Where pictures are read in turn, a bad one may be found late.
        ("skip-bad", command.skip_bad, stored.skip_bad or bool(command.skip_bad)),
        ("deterministic", command.deterministic, stored.deterministic),
        ("init", None if command.init is None else str(command.init), stored.init),
    ):
        if given is not None and given != before:
            raise ConfigError(
                f"{_option(name, given)} was given, but the run in {command.out} was begun with "
                f"{_option(name, before)}",
                f"leave --{name} out, or train into a new folder",
            )
    settings = stored.settings
    if command.config is not None:
        settings = changed_by_file(settings, command.config)
    if settings.model != stored.settings.model:
        raise ConfigError(
            f"{command.config} changes 'model', which a training that goes on cannot",
            "leave 'model' as it is, or train into a new folder",
        )
    if settings.scenes.photographed_shapes != stored.settings.scenes.photographed_shapes:
        raise ConfigError(
            f"{command.config} changes 'scenes.photographed_shapes', which may have been made",
            "leave 'scenes.photographed_shapes' as it is, or train into a new folder",
        )
    source = str(command.config or record_file(command.out))
    settings = _with_memory(_with_length(checked(settings, source=source), command), command)
    minutes, is_limit = _time_to_go_on(command, stored)
    total = settings.train.total_images
    counted = stored.minutes is None or stored.minutes_are_limit
    is_old = counted and total == stored.settings.train.total_images
    if (minutes is None or is_limit) and not is_old and total < seen:
        raise total_too_small(total, seen)
    precision = command.precision or stored.precision
    return replace(
        stored,
        settings=settings,
        minutes=minutes,
        minutes_are_limit=is_limit,
        skip_bad=stored.skip_bad or bool(command.skip_bad),
        precision=precision,
        processes=command.processes or stored.processes,
    )


def _time_to_go_on(command: Train, stored: Record) -> tuple[float | None, bool]:
    """Return the minutes of a training that goes on, and whether they are a limit only.

    What is given replaces what the run was begun with. Where the run has both a number of images
    and a limit, the one that is not given stays.
    """
    minutes, total = command.minutes, command.total_images
    if stored.minutes_are_limit:
        return (stored.minutes if minutes is None else minutes), True
    if minutes is None and total is None:
        return stored.minutes, False
    return minutes, minutes is not None and total is not None


def _with_length(settings: "Settings", command: Train) -> "Settings":
    from shapecycle.config import checked

    if command.total_images is None:
        return settings
    length = replace(settings.train, total_images=command.total_images)
    return checked(replace(settings, train=length), source="--total-images")


def _with_memory(settings: "Settings", command: Train) -> "Settings":
    from shapecycle.config import MemorySettings

    if command.memory is None:
        return settings
    kept = MemorySettings() if command.memory == "folders" else MemorySettings(0, 0)
    return replace(settings, memory=kept)


def _option(name: str, value: object) -> str:
    """Return an option as it is typed."""
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name} {value}"


def axis(name: str) -> str:
    """Return an axis with its sign: "Z" and "+z" are the same one; what is none stays."""
    lower = name.lower()
    return f"+{lower}" if lower in ("x", "y", "z") else lower


def with_counts(record: Record, command: Train, pictures: int | None, shapes: int) -> Record:
    """Note how many pictures and shapes there are, unless the run had others before.

    Of pictures in shards it may be known only when all have been read.

    Raises:
        DataError: If a run that goes on finds more or fewer than it was begun with.
    """
    for kind, folder, before, now in (
        ("pictures", command.images, record.picture_count, pictures),
        ("shapes", command.shapes, record.shape_count, shapes),
    ):
        if before not in (None, now):
            raise DataError(
                f"the run in {command.out} was begun with {_number(before)} {kind}, "
                f"{folder} gives {_number(now)}",
                f"give the same {kind}, or train into a new folder",
            )
    return replace(record, picture_count=pictures, shape_count=shapes)


def _number(count: int | None) -> str:
    return "an unknown number of" if count is None else f"{count:,}"


# The training ------------------------------------------------------------------------------------


def load_and_train(command: Train, record: Record, device: str, start: float, team: "Team") -> Path:
    """Load both folders, note in the run folder what is trained on what, and train.

    Args:
        command: The options.
        record: What they mean.
        device: Where to compute.
        start: When the command was given, on the monotonic clock.
        team: The processes that torchrun started; this one writes if it is the first.
    """
    from shapecycle.train.checkpoint import has_state
    from shapecycle.train.journal import Journal, Silence
    from shapecycle.train.loaded import read_cache
    from shapecycle.train.loop import Run, train

    if record.init:
        check_init(Path(record.init), record.settings.model)
    computing = computing_of(command, record, device, team)
    started = "" if team.size == 1 else f"{team.size} processes started by torchrun; this one "
    say(f"{started}{computing}")
    record = replace(record, precision=computing.precision)
    parts = parts_of_pictures(command.images, record)
    key = key_of_folders(command, record, parts)
    found = read_cache(command.out, key, parts) if command.resume else None
    if found is None:
        photos, shapes = load_folders(command.images, command.shapes, record)
    else:
        photos, shapes = found.photos, found.shapes
        say(f"{command.images} and {command.shapes} are unchanged, and were loaded before")
    count = len(photos) if parts is None else parts.count
    record = with_counts(record, command, count, len(shapes))
    if team.is_first:
        write_record(command.out, record)
        note_surroundings(command.out, computing, photos, shapes)
    seconds = None if record.minutes is None else 60 * record.minutes
    if seconds is not None:
        seconds = max(1.0, seconds - (time.monotonic() - start))
    what = (record.settings, photos, shapes, record.seed)
    is_limit = record.minutes_are_limit
    is_resumed = command.resume and has_state(command.out / "state")
    if command.resume and not is_resumed:
        say("this training was stopped before its first save: it begins anew")
    init = Path(record.init) if record.init else None
    surfaces = None if found is None else found.surfaces
    run = Run(
        command.out, *what, computing, seconds, is_resumed, is_limit, init, surfaces, key,
        from_best=command.best,
    )  # fmt: skip
    try:
        journal = Journal(command.out) if team.is_first else Silence()
        try:
            return train(run, journal, team)
        except Stopped:
            say(f"the state is saved; to go on: {_resuming(command)}")
            raise
        finally:
            journal.close()
    except OSError as fault:
        raise _unwritable(command, fault) from fault


def _unwritable(command: Train, fault: OSError) -> CheckpointError:
    """Return the error for a run folder that cannot be written to, with the way on."""
    from shapecycle.model_file import MODEL_NAME
    from shapecycle.train.checkpoint import has_state

    is_full = fault.errno in FULL
    remedy = "make room on that disk" if is_full else "see that it can be written to"
    if has_state(command.out / "state"):
        hint = f"{remedy}; what was saved before is kept, to go on: {_resuming(command)}"
    elif (command.out / MODEL_NAME).exists():
        hint = f"{remedy}; the model is whole, but there is no state to go on from"
    else:
        hint = f"{remedy}; nothing was saved yet, to begin anew: {_resuming(command)}"
    return CheckpointError(
        f"cannot write {fault.filename or command.out}: {fault.strerror or fault}", hint
    )


def check_init(path: Path, settings: "ModelSettings") -> None:
    """Raise if a training cannot begin with a model.

    Raises:
        CheckpointError: If there is no such model.
        ConfigError: If its networks have other sizes than the settings'.
    """
    from shapecycle.config import FRAMING, ModelSettings
    from shapecycle.model_file import load_model

    theirs = load_model(path)[0].settings
    differing = [
        f"{f.name} {getattr(theirs, f.name)}, not {getattr(settings, f.name)}"
        for f in fields(ModelSettings)
        if f.name not in FRAMING and getattr(theirs, f.name) != getattr(settings, f.name)
    ]
    if differing:
        raise ConfigError(
            f"--init {path}: the model has {'; '.join(differing)}",
            "begin with a model of the same preset and settings, or leave --init out",
        )


def computing_of(command: Train, record: Record, device: str, team: "Team") -> "Computing":
    """Choose number format, threads and processes, alike in all processes of torchrun.

    Raises:
        ConfigError: If what was asked for cannot be had.
    """
    from shapecycle.train.computing import available_cores, check_shares, chosen_computing

    check_shares(record.settings.train.batch, team.size)
    # Choosing between threads and processes takes some seconds.
    is_short = record.minutes is not None and record.minutes < SHORT_MINUTES
    asked = command.processes
    if asked is None and record.processes is not None and device == "cpu" and team.size == 1:
        # What the run was begun with, as far as there are cores.
        asked = min(record.processes, available_cores())
    computing = chosen_computing(
        record.settings,
        device,
        precision=record.precision,
        processes=asked or (1 if is_short else None),
        is_deterministic=record.deterministic,
        team=team,
    )
    if command.resume and command.precision is None and not record.deterministic:
        computing = replace(computing, reason="as the run was begun")
    is_full = bool(team.largest([computing.precision == "float32"])[0])
    if is_full and computing.precision != "float32":
        return replace(computing, precision="float32", reason="faster in another process")
    return computing


def _resuming(command: Train) -> str:
    """Return the command that goes on with a training, as it is typed."""
    words = ["--images", command.images, "--shapes", command.shapes, "--out", command.out]
    if command.device != "auto":
        words += ["--device", command.device]
    return shlex.join(["shapecycle", "train", *map(str, words), "--resume"])


def parts_of_pictures(images: Path, record: Record) -> "PhotoParts | None":
    """Return the parts in which the pictures are read; None where all are held in the memory."""
    from shapecycle.data.photo_set import parts_of

    size, margin = record.settings.model.image_size, record.settings.model.window_margin
    return parts_of(images, size=size, margin=margin, skip_bad=record.skip_bad)


def key_of_folders(command: Train, record: Record, parts: "PhotoParts | None") -> str:
    """Return what changes when a file of either folder does, or how it is loaded."""
    from shapecycle.data.photos import MASK_FOLDERS
    from shapecycle.train.loaded import cache_key

    pictures, model = command.images.absolute(), record.settings.model
    return cache_key(
        (
            pictures,
            pictures / MASK_FOLDERS[0],
            pictures.parent / MASK_FOLDERS[0],
            command.shapes.absolute(),
        ),
        *(version("shapecycle"), record.seed, model.image_size, model.window_margin),
        *(record.skip_bad, record.up, record.front),
        "" if parts is None else parts.fingerprint,
    )


def load_folders(images: Path, shapes_folder: Path, record: Record) -> "tuple[PhotoSet, ShapeSet]":
    """Load both folders and print what was done to them."""
    from shapecycle.data import mesh_files, photo_set, shapes
    from shapecycle.data.folders import list_folder

    # Loading the pictures takes minutes: first see that there are shapes too.
    parts_of_pictures(images, record)
    list_folder(shapes_folder, "shapes", mesh_files.SUFFIXES)
    say(f"loading {images} and {shapes_folder} ...")
    tell = Progress()
    model = record.settings.model
    photos = photo_set.load_photos(
        images,
        size=model.image_size,
        margin=model.window_margin,
        skip_bad=record.skip_bad,
        tell=tell,
    )
    shape_set = shapes.load_shape_folder(
        shapes_folder, skip_bad=record.skip_bad, up=record.up, front=record.front, tell=tell
    )
    for note in (*photos.notes, *shape_set.notes):
        say(f"  {note}")
    return photos, shape_set
