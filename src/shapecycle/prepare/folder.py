"""A folder of one's own becomes one that trainings take, with a sheet of what was found in it."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import radians
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32
from PIL import Image

from shapecycle.camera import Pose, View
from shapecycle.code_to_image.compositing import premultiplied, resized, unpremultiplied
from shapecycle.code_to_image.portrait import drawn_untextured
from shapecycle.data.mesh_files import load_mesh
from shapecycle.data.photos import (
    EXIF_IFD,
    FOCAL_LENGTH_35MM,
    crop,
    focal_length_of,
    window_of,
)
from shapecycle.data.simplify import simplify
from shapecycle.errors import DataError, ShapecycleError
from shapecycle.geometry.boxes import normalise
from shapecycle.mesh import Mesh
from shapecycle.prepare import pictures, shapes
from shapecycle.prepare.masks import masked
from shapecycle.prepare.sheet import SIDE, Entry

PORTRAIT = Pose(torch.tensor([[radians(35), radians(20), 0.0]]), torch.tensor([[0.0, 0.0, -2.2]]))
PORTRAIT_VIEW = View(torch.tensor([[0.0, 0.0, 1.0]]), (SIDE, SIDE), radians(28))
PORTRAIT_FACES = 4000


@dataclass(frozen=True)
class PictureOptions:
    """How pictures are prepared.

    Attributes:
        size: Longest side of what is written, in pixels.
        crops: Whether squares around the objects are written, instead of whole frames.
        background: Its sRGB colour in [0, 1], where it is known.
        command: What makes masks that nothing else gives.
    """

    size: int
    crops: bool
    background: Float[np.ndarray, "3"] | None
    command: str | None


@dataclass(frozen=True)
class Prepared:
    """What came of the files of one kind.

    Attributes:
        entries: For the sheet, in the files' order.
        records: The same as JSON values.
        faults: Of the files that cannot be used.
    """

    entries: list[Entry]
    records: list[dict[str, Any]]
    faults: list[ShapecycleError]


def prepare_pictures(
    files: Sequence[Path], out: Path, options: PictureOptions, tell: Callable[[int], None]
) -> Prepared:
    """Write pictures with their masks as RGBA PNG files, and look at all of them.

    Args:
        files: The pictures.
        out: The folder to write into.
        options: How.
        tell: Is told the number of each that was done.
    """
    kept, origins, measured, sizes, thumbnails = [], [], [], [], []
    faults: dict[Path, ShapecycleError] = {}
    for number, path in enumerate(files):
        try:
            found = masked(
                path, background=options.background, command=options.command,
                side=None if options.crops else options.size,
            )  # fmt: skip
            rgba = _fitted(found.rgba, options.size, crops=options.crops)
            measured.append(pictures.measured(type(found)(rgba, found.origin)))
        except ShapecycleError as error:
            faults[path] = error
        else:
            kept.append(path)
            origins.append(found.origin)
            sizes.append((rgba.shape[2], rgba.shape[1]))
            thumbnails.append(_picture(crop(rgba, window_of(rgba[3]), SIDE)))
            exif = Image.Exif()
            if not options.crops and (focal := focal_length_of(path)) is not None:
                exif[EXIF_IFD] = {FOCAL_LENGTH_35MM: round(focal)}
            _picture(rgba).save(out / f"{path.stem}.png", exif=exif)
        tell(number + 1)
    odd = dict(zip(kept, pictures.of_the_folder(kept, measured), strict=True))
    entries, records = [], []
    about = dict(zip(kept, zip(origins, sizes, thumbnails, strict=True), strict=True))
    for path in files:
        if path in faults:
            what = faults[path].what.removeprefix(f"{path}: ")
            entries.append(Entry(path.name, "no picture", (what,), True, None))
            records.append({"file": path.name, "problems": [what], "left_out": True})
            continue
        origin, (width, height), thumbnail = about[path]
        line = f"{width} x {height}, mask from {origin}"
        entries.append(Entry(path.name, line, odd[path], False, thumbnail))
        records.append({"file": path.name, "mask": origin, "problems": list(odd[path])})
    return Prepared(entries, records, list(faults.values()))


def prepare_shapes(files: Sequence[Path], out: Path, tell: Callable[[int], None]) -> Prepared:
    """Copy the shapes that can be used, as they are, and look at all of them."""
    kept, meshes = [], []
    faults: dict[Path, ShapecycleError] = {}
    for number, path in enumerate(files):
        try:
            mesh = load_mesh(path)
            meshes.append(simplify(mesh, PORTRAIT_FACES))
        except ShapecycleError as error:
            faults[path] = error
        else:
            kept.append(path)
            shutil.copyfile(path, out / path.name)
        tell(number + 1)
    found = dict(zip(kept, shapes.findings(kept, meshes), strict=True)) if kept else {}
    seen = dict(zip(kept, meshes, strict=True))
    entries, records = [], []
    for path in files:
        if path in faults:
            what = faults[path].what.removeprefix(f"{path}: ")
            entries.append(Entry(path.name, "no shape", (what,), True, None))
            records.append({"file": path.name, "problems": [what], "left_out": True})
            continue
        one = found[path]
        line = ", ".join((f"{one.faces:,} faces" if one.faces else "", *one.notes)).strip(", ")
        entries.append(Entry(path.name, line, one.problems, False, _portrait(seen[path])))
        records.append(
            {"file": path.name, "notes": list(one.notes), "problems": list(one.problems)}
        )
    return Prepared(entries, records, list(faults.values()))


def _fitted(
    rgba: Float32[np.ndarray, "4 h w"], size: int, *, crops: bool
) -> Float32[np.ndarray, "4 oh ow"]:
    """Shrink a picture to a longest side, or cut its object out."""
    height, width = rgba.shape[1:]
    if crops:
        window = window_of(rgba[3])
        return crop(rgba, window, min(size, max(1, round(window.half * height))))
    if not (rgba[3] > 0.5).any():
        raise DataError("its mask is empty")
    scale = size / max(height, width)
    if scale >= 1:
        return rgba
    small = (max(1, round(height * scale)), max(1, round(width * scale)))
    shrunk = unpremultiplied(resized(premultiplied(torch.from_numpy(rgba)[None]), small))
    result: np.ndarray = shrunk[0].numpy()
    return result


def _picture(rgba: Float32[np.ndarray, "4 h w"]) -> Image.Image:
    pixels = (rgba.clip(0, 1) * 255).round().astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)), "RGBA")


def _portrait(mesh: Mesh) -> Image.Image | None:
    if mesh.is_point_cloud:
        return None
    drawn = drawn_untextured(normalise(mesh)[0], PORTRAIT, PORTRAIT_VIEW)
    return Image.fromarray((drawn.clip(0, 1) * 255).round().astype(np.uint8), "RGBA")
