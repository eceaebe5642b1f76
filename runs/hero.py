"""The README's picture: what was seen in pictures of held-out objects, from all sides.

    python runs/hero.py RUN IMAGES OUT.png [--surface auto] [--scores metrics.json]

The first picture of each object (OBJECT_VIEW.png), a column each: the picture, what was seen in it
drawn again, and the mesh in neutral light from the front, from behind and from the side. With the
scores that `evaluate` wrote: the three pictures of the best, of median and of the worst F-score.
"""

import argparse
import json
from itertools import groupby
from math import pi
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from shapecycle.camera import View
from shapecycle.data.photos import load_photo
from shapecycle.demo.views import around, drawn_textured
from shapecycle.evaluate.scores import object_of
from shapecycle.model import load

WIDTH, HEIGHT = 150, 110
FOV_Y = 0.7


def over_white(rgba: np.ndarray) -> Image.Image:
    """Composite a straight-alpha picture in [0, 1] over white, and cut its middle out."""
    pixels = rgba[..., :3] * rgba[..., 3:] + 1 - rgba[..., 3:]
    picture = Image.fromarray((pixels.clip(0, 1) * 255).round().astype(np.uint8))
    picture.thumbnail((WIDTH, WIDTH), Image.Resampling.LANCZOS)
    tile = Image.new("RGB", (WIDTH, HEIGHT), "white")
    tile.paste(picture, ((WIDTH - picture.width) // 2, (HEIGHT - picture.height) // 2))
    return tile


def main() -> None:
    """Draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--surface", default="auto", choices=["auto", "carried", "template"])
    parser.add_argument("--scores", type=Path, default=None)
    arguments = parser.parse_args()
    model = load(arguments.run)
    files = sorted(arguments.images.glob("*.png"))
    paths = [next(group) for _, group in groupby(files, lambda path: object_of(path.name))]
    if arguments.scores is not None:
        rows = json.loads(arguments.scores.read_text())["pictures"]
        ranked = [row["image"] for row in sorted(rows, key=lambda row: -row["f_score"])]
        middle = len(ranked) // 2
        names = ranked[:3] + ranked[middle - 1 : middle + 2] + ranked[-3:]
        paths = [arguments.images / name for name in names]
    seen = model.see_all(paths, surface=arguments.surface)
    half = 0.55 / (2.2 * np.tan(FOV_Y / 2))
    view = View(torch.tensor([[0.0, 0.0, float(half)]]), (2 * WIDTH, 2 * WIDTH), FOV_Y)
    sheet = Image.new("RGB", (WIDTH * len(paths), 5 * HEIGHT), "white")
    for x, (path, one) in enumerate(zip(paths, seen, strict=True)):
        tiles = [load_photo(path).rgba.transpose(1, 2, 0), model.draw(one.code, one.size)[0]]
        tiles += [
            drawn_textured(model.surfaces, one.code, around(azimuth), view)
            for azimuth in (0.0, pi, pi / 2)
        ]
        for y, tile in enumerate(tiles):
            sheet.paste(over_white(tile), (WIDTH * x, HEIGHT * y))
    sheet.save(arguments.out)


if __name__ == "__main__":
    main()
