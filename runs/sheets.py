"""Draw sheets from what `runs/chairs.sh` left: no picture is chosen by hand.

usage: .venv/bin/python runs/sheets.py OUT_OF_CHAIRS_SH DATA DOCS

Prints how well the silhouettes of the drawings match those of the true shapes in the same poses.

What shows the benchmark's own pictures and shapes stays in OUT; only drawings go to DOCS.

reconstructions.png: per held-out chair its first picture (by name), what was seen drawn again, and
the textured mesh from the front, from behind and from the side. drawings.png: per held-out chair
shape the shape itself and three drawings in sampled textures and lights. new.png: sampled objects.
"""

import argparse
import json
from dataclasses import replace
from math import radians
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import shapecycle
from shapecycle import rasterize as rz
from shapecycle.camera import Pose, View
from shapecycle.code_to_image.compositing import downsampled
from shapecycle.data.mesh_files import load_mesh
from shapecycle.evaluate.silhouettes import silhouette_iou
from shapecycle.geometry.boxes import normalise
from shapecycle.graphics_code import GraphicsCode
from shapecycle.rasterize.torch_backend.solid import facing_normals

SIDE = 128
NEUTRAL = torch.zeros(1, 9, 3)
NEUTRAL[:, 0], NEUTRAL[:, 1], NEUTRAL[:, 2] = 2.4, 0.5, 0.6


def over_white(rgba: np.ndarray) -> Image.Image:
    """Composite a straight-alpha picture in [0, 1] over white."""
    alpha = rgba[..., 3:]
    pixels = rgba[..., :3] * alpha + 1 - alpha
    return Image.fromarray((pixels * 255).round().astype(np.uint8)).resize((SIDE, SIDE))


def opened(path: Path) -> Image.Image:
    """Open a picture file over white."""
    return over_white(np.asarray(Image.open(path).convert("RGBA"), np.float32) / 255)


def turned(model: shapecycle.Model, code: GraphicsCode, azimuth: float) -> Image.Image:
    """Draw a code from another side in a neutral light."""
    pose = Pose(
        torch.tensor([[radians(azimuth), radians(20), 0.0]]), torch.tensor([[0.0, 0.0, -2.0]])
    )
    around = replace(code, pose=pose, light=NEUTRAL)
    return over_white(model.draw(around, SIDE, framed=True)[0])


def grey(path: Path, azimuth: float) -> Image.Image:
    """Draw a raw shape file in grey."""
    mesh, _ = normalise(load_mesh(path))
    pose = Pose(
        torch.tensor([[radians(azimuth), radians(20), 0.0]]), torch.tensor([[0.0, 0.0, -2.0]])
    )
    camera = pose.place(torch.from_numpy(mesh.vertices).float()[None])
    view = View(torch.tensor([[0.0, 0.0, 0.6]]), (4 * SIDE, 4 * SIDE), 0.87)
    topology = rz.Topology.stack([mesh.faces])
    visible = rz.rasterize(view.clip(camera), topology, view.size)
    mask = visible.mask[:, None].float()
    light = facing_normals(camera, topology, visible)[:, 2:] * 0.7 + 0.2
    picture = downsampled(torch.cat([(light * mask).expand(-1, 3, -1, -1), mask], 1), 4)[0]
    picture[:3] /= picture[3:].clamp(min=1e-3)
    return over_white(picture.permute(1, 2, 0).numpy().clip(0, 1))


def drawing_scores(out: Path, shapes: list[Path]) -> tuple[list[float], list[float]]:
    """Compare drawings with raw shapes in the same poses, and their colours with each other."""
    overlaps, colours = [], []
    for shape in shapes:
        mesh, _ = normalise(load_mesh(shape))
        vertices = torch.from_numpy(mesh.vertices).float()
        means = []
        for k in range(3):
            record = json.loads((out / "drawings" / shape.stem / f"{k}.json").read_text())
            pixels = np.asarray(Image.open(out / "drawings" / shape.stem / f"{k}.png")) / 255
            matrix = torch.tensor(record["camera_from_object"])
            camera = (vertices @ matrix[:3, :3].mT + matrix[:3, 3])[None]
            view = View(torch.tensor([[0.0, 0.0, 1.0]]), pixels.shape[:2], record["fov_y"])
            visible = rz.rasterize(view.clip(camera), rz.Topology.stack([mesh.faces]), view.size)
            overlaps.append(silhouette_iou(pixels[..., 3], visible.mask[0].numpy()))
            means.append(pixels[pixels[..., 3] > 0.5, :3].mean(0))
        colours.append(float(np.std(means, axis=0).mean()))
    return overlaps, colours


def sheet(columns: list[list[Image.Image]], path: Path) -> None:
    """Lay pictures out, one column per object."""
    canvas = Image.new("RGB", (SIDE * len(columns), SIDE * len(columns[0])), "white")
    for x, column in enumerate(columns):
        for y, picture in enumerate(column):
            canvas.paste(picture, (x * SIDE, y * SIDE))
    canvas.quantize(256).save(path, optimize=True)


def main(out: Path, data: Path, docs: Path) -> None:
    """Draw all three sheets."""
    model = shapecycle.load(out / "run")
    shapes = sorted((data / "chairs/val/shapes").glob("*.ply"))
    reconstructions, drawings = [], []
    for shape in shapes:
        stem = f"{shape.stem}_00"
        folder = out / "reconstructions" / stem
        code = GraphicsCode.from_json(json.loads((folder / "code.json").read_text())["code"])
        reconstructions.append(
            [
                opened(data / "chairs/val/images" / f"{stem}.png"),
                opened(folder / "render.png"),
                *(turned(model, code, azimuth) for azimuth in (30, 150, 270)),
            ]
        )
        shown = [opened(out / "drawings" / shape.stem / f"{k}.png") for k in range(3)]
        drawings.append([grey(shape, 30), *shown])
    sheet(reconstructions, out / "reconstructions.png")
    overlaps, colours = drawing_scores(out, shapes)
    print(
        f"drawings: silhouette IoU mean {np.mean(overlaps):.3f}, median {np.median(overlaps):.3f}"
    )
    print(f"drawings: standard deviation of mean colours per shape {np.mean(colours):.3f}")
    sheet([column[1:] for column in drawings], docs / "drawings.png")
    sheet(drawings, out / "drawings.png")
    new = [opened(path) for path in sorted((out / "new").glob("*.png"))]
    sheet([[picture] for picture in new], docs / "new.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("out", "data", "docs"):
        parser.add_argument(name, type=Path)
    main(**vars(parser.parse_args()))
