"""``shapecycle reconstruct``."""

import json
from dataclasses import dataclass
from math import degrees
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from shapecycle.cli.inputs import Device, check_range, files_of, load_photos
from shapecycle.cli.output import camera_json, new_folder
from shapecycle.console import say
from shapecycle.data.folders import counted

if TYPE_CHECKING:
    from shapecycle.data.photos import Photo
    from shapecycle.model import Model, Seen

CHUNK = 16


@dataclass(frozen=True)
class Reconstruct:
    """Turn masked pictures into textured meshes (GLB), renders and graphics codes.

    Example: shapecycle reconstruct run photos/a.png photos/b.png --out out
    """

    model: Positional[Path]
    """Run folder or model file."""
    inputs: Positional[tuple[Path, ...]]
    """Pictures, or folders of pictures."""
    out: Path
    """Folder to create; one subfolder per picture."""
    refine_steps: int = 30
    """Steps of fitting each shape and pose to its mask; 0 keeps the network's first answer."""
    device: Device = "auto"
    """Where to compute."""
    skip_bad: bool = False
    """Leave bad files out instead of stopping; all are named."""

    def run(self) -> None:
        """Reconstruct all pictures, or none if one is bad."""
        from shapecycle.data.photos import SUFFIXES
        from shapecycle.devices import chosen_device
        from shapecycle.model import load

        check_range(self.refine_steps, 0, 10_000, "--refine-steps")
        files = files_of(self.inputs, tuple(SUFFIXES), "pictures")
        with new_folder(self.out) as out:
            model = load(self.model, device=chosen_device(self.device))
            photos = load_photos(files, skip_bad=self.skip_bad)
            reconstruct(model, photos, out, refine_steps=self.refine_steps)
        say(f"{counted(len(photos), 'reconstructions')} written to")
        print(self.out)


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
    import numpy as np

    results = []
    for start in range(0, len(photos), CHUNK):
        chunk = photos[start : start + CHUNK]
        seen = model.see_photos(chunk, refine_steps=refine_steps)
        results += [
            _write(model, photo, one, out / photo.path.stem)
            for photo, one in zip(chunk, seen, strict=True)
        ]
        say(f"  {len(results)} of {counted(len(photos), 'pictures')}")
    mean = float(np.mean([result.silhouette_iou for result in results]))
    summary = {"mean_silhouette_iou": mean, "pictures": [vars(result) for result in results]}
    (out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    return results


def _write(model: "Model", photo: "Photo", seen: "Seen", folder: Path) -> Result:
    import numpy as np
    from PIL import Image

    from shapecycle.evaluate.silhouettes import silhouette_iou

    folder.mkdir(parents=True)
    picture = model.draw(seen.code, seen.size)[0]
    Image.fromarray((picture * 255).round().astype(np.uint8)).save(folder / "render.png")
    iou = silhouette_iou(picture[..., 3], photo.rgba[3])
    code = seen.code.to_json()
    model.mesh(seen.code).save(folder / "mesh.glb", extras={"silhouette_iou": iou})
    record = {
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
    (folder / "code.json").write_text(json.dumps(record, indent=1) + "\n")
    azimuth, elevation, _ = (degrees(x) for x in seen.code.pose.angles[0].tolist())
    return Result(photo.path.name, iou, azimuth % 360, elevation, seen.hypotheses[0].plausibility)
