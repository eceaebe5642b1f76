"""``shapecycle reconstruct``."""

import json
from dataclasses import dataclass
from math import degrees
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shapecycle.cli.commands import Reconstruct
from shapecycle.cli.inputs import chosen_device, files_of, load_photos, within
from shapecycle.cli.output import camera_json, new_folder, say
from shapecycle.evaluate.silhouettes import silhouette_iou

if TYPE_CHECKING:
    from shapecycle.data.photos import Photo
    from shapecycle.model import Model, Seen

CHUNK = 16


def run(command: Reconstruct) -> None:
    """Reconstruct all pictures, or none if one is bad."""
    from shapecycle.data.photos import SUFFIXES
    from shapecycle.model import load

    within(command.refine_steps, 0, 10_000, "--refine-steps")
    files = files_of(command.inputs, tuple(SUFFIXES), "pictures")
    with new_folder(command.out) as out:
        model = load(command.model, device=chosen_device(command.device))
        photos = load_photos(files, skip_bad=command.skip_bad)
        reconstruct(model, photos, out, refine_steps=command.refine_steps)
    say(f"{len(photos)} reconstructions are in")
    print(command.out)


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
