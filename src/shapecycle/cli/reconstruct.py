"""``shapecycle reconstruct``."""

import json
from dataclasses import dataclass
from math import degrees
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shapecycle.cli.commands import Reconstruct
from shapecycle.cli.output import chosen_device, files_of, new_folder, within
from shapecycle.cli.train import say
from shapecycle.errors import DataError, ShapecycleError
from shapecycle.evaluate.silhouettes import silhouette_iou

if TYPE_CHECKING:
    from shapecycle.camera import Pose
    from shapecycle.data.images import Photo
    from shapecycle.studio import Model, Seen

CHUNK = 16
OR_SKIP = "mend or remove them, or leave them out with --skip-bad"


def run(command: Reconstruct) -> None:
    """Reconstruct all pictures, or none if one is bad."""
    from shapecycle.data.images import SUFFIXES
    from shapecycle.studio import load

    within(command.refine_steps, 0, 10_000, "--refine-steps")
    files = files_of(command.inputs, tuple(SUFFIXES), "pictures")
    with new_folder(command.out) as out:
        model = load(command.model, device=chosen_device(command.device))
        photos = load_photos(files, skip_bad=command.skip_bad)
        reconstruct(model, photos, out, refine_steps=command.refine_steps)
    say(f"{len(photos)} reconstructions are in")
    print(command.out)


def load_photos(files: list[Path], *, skip_bad: bool, hint: str = OR_SKIP) -> "list[Photo]":
    """Load pictures; bad ones are all named in one error, or skipped and named."""
    from shapecycle.data.images import load_photo

    photos, bad = [], []
    for path in files:
        try:
            photos.append(load_photo(path))
        except ShapecycleError as error:
            bad.append(error)
    refuse_bad(bad, len(files), skip_bad=skip_bad, kind="pictures", hint=hint)
    return photos


def refuse_bad(
    bad: list[ShapecycleError],
    count: int,
    *,
    skip_bad: bool,
    kind: str,
    hint: str = OR_SKIP,
) -> None:
    """Raise one error that names all bad files, or name them and go on."""
    if not bad:
        return
    if count == 1:
        raise bad[0]
    told = "\n".join(f"  {error.what}" for error in bad)
    if skip_bad and len(bad) < count:
        say(f"left out {len(bad)} of {count} {kind}:\n{told}")
        return
    # Without any good ones there is nothing to go on with.
    raise DataError(
        f"{len(bad)} of {count} {kind} cannot be used:\n{told}",
        hint if len(bad) < count else "mend or remove them",
    )


@dataclass(frozen=True)
class Result:
    """One line of the summary."""

    image: str
    silhouette_iou: float
    azimuth_degrees: float
    elevation_degrees: float
    plausibility: float


def reconstruct(
    model: "Model", photos: "list[Photo]", out: Path, *, refine_steps: int
) -> list[Result]:
    """Write ``<stem>/{mesh.glb,render.png,code.json}`` for every picture, and ``summary.json``."""
    results = []
    for start in range(0, len(photos), CHUNK):
        chunk = photos[start : start + CHUNK]
        seen = model.see_all(chunk, refine_steps=refine_steps)
        results += [
            _write(model, photo, one, out / photo.path.stem)
            for photo, one in zip(chunk, seen, strict=True)
        ]
        say(f"  {len(results)} of {len(photos)} pictures")
    mean = float(np.mean([result.silhouette_iou for result in results]))
    summary = {"mean_silhouette_iou": mean, "pictures": [vars(result) for result in results]}
    (out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    return results


def _write(model: "Model", photo: "Photo", seen: "Seen", folder: Path) -> Result:
    from PIL import Image

    folder.mkdir(parents=True)
    picture = model.draw(seen.code, seen.size)[0]
    Image.fromarray((picture * 255).round().astype(np.uint8)).save(folder / "render.png")
    iou = silhouette_iou(picture[..., 3], photo.rgba[3])
    code = seen.code.to_json()
    model.mesh(seen.code).save(folder / "mesh.glb", extras={"silhouette_iou": iou})
    told = {
        "image": photo.path.name,
        "size": list(seen.size),
        "code": code,
        **camera_json(seen.code.pose, seen.fov_y),
        "hypotheses": [
            {"plausibility": h.plausibility, **camera_json(h.pose, seen.fov_y)}
            for h in seen.hypotheses
        ],
        "silhouette_iou": iou,
    }
    (folder / "code.json").write_text(json.dumps(told, indent=1) + "\n")
    azimuth, elevation, _ = (degrees(x) for x in seen.code.pose.angles[0].tolist())
    return Result(photo.path.name, iou, azimuth % 360, elevation, seen.hypotheses[0].plausibility)


def camera_json(pose: "Pose", fov_y: float) -> dict[str, Any]:
    """Return a pose as files hold it; ``fov_y`` is in radians."""
    return {"camera_from_object": pose.camera_from_object()[0].tolist(), "fov_y": fov_y}
