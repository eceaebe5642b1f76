"""The pictures of a demo's report."""

import base64
import io
import json
from dataclasses import dataclass
from math import radians
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from PIL import Image

from shapecycle.data.mesh_files import load_mesh
from shapecycle.demo.scoring import Scores
from shapecycle.demo.views import (
    SIDES,
    TILE,
    around,
    close_up,
    drawn_textured,
    drawn_untextured,
    pixels_of,
)
from shapecycle.demo.world import DRAWINGS, DemoOptions, DemoPaths, World
from shapecycle.graphics_code import GraphicsCode
from shapecycle.memory.surfaces import SurfaceDecoder
from shapecycle.model import load


@dataclass(frozen=True)
class Picture:
    """A picture on the page.

    Attributes:
        png: The bytes of a PNG file.
        alt: What it shows, for those who do not see it.
    """

    png: bytes
    alt: str

    @property
    def uri(self) -> str:
        """The whole file as a data URI."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        with Image.open(io.BytesIO(self.png)) as picture:
            return picture.size


def picture_of(rgba: Float[np.ndarray, "h w 4"], alt: str, *, width: int | None = None) -> Picture:
    """Put a straight-alpha sRGB picture on white and encode it.

    Args:
        rgba: In [0, 1], row 0 on top.
        alt: What it shows.
        width: Width to shrink to, in pixels; the height follows.
    """
    alpha = rgba[..., 3:].clip(0, 1)
    over_white = rgba[..., :3].clip(0, 1) * alpha + 1 - alpha
    picture = Image.fromarray((over_white * 255).round().astype(np.uint8))
    if width is not None:
        size = (width, picture.height)
        picture.thumbnail(size, Image.Resampling.LANCZOS, reducing_gap=None)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return Picture(buffer.getvalue(), alt)


def gallery_of(
    options: DemoOptions, world: World, paths: DemoPaths, scores: dict[str, Any]
) -> dict[str, object]:
    """Gather the pictures that the verbs wrote, and draw views of the shapes.

    Returns:
        Rows of scores with the pictures they belong to: ``brief`` of all held-out pictures,
        ``full`` of the first of each object, ``drawn`` of held-out shapes; and ``new`` pictures.
    """
    surfaces = load(paths.run).surfaces
    seen = scores["seeing"]["rows"]
    first_of_each: dict[str, Scores] = {}
    for row in seen:
        first_of_each.setdefault(row["shape"], row)
    return {
        "full": [_in_full(surfaces, world, paths, row) for row in first_of_each.values()],
        "brief": [_in_brief(paths, row, width=96) for row in seen],
        "drawn": [_drawn(world, paths, row) for row in scores["drawing"]["rows"]],
        "new": [
            picture_of(pixels_of(paths.new / f"{k}.png"), f"new {world.noun} {k}", width=192)
            for k in range(options.new)
        ],
    }


def _in_brief(paths: DemoPaths, row: Scores, width: int | None = None) -> Scores:
    """Add ``photo`` and ``redrawn``."""
    name = row["image"]
    photo = pixels_of(paths.held_out / "images" / name)
    redrawn = pixels_of(paths.meshes / Path(name).stem / "render.png")
    return row | {
        "photo": picture_of(photo, f"held-out picture {name}", width=width),
        "redrawn": picture_of(redrawn, f"what was seen in {name}, drawn again", width=width),
    }


def _in_full(surfaces: SurfaceDecoder, world: World, paths: DemoPaths, row: Scores) -> Scores:
    """Add ``views`` too: by name, a picture from each of the sides."""
    name = row["image"]
    folder = paths.meshes / Path(name).stem
    code = GraphicsCode.from_json(json.loads((folder / "code.json").read_text())["code"])
    surface = load_mesh(folder / "mesh.glb")
    truth = load_mesh(paths.held_out / "shapes" / f"{row['shape']}.ply")
    view = close_up(world, TILE)
    views: dict[str, list[Picture]] = {"mesh": [], "its surface": [], "true shape": []}
    for side, azimuth in SIDES.items():
        pose = around(azimuth)
        textured = drawn_textured(surfaces, code, pose, view)
        views["mesh"].append(picture_of(textured, f"the mesh reconstructed from {name}, {side}"))
        for what, mesh in (("its surface", surface), ("true shape", truth)):
            untextured = drawn_untextured(mesh, pose, view)
            views[what].append(picture_of(untextured, f"{what}, {side}, for {name}"))
    return _in_brief(paths, row) | {"views": views}


def _drawn(world: World, paths: DemoPaths, row: Scores) -> Scores:
    """Add ``untextured``, the shape itself, and its ``drawings``."""
    stem = row["shape"]
    truth = load_mesh(paths.held_out / "shapes" / f"{stem}.ply")
    untextured = drawn_untextured(truth, around(radians(35)), close_up(world, (160, 160)))
    drawings = [pixels_of(paths.drawings / stem / f"{k}.png") for k in range(DRAWINGS)]
    return row | {
        "untextured": picture_of(untextured, f"held-out shape {stem}, without texture"),
        "drawings": [
            picture_of(drawing, f"drawing {k} of held-out shape {stem}", width=160)
            for k, drawing in enumerate(drawings)
        ],
    }
