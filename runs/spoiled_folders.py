"""Spoil ten folders, each in one way, and see what `shapecycle prepare` finds in them.

    python runs/spoiled_folders.py OUT [--seed 0]

Each folder holds 24 pictures or 24 shapes of the demo's world, 2 of which are spoiled. Printed are
how many offenders were named for the right reason, and how many files that nobody spoiled were said
to be odd.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from shapecycle.demo.cars import car_mesh, sample_car, write_ply
from shapecycle.demo.chairs import chair_mesh, sample_chair
from shapecycle.demo.world import cars_world
from shapecycle.mesh import Mesh

COUNT, SPOILED = 24, 2


def cut(picture: Image.Image) -> Image.Image:
    """Move the object over the frame's edge."""
    left, _, right, _ = picture.getchannel("A").getbbox() or (0, 0, 1, 1)
    return picture.crop((left + (right - left) // 4, 0, picture.width, picture.height))


def tiny(picture: Image.Image) -> Image.Image:
    """Shrink the object."""
    small = picture.resize((picture.width // 8, picture.height // 8), Image.Resampling.BOX)
    whole = Image.new("RGBA", picture.size)
    whole.paste(small, (picture.width // 2, picture.height // 2))
    return whole


def torn(picture: Image.Image) -> Image.Image:
    """Take a stripe out of the mask."""
    left, _, right, _ = picture.getchannel("A").getbbox() or (0, 0, 1, 1)
    pixels = np.array(picture)
    middle = (left + right) // 2
    pixels[:, middle - 6 : middle + 6, 3] = 0
    return Image.fromarray(pixels)


def blurred(picture: Image.Image) -> Image.Image:
    """Shake the camera, so to speak; the mask stays as it is."""
    soft = picture.convert("RGB").filter(ImageFilter.GaussianBlur(5))
    soft.putalpha(picture.getchannel("A"))
    return soft


def opaque(picture: Image.Image) -> Image.Image:
    """Lay the object on noise, without a mask."""
    noise = np.random.default_rng(0).integers(0, 255, (picture.height, picture.width, 3))
    behind = Image.fromarray(noise.astype(np.uint8)).convert("RGBA")
    behind.alpha_composite(picture)
    return behind.convert("RGB")


PICTURES: dict[str, tuple[Callable[[Image.Image], Image.Image] | None, str]] = {
    "cut by the frame": (cut, "cut by the frame"),
    "tiny": (tiny, "tiny"),
    "in pieces": (torn, "pieces"),
    "blurred": (blurred, "blurred"),
    "without a mask": (opaque, "no mask"),
    "twice, resaved": (None, "looks like"),
}
SHAPES: dict[str, tuple[Callable[[Mesh, int], Mesh], str]] = {
    "lying": (lambda m, k: replace(m, vertices=m.vertices[:, [0, 2, 1]] * (1, -1, 1)), "turned"),
    "in millimetres": (lambda m, k: replace(m, vertices=1000 * m.vertices), "another unit"),
    "of another kind": (lambda m, k: chair_mesh(sample_chair(k)), "unlike the others"),
    "twice, moved": (lambda m, k: replace(m, vertices=m.vertices + 3.0), "the same shape"),
}


def write_pictures(name: str, folder: Path, generator: np.random.Generator) -> dict[str, str]:
    """Write a folder of pictures; return what is to be said of which."""
    spoil, reason = PICTURES[name]
    files = sorted((cars_world().pictures / "train" / "images").iterdir())[::5][:COUNT]
    chosen = generator.choice(COUNT, SPOILED, replace=False).tolist()
    expected = {}
    for k, file in enumerate(files):
        with Image.open(file) as opened:
            picture = opened.convert("RGBA")
        if k not in chosen:
            picture.save(folder / f"{k:02d}.png")
        elif spoil is not None:
            spoil(picture).save(folder / f"{k:02d}.png")
            expected[f"{k:02d}"] = reason
        else:
            picture.save(folder / f"{k:02d}.png")
            half = picture.resize((picture.width * 3 // 4, picture.height * 3 // 4))
            half.save(folder / f"{k:02d}_again.webp", quality=80)
            # Both are named, or one of them.
            expected[f"{k:02d}"] = reason
    return expected


def write_shapes(name: str, folder: Path, generator: np.random.Generator) -> dict[str, str]:
    """Write a folder of shapes; return what is to be said of which."""
    spoil, reason = SHAPES[name]
    chosen = generator.choice(COUNT, SPOILED, replace=False).tolist()
    expected = {}
    for k in range(COUNT):
        mesh = car_mesh(sample_car(9000 + k))
        twice = name.startswith("twice")
        if k in chosen:
            expected[f"{k:02d}"] = reason
            write_ply(folder / f"{k:02d}{'_again' * twice}.ply", spoil(mesh, k))
        if k not in chosen or twice:
            write_ply(folder / f"{k:02d}.ply", mesh)
    return expected


def main() -> None:
    """Print a line for each folder, and the sums."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    generator, sums = np.random.default_rng(arguments.seed), np.zeros(3, int)
    for number, name in enumerate((*PICTURES, *SHAPES)):
        folder = arguments.out / f"{number}"
        folder.mkdir(parents=True)
        write = write_pictures if name in PICTURES else write_shapes
        expected = write(name, folder, generator)
        words = ["prepare", str(folder), "--out", f"{folder}_ready"]
        subprocess.run(
            [sys.executable, "-m", "shapecycle", *words], check=True, capture_output=True
        )
        records = json.loads(Path(f"{folder}_ready/findings.json").read_text())
        said: dict[str, str] = {}
        for record in (one for some in records.values() for one in some):
            stem = Path(record["file"]).stem.removesuffix("_again")
            words = [*record["problems"], str(record.get("left_out") or "")]
            said[stem] = said.get(stem, "") + "; ".join(filter(None, words))
        found = sum(reason in said.get(stem, "") for stem, reason in expected.items())
        invented = {stem: text for stem, text in said.items() if text and stem not in expected}
        sums += (found, len(expected), len(invented))
        print(f"{name:<18} {found} of {len(expected)} found, {len(invented)} invented {invented}")
    print(f"together {sums[0]} of {sums[1]} found, {sums[2]} invented")


if __name__ == "__main__":
    main()
