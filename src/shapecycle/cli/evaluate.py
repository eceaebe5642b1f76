"""``shapecycle evaluate``."""

import json
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from shapecycle.cli.seen_files import check_surface
from shapecycle.config import SurfaceKind
from shapecycle.console import say
from shapecycle.errors import CheckpointError, DataError, MissingExtra, ShapecycleError
from shapecycle.train.signals import interruptible

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    from shapecycle.evaluate.efficientnet_lite0 import EfficientNetLite0
    from shapecycle.evaluate.known_shapes import KnownShape
    from shapecycle.evaluate.references import TrainingShapes
    from shapecycle.mesh import Mesh
    from shapecycle.model import Model


@dataclass(frozen=True)
class Evaluate:
    """Score a model on pictures whose shapes and cameras are known.

    Example: shapecycle evaluate run --images val/images --shapes val/shapes
    --cameras val/cameras.json --out metrics.json
    """

    model: Positional[Path]
    """Run folder, model file, or a model that comes with the package: cars or chairs."""
    images: Path
    """Folder of pictures named SHAPE_VIEW.png."""
    shapes: Path
    """Folder of shapes named SHAPE.ply."""
    cameras: Path
    """JSON file of the pictures' cameras; docs/conventions.md says how it is laid out."""
    out: Path
    """JSON file to create."""
    training_shapes: Path | None = None
    """Folder of the shapes trained on; the nearest, the typical and a random one are scored too."""
    keep: Path | None = None
    """Folder to create for the reconstructions; by default they are not kept."""
    refine_steps: int = 30
    """As in reconstruct."""
    surface: SurfaceKind = "auto"
    """As in reconstruct."""
    device: Device = "auto"
    """Where to compute."""

    def run(self) -> None:
        """Reconstruct every picture, compare what was written with the truth, write the scores."""
        from shapecycle.data.photos import SUFFIXES, PhotoFile
        from shapecycle.devices import chosen_device
        from shapecycle.evaluate.pose import read_cameras
        from shapecycle.evaluate.scores import shape_of, summarised
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
        check_surface(self.surface, model)
        check_shapes(sorted(set(shapes.values())))
        training = None if self.training_shapes is None else load_training(self.training_shapes)
        network = look_network()
        pictures = load_share(
            files,
            PhotoFile.checked,
            ALONE,
            skip_bad=False,
            kind="pictures",
            hint="fix or remove them",
        )
        with interruptible(), ExitStack() as stack:
            if self.keep is None:
                out = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            else:
                out = stack.enter_context(new_folder(self.keep))
            reconstruct(
                model, pictures, out, ALONE, SeeOptions(self.refine_steps, surface=self.surface)
            )
            say("comparing with the truth ...")
            known = partial(
                known_shape,
                model=model,
                training=training,
                network=network,
                refine_steps=self.refine_steps,
            )
            rows = scored(files, shapes, known, cameras, out)
        summary = summarised(rows)
        metrics = {
            "model": str(self.model),
            "refine_steps": self.refine_steps,
            "surface": self.surface,
            "summary": summary,
            "pictures": rows,
        }
        write_new_file(self.out, json.dumps(metrics, indent=1) + "\n")
        say_summary(summary)
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


def load_training(folder: Path) -> "TrainingShapes":
    """Load the training shapes as a training does, all or none."""
    from shapecycle.data.mesh_files import SUFFIXES, load_mesh
    from shapecycle.data.simplify import simplify
    from shapecycle.evaluate.references import TrainingShapes
    from shapecycle.geometry.boxes import normalise
    from shapecycle.parallel import ALONE

    def load(path: Path) -> "Mesh":
        return normalise(simplify(load_mesh(path)))[0]

    files = files_of((folder,), SUFFIXES, "training shapes")
    loaded = load_share(
        files, load, ALONE, skip_bad=False, kind="training shapes", hint="fix or remove them"
    )
    return TrainingShapes.of(list(loaded.values()))


def look_network() -> "EfficientNetLite0 | None":
    """Load what look distances are measured with; without the extra, say that there are none."""
    from shapecycle.evaluate.efficientnet_lite0 import pretrained

    try:
        return pretrained()
    except MissingExtra as missing:
        say(f"look_distance is left out: {missing.what}; {missing.hint}")
        return None


def known_shape(
    path: Path,
    model: "Model",
    training: "TrainingShapes | None",
    network: "EfficientNetLite0 | None",
    refine_steps: int,
) -> "KnownShape":
    """Load a true shape, and compare it with what no picture is needed for."""
    from shapecycle.data.mesh_files import load_mesh
    from shapecycle.evaluate.known_shapes import KnownShape

    truth = load_mesh(path)
    others = {"read": read_and_decoded(model, truth, refine_steps)}
    if training is not None:
        others |= training.picked_for(truth, path.stem)
    return KnownShape.of(truth, others, network)


def read_and_decoded(model: "Model", shape: "Mesh", refine_steps: int) -> "Mesh":
    """Return the surface that a model keeps of a shape that it is shown itself."""
    import torch

    from shapecycle.mesh import Mesh

    renderer = model.networks.renderer
    with torch.no_grad():
        vertices = renderer.vertices(model.read(shape, refine_steps=refine_steps))[0]
    return Mesh(vertices.cpu().numpy(), renderer.deformation.template.faces.cpu().numpy())


def scored(
    files: list[Path],
    shapes: Mapping[str, Path],
    known: "Callable[[Path], KnownShape]",
    cameras: "Mapping[str, Float[np.ndarray, '4 4']]",
    out: Path,
) -> list[dict[str, Any]]:
    """Compare what was written of every picture with its true shape and camera.

    Args:
        files: The pictures.
        shapes: Their shapes' files, by the pictures' stems.
        known: Loads a shape; called once for each.
        cameras: Their cameras, by the pictures' stems.
        out: The folder of the reconstructions.
    """
    from shapecycle.evaluate.scores import Reconstruction

    def shape_file(path: Path) -> Path:
        return shapes[path.stem]

    rows = {}
    for file, pictures in groupby(sorted(files, key=shape_file), shape_file):
        shape = known(file)
        for path in pictures:
            written = Reconstruction.load(out / path.stem)
            rows[path] = shape.score(written, cameras[path.stem]) | {"image": path.name}
    return [rows[path] for path in files]


def say_summary(summary: Mapping[str, Mapping[str, Any]]) -> None:
    """Print means with their intervals, medians, and the means of the references."""
    for name, of in summary.items():
        if name != "references":
            interval = " to ".join(f"{end:.4f}" for end in of["interval"] or ()) or "one object"
            say(f"  {name:<26} mean {of['mean']:.4f} ({interval})   median {of['median']:.4f}")
    for name, means in summary.get("references", {}).items():
        say(f"  {name}: " + ", ".join(f"{score} {mean:.4f}" for score, mean in means.items()))
