"""``shapecycle evaluate``."""

import json
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from shapecycle.cli.inputs import (
    Device,
    check_range,
    files_of,
    load_share,
    report_bad,
)
from shapecycle.cli.output import (
    check_creatable,
    check_separate,
    check_unused,
    new_folder,
    write_new_file,
)
from shapecycle.cli.reconstruct import reconstruct
from shapecycle.console import say
from shapecycle.errors import CheckpointError, DataError, ShapecycleError


@dataclass(frozen=True)
class Evaluate:
    """Score a model on pictures whose shapes and cameras are known.

    Example: shapecycle evaluate run --images val/images --shapes val/shapes
    --cameras val/cameras.json --out metrics.json
    """

    model: Positional[Path]
    """Run folder or model file."""
    images: Path
    """Folder of pictures named SHAPE_VIEW.png."""
    shapes: Path
    """Folder of shapes named SHAPE.ply."""
    cameras: Path
    """JSON file of the pictures' cameras; docs/conventions.md says how it is laid out."""
    out: Path
    """JSON file to create."""
    keep: Path | None = None
    """Folder to create for the reconstructions; by default they are not kept."""
    refine_steps: int = 30
    """As in reconstruct."""
    device: Device = "auto"
    """Where to compute."""

    def run(self) -> None:
        """Reconstruct every picture, compare what was written with the truth, write the scores."""
        from shapecycle.data.photos import SUFFIXES, load_photo
        from shapecycle.devices import chosen_device
        from shapecycle.evaluate.pose import read_cameras
        from shapecycle.evaluate.scores import score, shape_of, summarised
        from shapecycle.model import load
        from shapecycle.parallel import ALONE
        from shapecycle.seen import SeeOptions

        check_range(self.refine_steps, 0, 10_000, "--refine-steps")
        if self.keep is not None:
            check_separate(("--out", self.out), ("--keep", self.keep))
        if self.out.exists():
            raise CheckpointError(f"{self.out} is there already", "name another file, or remove it")
        check_creatable(self.out.parent)
        if self.keep is not None:
            check_unused(self.keep)
        device = chosen_device(self.device)
        files = files_of((self.images,), tuple(SUFFIXES), "pictures")
        check_names(files)
        cameras = read_cameras(self.cameras)
        shapes = {path.stem: shape_of(path, self.shapes) for path in files}
        missing = [path.name for path in files if path.stem not in cameras]
        if missing:
            raise DataError(
                f"{self.cameras} has no camera for {len(missing)} of {len(files)} pictures; "
                f"first: {missing[0]}",
                "give the cameras.json that belongs to these pictures",
            )
        model = load(self.model, device=device)
        check_shapes(sorted(set(shapes.values())))
        photos = load_share(
            files, load_photo, ALONE, skip_bad=False, kind="pictures", hint="fix or remove them"
        )
        with ExitStack() as stack:
            if self.keep is None:
                out = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            else:
                out = stack.enter_context(new_folder(self.keep))
            reconstruct(model, photos, out, ALONE, SeeOptions(self.refine_steps))
            say("comparing with the truth ...")
            rows = [
                score(out / path.stem, shapes[path.stem], cameras[path.stem]) | {"image": path.name}
                for path in files
            ]
        summary = summarised(rows)
        metrics = {"model": str(self.model), "summary": summary, "pictures": rows}
        write_new_file(self.out, json.dumps(metrics, indent=1) + "\n")
        for name, both in summary.items():
            say(f"  {name:<24} mean {both['mean']:8.4f}   median {both['median']:8.4f}")
        print(self.out)


def check_names(files: list[Path]) -> None:
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


def check_shapes(files: list[Path]) -> None:
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
    report_bad(bad, len(files), skip_bad=False, kind="shapes", hint="fix or remove them")
