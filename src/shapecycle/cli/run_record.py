"""What a run folder keeps of the commands that trained it: ``settings.json``."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from shapecycle.cli.output import write_new_file
from shapecycle.config import Settings, as_dict, merged
from shapecycle.errors import CheckpointError, ConfigError

RUN_FOLDER = (
    "--resume takes the run folder of an earlier `shapecycle train`; to begin one, leave it out"
)


@dataclass(frozen=True)
class Record:
    """A training with nothing left open.

    Attributes:
        settings: The merged settings.
        seed: Seed of all random numbers.
        minutes: Time for the training, or None when settings count images.
        minutes_are_limit: Whether settings count images all the same, and that time is a limit.
        preset: What the settings started from.
        up: The shape files' axis that points up, with its sign.
        front: Their axis that points to the front.
        skip_bad: Whether bad files were left out.
        precision: Number format of the networks: "auto" until it is chosen.
        processes: How many were asked for; None to choose.
        deterministic: Whether the same command gives the same weights to the bit.
        init: The model that it began with; "" for none.
        images: Folder of the pictures.
        shapes: Folder of the shapes.
        picture_count: How many pictures that folder gave; None before they are loaded, or where
            shards do not say.
        shape_count: How many shapes that folder gave, likewise.
        commands: The command lines so far, the first one first.
    """

    settings: Settings
    seed: int
    minutes: float | None
    minutes_are_limit: bool
    preset: str
    up: str
    front: str
    skip_bad: bool
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    processes: int | None = None
    deterministic: bool = False
    init: str = ""
    images: str = ""
    shapes: str = ""
    picture_count: int | None = None
    shape_count: int | None = None
    commands: tuple[tuple[str, ...], ...] = ()


KINDS: dict[str, tuple[type, ...]] = {
    "seed": (int,),
    "minutes": (int, float, type(None)),
    "minutes_are_limit": (bool,),
    "preset": (str,),
    "up": (str,),
    "front": (str,),
    "skip_bad": (bool,),
    "precision": (str,),
    "processes": (int, type(None)),
    "deterministic": (bool,),
    "init": (str,),
    "images": (str,),
    "shapes": (str,),
    "picture_count": (int, type(None)),
    "shape_count": (int,),
}
"""What the parts of a record are in JSON, besides settings and commands."""


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
    import yaml

    settings = as_dict(record.settings)
    kept = {**vars(record), "settings": settings}
    write_new_file(record_file(folder), json.dumps(kept, indent=1) + "\n")
    write_new_file(folder / "settings.yaml", yaml.safe_dump(settings, sort_keys=False))


def _record(kept: Any, source: str) -> Record:
    names = {field.name for field in fields(Record)}
    if not isinstance(kept, dict) or set(kept) != names:
        raise TypeError(f"it does not hold exactly {', '.join(sorted(names))}")
    for name, kinds in KINDS.items():
        value = kept[name]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise ValueError(f"'{name}' is {value!r}")
    if kept["precision"] not in ("auto", "float32", "bfloat16"):
        raise ValueError(f"'precision' is {kept['precision']!r}")
    commands = tuple(tuple(map(str, command)) for command in kept["commands"])
    settings: Settings = merged(Settings(), kept["settings"], source=source)
    return Record(**{**kept, "settings": settings, "commands": commands})
