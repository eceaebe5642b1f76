"""``shapecycle train``."""

import json
import sys
import time
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from shapecycle.cli.commands import Train
from shapecycle.cli.output import (
    LARGEST_SEED,
    chosen_device,
    refuse_uncreatable,
    refuse_used,
    within,
)
from shapecycle.config import (
    Settings,
    as_dict,
    changed_by_file,
    checked,
    load_settings,
    merged,
)
from shapecycle.errors import CheckpointError, ConfigError

if TYPE_CHECKING:
    from shapecycle.data.images import PhotoSet
    from shapecycle.data.shapes import ShapeSet

RUN_FOLDER = "--resume takes the run folder of an earlier `shapecycle train`"


def run(command: Train) -> None:
    """Check everything that can be checked at once, load, train, and say where the model is."""
    start = time.monotonic()
    command, settings = _planned(command)
    if command.dry_run:
        dry_run(settings)
        return
    if not command.resume:
        refuse_used(command.out)
        refuse_uncreatable(command.out)
    device = chosen_device(command.device)

    from shapecycle.train.journal import Journal
    from shapecycle.train.loop import Run, train
    from shapecycle.train.threads import choose_threads

    photos, shapes = load_folders(command, settings)
    if device == "cpu":
        say(f"computing on the processor with {choose_threads()} thread(s)")
    command.out.mkdir(parents=True, exist_ok=True)
    write_settings(settings, command)
    seconds = None if command.minutes is None else 60 * command.minutes
    if seconds is not None:
        seconds = max(1.0, seconds - (time.monotonic() - start))
    journal = Journal(command.out)
    try:
        run_ = Run(
            command.out, settings, photos, shapes, command.seed, device, seconds, command.resume
        )
        path = train(run_, journal)
    finally:
        journal.close()
    say(f"trained for {(time.monotonic() - start) / 60:.1f} minutes; the model is")
    print(path)


def _planned(command: Train) -> tuple[Train, Settings]:
    """Check the options; a resumed run brings its own settings, seed and length."""
    if command.minutes is not None and command.total_images is not None:
        raise ConfigError("--minutes and --total-images exclude each other", "give one of them")
    if command.minutes is not None and not 0 < command.minutes < inf:
        raise ConfigError(f"--minutes must be a positive number, found {command.minutes}")
    if command.total_images is not None and command.total_images <= 0:
        raise ConfigError(f"--total-images must be positive, found {command.total_images}")
    within(command.seed, 0, LARGEST_SEED, "--seed")
    if command.resume:
        command, settings = _resumed(command)
    else:
        settings = load_settings(command.preset, command.config)
    if command.total_images is not None:
        settings = replace(
            settings, train=replace(settings.train, total_images=command.total_images)
        )
    return command, settings


def _resumed(command: Train) -> tuple[Train, Settings]:
    """Take seed, settings and, where none is given, the length from the run folder."""
    path = command.out / "settings.json"
    if not path.is_file():
        raise CheckpointError(f"cannot resume: {command.out} holds no settings.json", RUN_FOLDER)
    if not any((command.out / "state").glob("*.pt")):
        raise CheckpointError(f"cannot resume: {command.out / 'state'} holds no state", RUN_FOLDER)
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        stored: Settings = merged(Settings(), kept["settings"], source=str(path))
        seed, minutes = int(kept["seed"]), kept.get("minutes")
    except (OSError, KeyError, TypeError, ValueError, ConfigError) as fault:
        raise CheckpointError(
            f"cannot resume: {path} is not what `shapecycle train` wrote ({fault})", RUN_FOLDER
        ) from fault
    if command.minutes is None and command.total_images is None:
        command = replace(command, minutes=minutes)
    settings = changed_by_file(stored, command.config) if command.config else stored
    if settings.model != stored.model:
        raise ConfigError(
            f"{command.config} changes 'model', which a training that goes on cannot",
            "leave 'model' as it is, or train into a new folder",
        )
    return replace(command, seed=seed), checked(settings, source=str(command.config or path))


def load_folders(command: Train, settings: Settings) -> "tuple[PhotoSet, ShapeSet]":
    """Load both folders and print what was done to them."""
    from shapecycle.data.images import load_photo_folder
    from shapecycle.data.shapes import load_shape_folder

    say(f"loading {command.images} and {command.shapes} ...")
    photos = load_photo_folder(
        command.images,
        size=settings.model.image_size,
        margin=settings.model.window_margin,
        skip_bad=command.skip_bad,
    )
    shapes = load_shape_folder(
        command.shapes, skip_bad=command.skip_bad, up=command.up, front=command.front
    )
    for note in (*photos.notes, *shapes.notes):
        say(f"  {note}")
    return photos, shapes


def write_settings(settings: Settings, command: Train) -> None:
    """Keep the merged settings and the command in the run folder."""
    import yaml

    kept = {
        "command": ["shapecycle", *sys.argv[1:]],
        "seed": command.seed,
        "minutes": command.minutes,
        "settings": as_dict(settings),
    }
    (command.out / "settings.json").write_text(json.dumps(kept, indent=1) + "\n")
    (command.out / "settings.yaml").write_text(yaml.safe_dump(as_dict(settings), sort_keys=False))


def dry_run(settings: Settings) -> None:
    """Print the settings and what they mean in parameters and memory."""
    import yaml
    from torch import nn

    from shapecycle.critics.networks import CodeCritic, PictureCritic
    from shapecycle.model import Networks

    print(yaml.safe_dump(as_dict(settings), sort_keys=False))
    model = settings.model
    networks = Networks(model)
    critics = [
        PictureCritic(channels=4, size=model.image_size, width=model.critic_width),
        PictureCritic(channels=3, size=model.texture_resolution, width=model.critic_width),
        CodeCritic(code_size=model.shape_code_size),
    ]
    counts: dict[str, list[nn.Module]] = {
        "shape encoder": [networks.translator.reader],
        "image encoder": [networks.translator.seer],
        "deformation": [networks.translator.drawer.deformation],
        "texture decoder": [networks.translator.drawer.texture_decoder],
        "critics": critics,
    }
    total = 0
    for name, modules in counts.items():
        number = sum(p.numel() for module in modules for p in module.parameters())
        total += number
        print(f"{name:<16} {number:>12,} parameters")
    print(f"{'all':<16} {total:>12,} parameters, {16 * total / 1e6:.0f} MB with optimiser state")


def say(line: str) -> None:
    """Print for people; results go to standard output."""
    print(line, file=sys.stderr, flush=True)
