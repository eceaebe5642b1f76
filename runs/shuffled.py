"""Lay drawings and photographs out in a shuffled sheet: which are which?

    python runs/shuffled.py DRAWINGS PHOTOGRAPHS OUT.png [--count 24] [--seed 0]

Takes every nth picture of either folder by name, none by hand, cropped to its mask on white, and
prints which tiles are drawings, row by row.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from shapecycle.data.photos import crop, load_photo, window_of

SIDE, COLUMNS = 128, 8


def tiles(folder: Path, count: int) -> list[Image.Image]:
    """Return pictures spread over a folder and the folders in it."""
    files = sorted(folder.rglob("*.png"))
    found = []
    for path in files[:: max(1, len(files) // count)][:count]:
        rgba = load_photo(path).rgba
        cropped = crop(rgba, window_of(rgba[3], 0.1), SIDE)
        white = cropped[:3] * cropped[3:] + 1 - cropped[3:]
        found.append(
            Image.fromarray((255 * white.clip(0, 1)).round().astype(np.uint8).transpose(1, 2, 0))
        )
    return found


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("drawings", type=Path)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    drawn, real = (
        tiles(one, arguments.count) for one in (arguments.drawings, arguments.photographs)
    )
    order = np.random.default_rng(arguments.seed).permutation(len(drawn) + len(real))
    rows = -(-len(order) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * SIDE, rows * SIDE), "white")
    for place, k in enumerate(order):
        tile = drawn[k] if k < len(drawn) else real[k - len(drawn)]
        sheet.paste(tile, (place % COLUMNS * SIDE, place // COLUMNS * SIDE))
    sheet.save(arguments.out, optimize=True)
    for row in range(rows):
        keys = order[row * COLUMNS : (row + 1) * COLUMNS]
        print(" ".join("drawn" if k < len(drawn) else "real " for k in keys))


if __name__ == "__main__":
    main()
