"""Lay drawings out as `evaluate` reads pictures: shape -> drawing -> shape, and cameras.

    shapecycle render RUN SHAPES --samples 4 --size 128 --out DRAWINGS
    python runs/drawn_cycle.py DRAWINGS OUT [--samples 4]
    shapecycle evaluate RUN --images OUT/images --shapes SHAPES --cameras OUT/cameras.json ...

The same `evaluate` of another renderer's pictures of these shapes says what drawings may reach.
"""

import argparse
import json
import shutil
from math import degrees
from pathlib import Path


def main() -> None:
    """Copy drawings, and write their cameras."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("drawings", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--samples", type=int, default=4, help="only so many of each shape")
    arguments = parser.parse_args()
    images = arguments.out / "images"
    images.mkdir(parents=True)
    views, fov_y = {}, 0.0
    for record in sorted(arguments.drawings.glob("*/*.json")):
        if int(record.stem) >= arguments.samples:
            continue
        name, found = f"{record.parent.name}_{record.stem}", json.loads(record.read_text())
        shutil.copyfile(record.with_suffix(".png"), images / f"{name}.png")
        pose, fov_y = found["code"]["pose"], found["fov_y"]
        views[name] = {
            "azimuth_degrees": degrees(pose["azimuth"]),
            "elevation_degrees": degrees(pose["elevation"]),
            "camera_from_object": found["camera_from_object"],
        }
    cameras = {"fov_y_degrees": degrees(fov_y), "views": views}
    (arguments.out / "cameras.json").write_text(json.dumps(cameras, indent=1) + "\n")


if __name__ == "__main__":
    main()
