"""``shapecycle evaluate``."""

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from shapecycle.cli.commands import Evaluate
from shapecycle.cli.output import (
    chosen_device,
    files_of,
    new_folder,
    refuse_uncreatable,
    refuse_used,
    within,
    write_new_file,
)
from shapecycle.cli.reconstruct import load_photos, reconstruct, refuse_bad
from shapecycle.cli.train import say
from shapecycle.errors import CheckpointError, DataError, ShapecycleError


def run(command: Evaluate) -> None:
    """Reconstruct every picture, compare what was written with the truth, write the scores."""
    from shapecycle.data.images import SUFFIXES
    from shapecycle.evaluate.pose import read_cameras
    from shapecycle.studio import load

    within(command.refine_steps, 0, 10_000, "--refine-steps")
    if command.out.exists():
        raise CheckpointError(f"{command.out} is there already", "name another file, or remove it")
    refuse_uncreatable(command.out.parent)
    if command.keep is not None:
        refuse_used(command.keep)
    files = files_of((command.images,), tuple(SUFFIXES), "pictures")
    cameras = read_cameras(command.cameras)
    shapes = {path.stem: shape_of(path, command.shapes) for path in files}
    missing = [path.name for path in files if path.stem not in cameras]
    if missing:
        raise DataError(
            f"{command.cameras} has no camera for {len(missing)} of {len(files)} pictures; "
            f"first: {missing[0]}",
            "give the cameras.json that belongs to these pictures",
        )
    refuse_bad_shapes(sorted(set(shapes.values())))
    model = load(command.model, device=chosen_device(command.device))
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


def shape_of(picture: Path, shapes: Path) -> Path:
    """Return the shape file of ``<model>_<view>.png``.

    Raises:
        DataError: If there is none.
    """
    from shapecycle.data.mesh_files import SUFFIXES

    name = picture.stem.rpartition("_")[0]
    for suffix in SUFFIXES:
        path = shapes / f"{name}{suffix}"
        if path.is_file():
            return path
    raise DataError(
        f"{picture} has no shape: there is no {shapes / (name + '.ply')}",
        "pictures are named <model>_<view>.png and shapes <model>.ply",
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


def score(folder: Path, shape: Path, camera: np.ndarray) -> dict[str, Any]:
    """Compare one written reconstruction with its true shape and camera.

    Returns:
        ``chamfer``, ``f_score``, ``normal_consistency`` as in `evaluate.geometry.compare`;
        ``silhouette_iou`` against the input; ``azimuth_error_degrees`` and
        ``rotation_error_degrees``; ``crossing_faces``, the share of the mesh's faces that cross a
        face they do not touch; ``dihedral_degrees``, the mean angle between neighbouring faces.
    """
    from shapecycle.data.mesh_files import load_mesh
    from shapecycle.evaluate.crossings import crossing_faces, dihedral_deviation
    from shapecycle.evaluate.geometry import compare
    from shapecycle.evaluate.pose import azimuth_error, rotation_error

    written = json.loads((folder / "code.json").read_text())
    mesh, truth = load_mesh(folder / "mesh.glb"), load_mesh(shape)
    found = compare(mesh, truth)
    pose = np.array(written["camera_from_object"])
    return {
        "chamfer": found.chamfer,
        "f_score": found.f_score,
        "normal_consistency": found.normal_consistency,
        "silhouette_iou": written["silhouette_iou"],
        "azimuth_error_degrees": float(np.degrees(azimuth_error(pose, camera))),
        "rotation_error_degrees": float(np.degrees(rotation_error(pose, camera))),
        "crossing_faces": float(crossing_faces(mesh.vertices, mesh.faces).mean()),
        "dihedral_degrees": float(np.degrees(dihedral_deviation(mesh.vertices, mesh.faces))),
    }


def summarised(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return mean and median of every score, and the share of azimuths within 30 degrees."""
    names = [name for name in rows[0] if name != "image"]
    summary = {}
    for name in names:
        values = np.array([row[name] for row in rows])
        summary[name] = {"mean": float(values.mean()), "median": float(np.median(values))}
    near = np.array([row["azimuth_error_degrees"] < 30 for row in rows])
    summary["azimuth_within_30"] = {"mean": float(near.mean()), "median": float(np.median(near))}
    return summary
