"""The pictures of a demo's report."""

import json
from dataclasses import dataclass, replace
from math import radians
from pathlib import Path
from typing import Any

import torch

from shapecycle.camera import Pose
from shapecycle.code_to_image.compositing import downsampled, unpremultiplied
from shapecycle.data.mesh_files import load_mesh
from shapecycle.demo.report import Drawn, Picture, Reconstruction, Views, picture_of
from shapecycle.demo.scoring import Scores
from shapecycle.demo.views import (
    SIDES,
    TILE,
    around,
    close_up,
    drawn_untextured,
    neutral_light,
    pixels_of,
)
from shapecycle.demo.world import DRAWINGS, NEW, DemoPaths, World
from shapecycle.graphics_code import GraphicsCode
from shapecycle.mesh import Mesh
from shapecycle.model import Model, load


@dataclass(frozen=True)
class Gallery:
    """The pictures of the page."""

    full: tuple[Reconstruction, ...]
    brief: tuple[Reconstruction, ...]
    drawn: tuple[Drawn, ...]
    new: tuple[Picture, ...]


def gallery_of(world: World, paths: DemoPaths, scores: dict[str, Any]) -> Gallery:
    """Gather the pictures that the verbs wrote, and draw views of the shapes."""
    model = load(paths.run)
    seen, drawn = scores["seeing"]["rows"], scores["drawing"]["rows"]
    first_of_each = {row["shape"]: row for row in reversed(seen)}
    return Gallery(
        full=tuple(_in_full(model, world, paths, row) for row in reversed(first_of_each.values())),
        brief=tuple(_in_brief(paths, row, width=96) for row in seen),
        drawn=tuple(_drawn(world, paths, row) for row in drawn),
        new=tuple(
            picture_of(pixels_of(paths.new / f"{k}.png"), f"new car {k}", width=192)
            for k in range(NEW)
        ),
    )


def _in_brief(paths: DemoPaths, row: Scores, width: int | None = None) -> Reconstruction:
    name = row["image"]
    photo = pixels_of(paths.held_out / "images" / name)
    redrawn = pixels_of(paths.meshes / Path(name).stem / "render.png")
    return Reconstruction(
        name=name,
        photo=picture_of(photo, f"held-out picture {name}", width=width),
        redrawn=picture_of(redrawn, f"what was seen in {name}, drawn again", width=width),
        scores={k: v for k, v in row.items() if isinstance(v, float)},
    )


def _in_full(model: Model, world: World, paths: DemoPaths, row: Scores) -> Reconstruction:
    stem = Path(row["image"]).stem
    mesh = load_mesh(paths.meshes / stem / "mesh.glb")
    truth = load_mesh(paths.held_out / "shapes" / f"{row['shape']}.ply")
    views = (
        _textured_views(model, paths.meshes / stem / "code.json", world, row["image"]),
        _untextured_views("its surface", mesh, world, row["image"]),
        _untextured_views("true shape", truth, world, row["image"]),
    )
    return replace(_in_brief(paths, row), views=views)


def _drawn(world: World, paths: DemoPaths, row: Scores) -> Drawn:
    stem = row["shape"]
    truth = load_mesh(paths.held_out / "shapes" / f"{stem}.ply")
    shape = drawn_untextured(truth, around(radians(35)), close_up(world, (160, 160)))
    return Drawn(
        name=f"{stem}.ply",
        shape=picture_of(shape, f"held-out shape {stem}, without texture"),
        drawings=tuple(
            picture_of(
                pixels_of(paths.drawings / stem / f"{k}.png"),
                f"drawing {k} of held-out shape {stem}",
                width=160,
            )
            for k in range(DRAWINGS)
        ),
        silhouette_iou=row["silhouette_iou"],
    )


def _textured_views(model: Model, code_file: Path, world: World, name: str) -> Views:
    """Draw a reconstruction with its texture from all sides, in neutral light."""
    code = GraphicsCode.from_json(json.loads(code_file.read_text())["code"])
    poses = [around(azimuth) for azimuth in SIDES.values()]
    pose = Pose(torch.cat([p.angles for p in poses]), torch.cat([p.translation for p in poses]))
    code = code.map(lambda x: x.expand(len(poses), *x.shape[1:]))
    code = replace(code, pose=pose, light=neutral_light().expand(len(poses), 9, 3))
    view = close_up(world, (2 * TILE[0], 2 * TILE[1]), count=len(poses))
    with torch.no_grad():
        drawn = unpremultiplied(downsampled(model.networks.renderer.draw(code, view), 2))
    pictures = drawn.permute(0, 2, 3, 1).numpy()
    return Views(
        "mesh",
        tuple(
            picture_of(picture, f"the mesh reconstructed from {name}, {side}")
            for picture, side in zip(pictures, SIDES, strict=True)
        ),
    )


def _untextured_views(what: str, mesh: Mesh, world: World, name: str) -> Views:
    """Draw a mesh without texture from all sides, in the same light."""
    view = close_up(world, TILE)
    return Views(
        what,
        tuple(
            picture_of(drawn_untextured(mesh, around(azimuth), view), f"{what}, {side}, for {name}")
            for side, azimuth in SIDES.items()
        ),
    )
