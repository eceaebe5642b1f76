"""``shapecycle reconstruct``."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import degrees, radians
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import DisallowNone, Positional, arg

from shapecycle.cli.appearance import Backgrounds
from shapecycle.cli.drawing import PIXELS_HELD, codes_at_once, drawn
from shapecycle.cli.inputs import Device, check_range, files_of, load_share
from shapecycle.cli.output import camera_json, new_folder
from shapecycle.cli.sample_files import generator_of
from shapecycle.cli.together import own_device, together
from shapecycle.cli.writer import Writer
from shapecycle.config import SurfaceKind
from shapecycle.console import say
from shapecycle.data.folders import counted
from shapecycle.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    from shapecycle.data.photos import Photo, PhotoFile
    from shapecycle.mesh import Mesh
    from shapecycle.model import Model
    from shapecycle.parallel import Team
    from shapecycle.seen import Hypothesis, Seen, SeeOptions

TRANSPARENT = Backgrounds(None)


@dataclass(frozen=True)
class Reconstruct:
    """Turn masked pictures into textured meshes (GLB), renders and graphics codes.

    Example: shapecycle reconstruct run photos/a.png photos/b.png --out out
    """

    model: Positional[Path]
    """Run folder, model file, or a model that comes with the package: cars or chairs."""
    inputs: Positional[tuple[Path, ...]]
    """Pictures, bare masks, or folders of them."""
    out: Path
    """Folder to create; one subfolder per picture."""
    refine_steps: int = 30
    """Steps of fitting each shape and pose to its mask; 0 keeps the network's first answer, on the
    template unless --surface carried asks for more."""
    surface: SurfaceKind = "auto"
    """The decoded template, a remembered shape that is carried to it, or whichever of the two
    code.json then gives the reason for."""
    hypothesis: int | None = None
    """Which pose hypothesis to take, as code.json ranks them; by default 1, the most plausible."""
    azimuth_hint: float | None = None
    """Take the most plausible pose within 30 degrees of this azimuth; in degrees, 0 is the front
    and 90 the object's +x side."""
    fov: float | None = None
    """Vertical field of view of the pictures, in degrees; by default the model's."""
    background: Annotated[
        DisallowNone[str | None], arg(help_behavior_hint="(default: transparent)")
    ] = None
    """What stands behind render.png: a colour, a picture, or a folder of pictures."""
    device: Device = "auto"
    """Where to compute."""
    skip_bad: bool = False
    """Leave bad files out instead of stopping; all are named."""

    def run(self) -> None:
        """Reconstruct all pictures, or none if one is bad."""
        from shapecycle.data.photos import SUFFIXES, PhotoFile
        from shapecycle.model import load

        options, backgrounds = self._options(), Backgrounds(self.background)
        with together() as team:
            files = team.first(lambda: files_of(self.inputs, tuple(SUFFIXES), "pictures"))
            with new_folder(self.out, team) as out:
                model = team.own(lambda: load(self.model, device=own_device(self.device, team)))
                check_surface(self.surface, model)
                pictures = load_share(
                    files,
                    partial(PhotoFile.checked, to_see=True),
                    team,
                    skip_bad=self.skip_bad,
                    kind="pictures",
                )
                results = reconstruct(model, pictures, out, team, options, backgrounds)
            for line in remarks(results, is_pose_chosen=options.is_pose_chosen):
                say(line)
            say(f"{counted(len(results), 'reconstructions')} written to")
            if team.is_first:
                print(self.out)

    def _options(self) -> "SeeOptions":
        """Return how the pictures are seen.

        Raises:
            ConfigError: If an option is out of its range, or two choose the pose.
        """
        from shapecycle.config import FOV_DEGREES
        from shapecycle.seen import HYPOTHESES, SeeOptions

        check_range(self.refine_steps, 0, 10_000, "--refine-steps")
        if self.hypothesis is not None and self.azimuth_hint is not None:
            raise ConfigError("--hypothesis and --azimuth-hint both choose the pose", "give one")
        if self.hypothesis is not None:
            check_range(self.hypothesis, 1, HYPOTHESES, "--hypothesis")
        if self.azimuth_hint is not None:
            check_range(self.azimuth_hint, -360, 360, "--azimuth-hint")
        if self.fov is not None:
            check_range(self.fov, *FOV_DEGREES, "--fov")
        return SeeOptions(
            self.refine_steps,
            hypothesis=1 if self.hypothesis is None else self.hypothesis,
            azimuth_hint=None if self.azimuth_hint is None else radians(self.azimuth_hint),
            fov_y=None if self.fov is None else radians(self.fov),
            surface=self.surface,
        )


