"""A training's options: checked, and completed from its run folder where it goes on."""

import sys
from dataclasses import replace
from math import inf
from pathlib import Path

from shapecycle.cli.commands import Train
from shapecycle.cli.inputs import LARGEST_SEED, within
from shapecycle.cli.output import say
from shapecycle.cli.run_record import RUN_FOLDER, Record, read_record, record_file
from shapecycle.config import Settings, changed_by_file, checked, load_settings
from shapecycle.data.shapes import axes_of
from shapecycle.errors import CheckpointError, ConfigError, DataError

UP, FRONT = "+y", "+z"
"""The shape files' axes where none are named."""


def planned(command: Train) -> Record:
    """Check the options and fill in what was left out; a run that goes on brings its own.

    Raises:
        ConfigError: If an option is out of its range, or not what the run was begun with.
        CheckpointError: If there is no run to go on with.
    """
    if command.minutes is not None and command.total_images is not None:
        raise ConfigError("--minutes and --total-images exclude each other", "give one of them")
    if command.minutes is not None and not 0 < command.minutes < inf:
        raise ConfigError(f"--minutes must be a positive number, found {command.minutes}")
    if command.total_images is not None and command.total_images <= 0:
        raise ConfigError(f"--total-images must be positive, found {command.total_images}")
    if command.seed is not None:
        within(command.seed, 0, LARGEST_SEED, "--seed")
    record = _resumed(command) if command.resume else _begun(command)
    axes_of(str(record.up), str(record.front))  # refuses what are no axes
    return replace(
        record,
        images=str(command.images.absolute()),
        shapes=str(command.shapes.absolute()),
        commands=(*record.commands, ("shapecycle", *sys.argv[1:])),
    )


def _begun(command: Train) -> Record:
    preset = command.preset or "laptop"
    settings = _with_length(load_settings(preset, command.config), command)
    return Record(
        settings=settings,
        seed=command.seed or 0,
        minutes=command.minutes,
        preset=preset,
        up=axis(command.up or UP),
        front=axis(command.front or FRONT),
        skip_bad=bool(command.skip_bad),
    )


def _resumed(command: Train) -> Record:
    """Take what was not given from the run folder, and refuse what contradicts it."""
    stored = read_record(command.out)
    if not any((command.out / "state").glob("*.pt")):
        raise CheckpointError(f"cannot resume: {command.out / 'state'} holds no state", RUN_FOLDER)
    up = None if command.up is None else axis(command.up)
    front = None if command.front is None else axis(command.front)
    for name, given, before in (
        ("preset", command.preset, stored.preset),
        ("seed", command.seed, stored.seed),
        ("up", up, stored.up),
        ("front", front, stored.front),
        ("skip-bad", command.skip_bad, stored.skip_bad),
    ):
        if given is not None and before is not None and given != before:
            raise ConfigError(
                f"{_option(name, given)} was given, but the run in {command.out} was begun with "
                f"{_option(name, before)}",
                f"leave --{name} out, or train into a new folder",
            )
    path = record_file(command.out)
    if stored.up is None or stored.front is None:
        stored = replace(stored, up=up or UP, front=front or FRONT)
        say(f"{path} tells no axes: taking the shapes' {stored.up} as up, {stored.front} as front")
    settings = stored.settings
    if command.config is not None:
        settings = changed_by_file(settings, command.config)
    if settings.model != stored.settings.model:
        raise ConfigError(
            f"{command.config} changes 'model', which a training that goes on cannot",
            "leave 'model' as it is, or train into a new folder",
        )
    settings = _with_length(checked(settings, source=str(command.config or path)), command)
    is_given = command.minutes is not None or command.total_images is not None
    record = replace(
        stored,
        settings=settings,
        minutes=command.minutes if is_given else stored.minutes,
        skip_bad=bool(command.skip_bad) if stored.skip_bad is None else stored.skip_bad,
    )
    _refuse_shorter(record, stored, command.out)
    return record


def _with_length(settings: Settings, command: Train) -> Settings:
    if command.total_images is None:
        return settings
    length = replace(settings.train, total_images=command.total_images)
    return checked(replace(settings, train=length), source="--total-images")


def _refuse_shorter(record: Record, stored: Record, folder: Path) -> None:
    """Refuse a new number of images that is smaller than what has been seen."""
    from shapecycle.train.checkpoint import seen_images
    from shapecycle.train.schedule import refused_total

    total = record.settings.train.total_images
    is_old = stored.minutes is None and total == stored.settings.train.total_images
    if record.minutes is not None or is_old:
        return
    seen = seen_images(folder / "state")
    if total < seen:
        raise refused_total(total, seen)


def _option(name: str, value: object) -> str:
    """Return an option as it is typed."""
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name} {value}"


def axis(name: str) -> str:
    """Return an axis with its sign: "Z" and "+z" are the same one; what is none stays."""
    lower = name.lower()
    return f"+{lower}" if lower in ("x", "y", "z") else lower


def with_counts(record: Record, command: Train, pictures: int, shapes: int) -> Record:
    """Note how many pictures and shapes there are, unless the run had others before.

    Raises:
        DataError: If a run that goes on finds more or fewer than it was begun with.
    """
    for kind, folder, before, now in (
        ("pictures", command.images, record.picture_count, pictures),
        ("shapes", command.shapes, record.shape_count, shapes),
    ):
        if before not in (None, now):
            raise DataError(
                f"the run in {command.out} was begun with {before:,} {kind}, "
                f"{folder} gives {now:,}",
                f"give the same {kind}, or train into a new folder",
            )
    return replace(record, picture_count=pictures, shape_count=shapes)
