"""What a run folder keeps of the commands that trained it: ``settings.json``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from shapecycle.cli.output import write_new_file
from shapecycle.config import Settings, as_dict, merged
from shapecycle.errors import CheckpointError, ConfigError

RUN_FOLDER = "--resume takes the run folder of an earlier `shapecycle train`"
Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Record:
    """A training with nothing left open; None where an older run folder does not tell.

    Attributes:
        settings: The merged settings.
        seed: Seed of all random numbers.
        minutes: Time for the training, or None when settings count images.
        preset: What the settings started from.
        up: The shape files' axis that points up, with its sign.
        front: Their axis that points to the front.
        skip_bad: Whether bad files were left out.
        images: Folder of the pictures.
        shapes: Folder of the shapes.
        picture_count: How many pictures that folder gave.
        shape_count: How many shapes that folder gave.
        commands: The command lines so far, the first one first.
    """

    settings: Settings
    seed: int
    minutes: float | None = None
    preset: str | None = None
    up: str | None = None
    front: str | None = None
    skip_bad: bool | None = None
    images: str | None = None
    shapes: str | None = None
    picture_count: int | None = None
    shape_count: int | None = None
    commands: tuple[tuple[str, ...], ...] = ()


def record_file(folder: Path) -> Path:
    """Return where a run folder keeps its record."""
    return folder / "settings.json"


def read_record(folder: Path) -> Record:
    """Read what a run folder keeps.

    Raises:
        CheckpointError: If it keeps nothing, or something else.
    """
    path = record_file(folder)
    if not path.is_file():
        raise CheckpointError(f"cannot resume: {folder} holds no {path.name}", RUN_FOLDER)
    try:
        return _record(json.loads(path.read_text(encoding="utf-8")), str(path))
    except (OSError, KeyError, TypeError, ValueError, ConfigError) as fault:
        raise CheckpointError(
            f"cannot resume: {path} is not what `shapecycle train` wrote ({fault})", RUN_FOLDER
        ) from fault


def write_record(folder: Path, record: Record) -> None:
    """Write ``settings.json``, and ``settings.yaml`` as --config takes it, each all at once."""
    settings = as_dict(record.settings)
    kept = {**vars(record), "settings": settings}
    write_new_file(record_file(folder), json.dumps(kept, indent=1) + "\n")
    write_new_file(folder / "settings.yaml", yaml.safe_dump(settings, sort_keys=False))


def _record(kept: Any, source: str) -> Record:
    if not isinstance(kept, dict):
        raise TypeError(f"it holds no settings by name but a {type(kept).__name__}")
    # Older run folders keep one command, and neither preset nor data.
    commands = kept.get("commands", [kept["command"]] if "command" in kept else [])
    minutes = kept.get("minutes")
    return Record(
        settings=merged(Settings(), kept["settings"], source=source),
        seed=int(kept["seed"]),
        minutes=None if minutes is None else float(minutes),
        preset=_optional(kept, "preset", str),
        up=_optional(kept, "up", str),
        front=_optional(kept, "front", str),
        skip_bad=_optional(kept, "skip_bad", bool),
        images=_optional(kept, "images", str),
        shapes=_optional(kept, "shapes", str),
        picture_count=_optional(kept, "picture_count", int),
        shape_count=_optional(kept, "shape_count", int),
        commands=tuple(tuple(map(str, command)) for command in commands),
    )


def _optional(kept: Mapping[str, Any], name: str, kind: type[Kind]) -> Kind | None:
    value = kept.get(name)
    if value is not None and not isinstance(value, kind):
        raise ValueError(f"'{name}' is {value!r}")
    return value
