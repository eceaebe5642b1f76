"""How wrong are the colours of sides that the photograph did not show?

    python runs/from_behind.py MODEL RECONSTRUCTIONS IMAGES

Takes pairs of pictures of one object, as `shapecycle reconstruct` left them (16 pairs an object,
drawn with a fixed seed), draws the first one's shape and texture in the second one's estimated
pose and light, and prints the mean absolute difference of sRGB colours where the drawing and the
second picture both show the object; by how far apart the two azimuths are. Pictures are named
OBJECT_VIEW.png.
"""

import argparse
import json
import random
from itertools import groupby
from math import degrees
from pathlib import Path

import numpy as np

from shapecycle import load
from shapecycle.data.photos import load_photo
from shapecycle.graphics_code import GraphicsCode

PAIRS = 16
COVERED = 0.9
BANDS = ((0, 30), (30, 60), (60, 120), (120, 180))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("model", "reconstructions", "images"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    model = load(options.model)
    codes = {
        path.parent.name: GraphicsCode.from_json(json.loads(path.read_text())["code"])
        for path in sorted(options.reconstructions.glob("*/code.json"))
    }
    found = []
    for first, second in pairs(sorted(codes)):
        photo = load_photo(options.images / f"{second}.png").rgba
        here, there = codes[first], codes[second]
        code = here.with_pose_of(there).with_light_of(there)
        drawing = model.draw(code, photo.shape[1:])[0].transpose(2, 0, 1)
        both = (drawing[3] > COVERED) & (photo[3] > COVERED)
        if both.any():
            wrong = float(np.abs(drawing[:3] - photo[:3])[:, both].mean())
            found.append((apart(here, there), wrong))
    print("| degrees apart | pairs | mean colour difference |\n| --- | --- | --- |")
    for low, high in (*BANDS, (0, 180)):
        inside = [wrong for angle, wrong in found if low <= angle < high or angle == high == 180]
        mean = f"{np.mean(inside):.4f}" if inside else "-"
        print(f"| {low} to {high} | {len(inside)} | {mean} |")


def pairs(names: list[str]) -> list[tuple[str, str]]:
    """Draw pairs of views of every object."""
    generator = random.Random(0)
    groups = groupby(names, key=lambda name: name.rsplit("_", 1)[0])
    views = [list(group) for _, group in groups]
    return [tuple(generator.sample(group, 2)) for group in views for _ in range(PAIRS)]


def apart(here: GraphicsCode, there: GraphicsCode) -> float:
    """Return the angle between two azimuths, in degrees."""
    turn = degrees(float(here.pose.angles[0, 0] - there.pose.angles[0, 0]))
    return abs((turn + 180) % 360 - 180)


if __name__ == "__main__":
    main()