def check_surface(surface: SurfaceKind, model: "Model") -> None:
    """Raise if a surface is asked for that the model cannot give.

    Raises:
        ConfigError: If it remembers no shapes to carry.
    """
    if surface == "carried" and not model.memory.sources:
        raise ConfigError(
            "--surface carried needs a model that remembers shapes, and this one holds none",
            "leave --surface out, or train without --memory none",
        )


@dataclass(frozen=True)
class Result:
    """One line of the summary."""

    image: str
    silhouette_iou: float
    azimuth_degrees: float
    elevation_degrees: float
    plausibility: float
    half_turn_is_likely: bool
    shape_distance: float
    unlike_training_shapes: bool
    bare_mask: bool
    on_background: bool
    source: str | None
    neither_fits: bool


MISSED = 0.1
"""Silhouette IoU below which a redrawing has missed its object, or shows nothing."""


def remarks(results: Sequence[Result], *, is_pose_chosen: bool) -> Iterator[str]:
    """Say, a line for each doubt, how many results it concerns; summary.json says which."""
    doubts = {
        "half_turn_is_likely": "the object may as well face the other way",
        "unlike_training_shapes": "the shape is far from those trained on, as a rough warning",
        "neither_fits": "neither surface fits the mask well; another kind of object, or pose?",
        "bare_mask": "a mask alone, seen as a grey object's picture",
        "on_background": "without a mask, cut out from a background of one colour",
    }
    if not is_pose_chosen:
        doubts["half_turn_is_likely"] += "; --hypothesis 2 or --azimuth-hint takes another pose"
    for name, doubt in doubts.items():
        if count := sum(getattr(result, name) for result in results):
            yield f"{count} of {counted(len(results), 'pictures')}: {doubt} ({name})"
    if count := sum(result.silhouette_iou < MISSED for result in results):
        yield (
            f"{count} of {counted(len(results), 'pictures')}: what was seen is not where the mask "
            f"is (silhouette_iou below {MISSED})"
        )


def reconstruct(
    model: "Model",
    pictures: "Mapping[int, PhotoFile]",
    out: Path,
    team: "Team",
    options: "SeeOptions",
    backgrounds: Backgrounds = TRANSPARENT,
) -> list[Result]:
    """Write ``<stem>/{mesh.glb,render.png,code.json}`` for every picture, and ``summary.json``.

    Args:
        model: What sees and draws.
        pictures: This process's share of the pictures, by their numbers among all.
        out: The folder that all processes write into.
        team: The processes that share the pictures out.
        options: How the pictures are seen.
        backgrounds: What stands behind the renders.

    Returns:
        The results of all processes, in the pictures' order.
    """
    chunks = list(_chunks(pictures, codes_at_once(model.device.type)))
    shares = team.each(lambda: (len(chunks), len(pictures)))
    rounds, count, done = max(n for n, _ in shares), sum(n for _, n in shares), 0
    with Writer[tuple[int, Result]]() as writer:
        for k in range(rounds):
            chunk = chunks[k] if k < len(chunks) else {}
            done += sum(
                team.each(partial(_reconstruct, model, chunk, out, writer, options, backgrounds))
            )
            say(f"  {done} of {counted(count, 'pictures')}")
        found = dict(pair for share in team.each(writer.finish) for pair in share)
    results = [found[number] for number in sorted(found)]
    team.first(lambda: _write_summary(results, out))
    return results


def _chunks(pictures: "Mapping[int, PhotoFile]", at_once: int) -> "Iterator[dict[int, PhotoFile]]":
    """Split pictures into runs of at most so many, whose pixels can be held at once."""
    chunk: dict[int, PhotoFile] = {}
    pixels = 0
    for number, picture in pictures.items():
        if chunk and (len(chunk) == at_once or pixels + picture.pixels > PIXELS_HELD):
            yield chunk
            chunk, pixels = {}, 0
        chunk[number] = picture
        pixels += picture.pixels
    if chunk:
        yield chunk


