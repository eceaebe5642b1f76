"""``shapecycle reconstruct``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import degrees
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from shapecycle.cli.drawing import codes_at_once, drawn
from shapecycle.cli.inputs import Device, check_range, files_of, load_share
from shapecycle.cli.output import camera_json, new_folder
from shapecycle.cli.together import own_device, together
from shapecycle.cli.writer import Writer
from shapecycle.console import say
from shapecycle.data.folders import counted

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    from shapecycle.data.photos import Photo
    from shapecycle.mesh import Mesh
    from shapecycle.model import Model, Seen
    from shapecycle.parallel import Team


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
        from shapecycle.data.photos import SUFFIXES, load_photo
        from shapecycle.model import load

        check_range(self.refine_steps, 0, 10_000, "--refine-steps")
        with together() as team:
            files = team.first(lambda: files_of(self.inputs, tuple(SUFFIXES), "pictures"))
            with new_folder(self.out, team) as out:
                model = team.own(lambda: load(self.model, device=own_device(self.device, team)))
                photos = load_share(
                    files, load_photo, team, skip_bad=self.skip_bad, kind="pictures"
                )
                results = reconstruct(model, photos, out, team, refine_steps=self.refine_steps)
            say(f"{counted(len(results), 'reconstructions')} written to")
            if team.is_first:
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
    model: "Model",
    photos: "Mapping[int, Photo]",
    out: Path,
    team: "Team",
    *,
    refine_steps: int,
) -> list[Result]:
    """Write ``<stem>/{mesh.glb,render.png,code.json}`` for every picture, and ``summary.json``.

    Args:
        model: What sees and draws.
        photos: This process's share of the pictures, by their numbers among all.
        out: The folder that all processes write into.
        team: The processes that share the pictures out.
        refine_steps: As in `Model.see`.

    Returns:
        The results of all processes, in the pictures' order.
    """
    shares = team.each(lambda: len(photos))
    numbers, at_once, done = list(photos), codes_at_once(model.device.type), 0
    with Writer[tuple[int, Result]]() as writer:
        for start in range(0, max(shares), at_once):
            chunk = {number: photos[number] for number in numbers[start : start + at_once]}
            done += sum(team.each(partial(_reconstruct, model, chunk, out, writer, refine_steps)))
            say(f"  {done} of {counted(sum(shares), 'pictures')}")
        found = dict(pair for share in team.each(writer.finish) for pair in share)
    results = [found[number] for number in sorted(found)]
    team.first(lambda: _write_summary(results, out))
    return results


def _reconstruct(
    model: "Model",
    photos: "Mapping[int, Photo]",
    out: Path,
    writer: Writer[tuple[int, Result]],
    refine_steps: int,
) -> int:
    """See and draw some pictures, and begin to write what was seen; return how many."""
    from shapecycle.graphics_code import GraphicsCode

    numbers, chunk = list(photos), list(photos.values())
    if not chunk:
        return 0
    seen = model.see_photos(chunk, refine_steps=refine_steps)
    codes = GraphicsCode.stack([one.code for one in seen])
    for some, pictures in drawn(model, codes, [one.size for one in seen]):
        meshes = model.meshes(codes[some])
        writer.begin(
            [
                partial(_write, numbers[k], chunk[k], _on_cpu(seen[k]), picture, mesh, out)
                for k, picture, mesh in zip(some, pictures, meshes, strict=True)
            ]
        )
    return len(chunk)


def _on_cpu(seen: "Seen") -> "Seen":
    import torch

    from shapecycle.camera import Pose

    hypotheses = [
        replace(one, pose=Pose(one.pose.angles.cpu(), one.pose.translation.cpu()))
        for one in seen.hypotheses
    ]
    return replace(seen, code=seen.code.map(torch.Tensor.cpu), hypotheses=hypotheses)


def _write(
    number: int,
    photo: "Photo",
    seen: "Seen",
    picture: "Float[np.ndarray, 'h w 4']",
    mesh: "Mesh",
    out: Path,
) -> tuple[int, Result]:
    import numpy as np
    from PIL import Image

    from shapecycle.evaluate.silhouettes import silhouette_iou

    folder = out / photo.path.stem
    folder.mkdir(parents=True)
    Image.fromarray((picture * 255).round().astype(np.uint8)).save(folder / "render.png")
    iou = silhouette_iou(picture[..., 3], photo.rgba[3])
    mesh.save(folder / "mesh.glb", extras={"silhouette_iou": iou})
    record = {
        "image": photo.path.name,
        "size": list(seen.size),
        "code": seen.code.to_json(),
        **camera_json(seen.code.pose, seen.fov_y),
        "hypotheses": [
            {"plausibility": h.plausibility, **camera_json(h.pose, seen.fov_y)}
            for h in seen.hypotheses
        ],
        "silhouette_iou": iou,
    }
    (folder / "code.json").write_text(json.dumps(record, indent=1) + "\n")
    azimuth, elevation, _ = (degrees(x) for x in seen.code.pose.angles[0].tolist())
    plausibility = seen.hypotheses[0].plausibility
    return number, Result(photo.path.name, iou, azimuth % 360, elevation, plausibility)


def _write_summary(results: list[Result], out: Path) -> None:
    import numpy as np

    mean = float(np.mean([result.silhouette_iou for result in results]))
    summary = {"mean_silhouette_iou": mean, "pictures": [vars(result) for result in results]}
    (out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
