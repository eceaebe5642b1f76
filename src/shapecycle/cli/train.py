"""``shapecycle train``."""

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING

from shapecycle.cli.commands import Train
from shapecycle.cli.inputs import chosen_device
from shapecycle.cli.output import refuse_uncreatable, refuse_used, say
from shapecycle.cli.planning import FRONT, UP, planned, with_counts
from shapecycle.cli.run_record import Record, write_record
from shapecycle.train.lock import LOCK_NAME, locked, refuse_running
from shapecycle.train.signals import Stopped, interruptible

if TYPE_CHECKING:
    from shapecycle.data.photos import PhotoSet
    from shapecycle.data.shapes import ShapeSet


def run(command: Train) -> None:
    """Check everything that can be checked at once, load, train, and say where the model is."""
    start = time.monotonic()
    if not command.dry_run:
        refuse_running(command.out)
    record = planned(command)
    if command.dry_run:
        from shapecycle.cli.dry_run import dry_run

        dry_run(record.settings, chosen_device(command.device))
        return
    device = chosen_device(command.device)
    if not command.resume:
        refuse_used(command.out, besides=LOCK_NAME)
        refuse_uncreatable(command.out)
    with interruptible(), locked(command.out, say):
        if not command.resume:
            # Another training may have begun and ended there in the meantime.
            refuse_used(command.out, besides=LOCK_NAME)
        path = load_and_train(command, record, device, start)
    say(f"trained for {(time.monotonic() - start) / 60:.1f} minutes; the model is")
    print(path)


def load_and_train(command: Train, record: Record, device: str, start: float) -> Path:
    """Load both folders, note in the run folder what is trained on what, and train.

    Args:
        command: The options.
        record: What they mean.
        device: Where to compute.
        start: When the command was given, on the monotonic clock.
    """
    from shapecycle.train.journal import Journal
    from shapecycle.train.loop import Run, train
    from shapecycle.train.threads import choose_threads

    photos, shapes = load_folders(command, record)
    record = with_counts(record, command, len(photos), len(shapes))
    if device == "cpu":
        say(f"computing on the processor with {choose_threads()} thread(s)")
    write_record(command.out, record)
    seconds = None if record.minutes is None else 60 * record.minutes
    if seconds is not None:
        seconds = max(1.0, seconds - (time.monotonic() - start))
    what = (record.settings, photos, shapes, record.seed)
    journal = Journal(command.out)
    try:
        return train(Run(command.out, *what, device, seconds, command.resume), journal)
    except Stopped:
        say(f"the state is saved; to go on: {_resuming(command)}")
        raise
    finally:
        journal.close()


def _resuming(command: Train) -> str:
    """Return the command that goes on with a training, as it is typed."""
    words = {"--photos": command.images, "--shapes": command.shapes, "--out": command.out}
    options = [str(word) for option in words.items() for word in option]
    return shlex.join(["shapecycle", "train", *options, "--resume"])


def load_folders(command: Train, record: Record) -> "tuple[PhotoSet, ShapeSet]":
    """Load both folders and print what was done to them."""
    from shapecycle.data import mesh_files, photos, shapes
    from shapecycle.data.loading import list_folder

    # Loading the pictures takes minutes: first see that there are shapes too.
    list_folder(command.images, "pictures", photos.SUFFIXES)
    list_folder(command.shapes, "shapes", mesh_files.SUFFIXES)
    say(f"loading {command.images} and {command.shapes} ...")
    photo_set = photos.load_photo_folder(
        command.images,
        size=record.settings.model.image_size,
        margin=record.settings.model.window_margin,
        skip_bad=bool(record.skip_bad),
    )
    meshes = shapes.load_shape_folder(
        command.shapes,
        skip_bad=bool(record.skip_bad),
        up=record.up or UP,
        front=record.front or FRONT,
    )
    for note in (*photo_set.notes, *meshes.notes):
        say(f"  {note}")
    return photo_set, meshes
