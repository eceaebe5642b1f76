"""Do drawn poses follow those of photographs? Total variation of 12-bin histograms.

    python runs/pose_histograms.py DRAWINGS CAMERAS.json

DRAWINGS is what `render` or `generate` wrote; CAMERAS.json holds the true cameras of photographs.
Azimuths are binned around the circle, elevations and distances over the range of both.
"""

import argparse
import json
from math import pi
from pathlib import Path

import numpy as np

from shapecycle.evaluate.pose import azimuth_of, read_cameras

BINS = 12


def main() -> None:
    """Print the total variation of each, and that of two halves of the photographs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("drawings", type=Path)
    parser.add_argument("cameras", type=Path)
    arguments = parser.parse_args()
    files = sorted(arguments.drawings.rglob("*.json"))
    drawn = np.array([json.loads(file.read_text())["camera_from_object"] for file in files])
    true = np.stack(list(read_cameras(arguments.cameras).values()))
    for name, ours, theirs in zip(
        ("azimuth", "elevation", "distance"), measures(drawn), measures(true), strict=True
    ):
        both = np.concatenate([ours, theirs])
        span = (-pi, pi) if name == "azimuth" else (both.min(), both.max())
        between = variation(ours, theirs, span)
        halves = variation(theirs[::2], theirs[1::2], span)
        print(f"{name}: {between:.3f} ({len(ours)} and {len(theirs)}); two halves {halves:.3f}")


def measures(cameras: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return azimuths, elevations and distances of cameras."""
    eye = -np.einsum("bji,bj->bi", cameras[:, :3, :3], cameras[:, :3, 3])
    distance = np.linalg.norm(eye, axis=1)
    return azimuth_of(cameras), np.arcsin(eye[:, 1] / distance), distance


def variation(ours: np.ndarray, theirs: np.ndarray, span: tuple[float, float]) -> float:
    """Return half the summed difference of two histograms."""
    one, other = (np.histogram(x, BINS, span)[0] / len(x) for x in (ours, theirs))
    return float(np.abs(one - other).sum() / 2)


if __name__ == "__main__":
    main()
