"""``shapecycle evaluate``."""

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path

from shapecycle.cli.commands import Evaluate
from shapecycle.cli.inputs import chosen_device, files_of, load_photos, refuse_bad, within
from shapecycle.cli.output import (
    new_folder,
    refuse_overlap,
    refuse_uncreatable,
    refuse_used,
    say,
    write_new_file,
)
from shapecycle.cli.reconstruct import reconstruct
from shapecycle.errors import CheckpointError, DataError, ShapecycleError


def run(command: Evaluate) -> None:
    """Reconstruct every picture, compare what was written with the truth, write the scores."""
    from shapecycle.data.photos import SUFFIXES
    from shapecycle.evaluate.pose import read_cameras
    from shapecycle.evaluate.scores import score, shape_of, summarised
    from shapecycle.model import load

    within(command.refine_steps, 0, 10_000, "--refine-steps")
    if command.keep is not None:
        refuse_overlap(("--out", command.out), ("--keep", command.keep))
    if command.out.exists():
        raise CheckpointError(f"{command.out} is there already", "name another file, or remove it")
    refuse_uncreatable(command.out.parent)
    if command.keep is not None:
        refuse_used(command.keep)
    device = chosen_device(command.device)
    files = files_of((command.images,), tuple(SUFFIXES), "pictures")
    refuse_other_names(files)
    cameras = read_cameras(command.cameras)
    shapes = {path.stem: shape_of(path, command.shapes) for path in files}
    missing = [path.name for path in files if path.stem not in cameras]
    if missing:
        raise DataError(
            f"{command.cameras} has no camera for {len(missing)} of {len(files)} pictures; "
            f"first: {missing[0]}",
            "give the cameras.json that belongs to these pictures",
        )
    model = load(command.model, device=device)
    refuse_bad_shapes(sorted(set(shapes.values())))
    photos = load_photos(files, skip_bad=False, hint="mend or remove them")
    with ExitStack() as stack:
        if command.keep is None:
            out = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        else:
            out = stack.enter_context(new_folder(command.keep))
        reconstruct(model, photos, out, refine_steps=command.refine_steps)
        say("comparing with the truth ...")
        rows = [
            score(out / path.stem, shapes[path.stem], cameras[path.stem]) | {"image": path.name}
            for path in files
        ]
    summary = summarised(rows)
    metrics = {"model": str(command.model), "summary": summary, "pictures": rows}
    write_new_file(command.out, json.dumps(metrics, indent=1) + "\n")
    for name, both in summary.items():
        say(f"  {name:<24} mean {both['mean']:8.4f}   median {both['median']:8.4f}")
    print(command.out)


def refuse_other_names(files: list[Path]) -> None:
    """Raise if a picture's name does not tell its shape.

    Raises:
        DataError: Naming the first such picture and the rule.
    """
    other = [path for path in files if not path.stem.rpartition("_")[0]]
    if other:
        raise DataError(
            f"{len(other)} of {len(files)} pictures have names that do not tell their shape; "
            f"first: {other[0]}",
            "what stands before the last '_' is the shape's name: "
            "chair7_00.png shows chair7.ply, and 00 is a view of your choice; rename the pictures",
        )


def refuse_bad_shapes(files: list[Path]) -> None:
    """Raise one error that names all true shapes that cannot be used, before hours of work.

    Raises:
        DataError: If any of them cannot be used.
    """
    from shapecycle.data.mesh_files import load_mesh

    bad = []
    for path in files:
        try:
            load_mesh(path)
        except ShapecycleError as error:
            bad.append(error)
    refuse_bad(bad, len(files), skip_bad=False, kind="shapes", hint="mend or remove them")