def _reconstruct(
    model: "Model",
    pictures: "Mapping[int, PhotoFile]",
    out: Path,
    writer: Writer[tuple[int, Result]],
    options: "SeeOptions",
    backgrounds: Backgrounds,
) -> int:
    """See and draw some pictures, and begin to write what was seen; return how many."""
    from shapecycle.graphics_code import GraphicsCode

    if not pictures:
        return 0
    numbers, chunk = list(pictures), [picture.load() for picture in pictures.values()]
    seen = model.see_photos(chunk, options)
    # Codes of one resolution together: stacked with finer ones they would be others.
    alike: dict[object, list[int]] = {}
    for k, one in enumerate(seen):
        alike.setdefault(_resolution(one), []).append(k)
    for same in alike.values():
        codes = GraphicsCode.stack([seen[k].code for k in same])
        sizes = [seen[k].size for k in same]
        for some, drawings in drawn(model, codes, sizes, fov_y=options.fov_y):
            meshes = model.meshes(codes[some])
            jobs = []
            for k, drawing, mesh in zip([same[i] for i in some], drawings, meshes, strict=True):
                one = _on_cpu(seen[k])
                jobs.append(
                    partial(_write, numbers[k], chunk[k], one, drawing, mesh, out, backgrounds)
                )
            writer.begin(jobs)
    return len(chunk)


def _resolution(seen: "Seen") -> tuple[int | None, ...]:
    """Return the sides of a code's texels."""
    texture, surface = seen.code.texture, seen.code.surface
    images = (texture.texels, texture.fill, None if surface is None else surface.texels)
    return tuple(None if image is None else image.shape[-1] for image in images)


def _on_cpu(seen: "Seen") -> "Seen":
    import torch

    from shapecycle.camera import Pose

    start, *hypotheses = (
        replace(one, pose=Pose(one.pose.angles.cpu(), one.pose.translation.cpu()))
        for one in (seen.start, *seen.hypotheses)
    )
    code = seen.code.map(torch.Tensor.cpu)
    return replace(seen, code=code, start=start, hypotheses=hypotheses)


def _hypothesis_json(hypothesis: "Hypothesis", fov_y: float) -> dict[str, Any]:
    return {"plausibility": hypothesis.plausibility, **camera_json(hypothesis.pose, fov_y)}


def _write(
    number: int,
    photo: "Photo",
    seen: "Seen",
    picture: "Float[np.ndarray, 'h w 4']",
    mesh: "Mesh",
    out: Path,
    backgrounds: Backgrounds,
) -> tuple[int, Result]:
    from PIL import Image

    from shapecycle.code_to_image.compositing import pixels_over
    from shapecycle.evaluate.silhouettes import silhouette_iou
    from shapecycle.seen import NEITHER

    folder = out / photo.path.stem
    folder.mkdir(parents=True)
    behind = backgrounds(generator_of(0, number), seen.size)
    Image.fromarray(pixels_over(picture, behind)).save(folder / "render.png")
    iou = silhouette_iou(picture[..., 3], photo.rgba[3])
    source = seen.surface_choice.source
    named = {} if source is None else {"carried_from": source}
    mesh.save(folder / "mesh.glb", extras={"silhouette_iou": iou, **named})
    doubts: dict[str, Any] = {
        "half_turn_is_likely": seen.half_turn_is_likely,
        "shape_distance": seen.shape_distance,
        "unlike_training_shapes": seen.unlike_training_shapes,
        "bare_mask": photo.is_bare_mask,
        "on_background": photo.is_on_background,
    }
    record = {
        "image": photo.path.name,
        "size": list(seen.size),
        "code": seen.code.to_json(),
        **camera_json(seen.code.pose, seen.fov_y),
        "hypotheses": [_hypothesis_json(one, seen.fov_y) for one in seen.hypotheses],
        "start": _hypothesis_json(seen.start, seen.fov_y),
        "silhouette_iou": iou,
        **doubts,
        "surface": vars(seen.surface_choice),
    }
    (folder / "code.json").write_text(json.dumps(record, indent=1) + "\n")
    azimuth, elevation, _ = (degrees(x) for x in seen.code.pose.angles[0].tolist())
    result = Result(
        photo.path.name,
        iou,
        azimuth % 360,
        elevation,
        seen.start.plausibility,
        **doubts,
        source=source,
        neither_fits=seen.surface_choice.reason == NEITHER,
    )
    return number, result


def _write_summary(results: list[Result], out: Path) -> None:
    import numpy as np

    mean = float(np.mean([result.silhouette_iou for result in results]))
    summary = {"mean_silhouette_iou": mean, "pictures": [vars(result) for result in results]}
    (out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
