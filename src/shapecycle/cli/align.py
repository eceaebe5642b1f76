"""``shapecycle align``."""

import json
from dataclasses import dataclass
from math import acos, degrees
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from shapecycle.cli.inputs import Device, files_of, report_bad
from shapecycle.cli.output import new_folder
from shapecycle.console import say
from shapecycle.data.folders import counted

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float
    from torch import Tensor

    from shapecycle.model import Model

DOUBTFUL = 0.01
"""Confidence below which another direction may as well be the right one."""


@dataclass(frozen=True)
class Align:
    """Bring meshes at any rotation and scale into the training shapes' frame and topology.

    Example: shapecycle align chairs scan.glb --out aligned
    """

    model: Positional[Path]
    """Run folder, model file, or a model that comes with the package: cars or chairs."""
    inputs: Positional[tuple[Path, ...]]
    """Meshes or folders of them, of the model's kind of object."""
    out: Path
    """Folder to create; in it for each mesh aligned.glb, the mesh itself in the frame;
    template.glb, the model's own topology fitted to it, with its colours; alignment.json."""
    device: Device = "auto"
    """Where to compute."""
    skip_bad: bool = False
    """Leave bad files out instead of stopping; all are named."""

    def run(self) -> None:
        """Align all meshes, or none if one is bad."""
        from shapecycle.data.mesh_files import SUFFIXES, load_mesh
        from shapecycle.devices import chosen_device
        from shapecycle.errors import ShapecycleError
        from shapecycle.model import load

        files = files_of(self.inputs, SUFFIXES, "meshes")
        bad: dict[Path, ShapecycleError] = {}
        for file in files:
            try:
                load_mesh(file)
            except ShapecycleError as error:
                bad[file] = error
        report_bad(list(bad.values()), len(files), skip_bad=self.skip_bad, kind="meshes")
        model = load(self.model, device=chosen_device(self.device))
        good = [file for file in files if file not in bad]
        with new_folder(self.out) as out:
            for number, file in enumerate(good):
                _write(model, file, out / file.stem)
                say(f"  {number + 1} of {counted(len(good), 'shapes')}")
        print(self.out)


def _write(model: "Model", file: Path, folder: Path) -> None:
    """Align one mesh and write what came of it."""
    import numpy as np
    import trimesh

    found, object_from_mesh = model.align(file)
    folder.mkdir()
    scene = trimesh.load_scene(file)
    scene.apply_transform(object_from_mesh)
    (folder / "aligned.glb").write_bytes(scene.export(file_type="glb"))
    template = model.mesh(model.plain(found.shape))
    template.textured(_texture(model, file, found.shape, object_from_mesh)).save(
        folder / "template.glb"
    )
    turn = found.other @ found.object_from_points.T
    apart = degrees(acos(float(np.clip((np.trace(turn) - 1) / 2, -1, 1))))
    is_doubtful = found.confidence < DOUBTFUL
    if is_doubtful:
        say(f"{file}: turned by {apart:.0f} degrees it would fit nearly as well")
    record = {
        "object_from_mesh": object_from_mesh.tolist(),
        "residual": found.residual,
        "confidence": found.confidence,
        "is_doubtful": is_doubtful,
        "other_answer_degrees_apart": apart,
        "shape": found.shape[0].tolist(),
    }
    (folder / "alignment.json").write_text(json.dumps(record, indent=1) + "\n")


def _texture(
    model: "Model", file: Path, shape: "Float[Tensor, '1 n']", object_from_mesh: "np.ndarray"
) -> "Float[np.ndarray, 's s 3'] | None":
    """Return the colours of a file's surface in the template's texture; None if it has none."""
    import numpy as np
    import torch
    from scipy.spatial import cKDTree  # type: ignore[import-untyped]

    from shapecycle.data.mesh_colours import coloured_points

    coloured = coloured_points(file)
    if coloured is None:
        return None
    points, colours = coloured
    points = points @ object_from_mesh[:3, :3].T + object_from_mesh[:3, 3]
    renderer, side = model.networks.renderer, 4 * model.settings.texture_resolution
    with torch.no_grad():
        places = renderer.surface(renderer.vertices(shape), side)[0][0].cpu().numpy()
    nearest = cKDTree(points).query(places)[1]
    found: np.ndarray = colours[nearest].reshape(side, side, 3).astype(np.float32)
    return found
