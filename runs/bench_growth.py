"""How the time of training steps grows with pixels, faces, batch and the number of pictures.

    OMP_NUM_THREADS=1 python runs/bench_growth.py

One thread and its processor time, laptop networks but for what is varied; the best of some steps of
the random cycle (of the shape stage for the template's faces, of the last one for the pictures).
Prints the times, and the exponent of a power of the size fitted to them: 1 is proportional.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from bench_training import data

from shapecycle.config import Settings
from shapecycle.data.photo_set import PhotoSet
from shapecycle.data.shape_sampler import ShapeSampler, sampled_surfaces
from shapecycle.data.shapes import load_shape_folder
from shapecycle.data.simplify import simplify
from shapecycle.demo.cars import SHAPE_SEEDS, write_shapes
from shapecycle.train.steps import Trainer

REPEATS = 3

Series = Iterator[tuple[float, str, Trainer]]


def trainer(settings: Settings, photos: PhotoSet, faces: int = 4000, shapes: int = 8) -> Trainer:
    """Return a trainer on some of the demo's cars with so many faces."""
    with tempfile.TemporaryDirectory() as folder:
        write_shapes(Path(folder), SHAPE_SEEDS[:shapes])
        meshes = load_shape_folder(Path(folder)).meshes
    surfaces = sampled_surfaces([simplify(mesh, faces) for mesh in meshes], 0)
    sampler = ShapeSampler(surfaces, generator=torch.Generator().manual_seed(0), device="cpu")
    return Trainer(settings, photos, sampler, seed=0, device="cpu")


def with_size(photos: PhotoSet, side: int) -> PhotoSet:
    """Resample pictures."""
    rgba = torch.nn.functional.interpolate(photos.rgba[:64].float(), (side, side)).byte()
    return PhotoSet(rgba, photos.windows[:64], [], [])


def by_pixels(photos: PhotoSet) -> Series:
    """Vary the pictures' resolution."""
    for side in (32, 64, 128):
        settings = Settings()
        settings = replace(
            settings,
            model=replace(settings.model, image_size=side),
            train=replace(settings.train, batch=16),
        )
        yield side**2, "random cycle", trainer(settings, with_size(photos, side))


def by_training_faces(photos: PhotoSet) -> Series:
    """Vary the faces of the training shapes."""
    settings = replace(Settings(), train=replace(Settings().train, batch=16))
    for faces in (250, 500, 1000, 2000, 4000):
        yield faces, "random cycle", trainer(settings, photos, faces)


def by_template_faces(photos: PhotoSet) -> Series:
    """Vary the faces of the template."""
    for subdivisions in (8, 16, 24, 32):
        settings = Settings()
        settings = replace(
            settings,
            model=replace(settings.model, subdivisions=subdivisions),
            train=replace(settings.train, batch=16),
        )
        yield 8 * subdivisions**2, "shapes", trainer(settings, photos)


def by_batch(photos: PhotoSet) -> Series:
    """Vary the items of a step."""
    for batch in (8, 16, 32, 64):
        settings = replace(Settings(), train=replace(Settings().train, batch=batch))
        yield batch, "random cycle", trainer(settings, photos)


def by_pictures(photos: PhotoSet) -> Series:
    """Vary the number of training pictures; the last stage draws from them at every step."""
    settings = replace(Settings(), train=replace(Settings().train, batch=16))
    for count in (100, 1_000, 10_000, 100_000):
        pick = torch.arange(count) % len(photos.rgba)
        many = PhotoSet(photos.rgba[pick], photos.windows[pick], [], [])
        yield count, "all cycles", trainer(settings, many)


def best_seconds(work: Trainer, stage: str) -> float:
    """Return the mean processor time of four steps, in which all comes round; the best of some."""
    step, best = work.stage(stage), float("inf")
    step(0.1)
    for _ in range(REPEATS):
        work.steps = 1
        start = time.process_time()
        for _ in range(4):
            step(0.1)
        best = min(best, (time.process_time() - start) / 4)
    return best


SERIES: dict[str, Callable[[PhotoSet], Series]] = {
    "pixels": by_pixels,
    "faces of training shapes": by_training_faces,
    "faces of the template": by_template_faces,
    "batch": by_batch,
    "pictures": by_pictures,
}


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    photos, _ = data()
    for name, series in SERIES.items():
        sizes, seconds = [], []
        for size, stage, work in series(photos):
            sizes.append(size)
            seconds.append(best_seconds(work, stage))
        exponent, _ = np.polyfit(np.log(sizes), np.log(seconds), 1)
        last = np.log(seconds[-1] / seconds[-2]) / np.log(sizes[-1] / sizes[-2])
        cells = ", ".join(
            f"{a:,.0f}: {1e3 * b:.0f} ms" for a, b in zip(sizes, seconds, strict=True)
        )
        print(f"{name}: {cells}; exponent {exponent:.2f}, of the last step {last:.2f}", flush=True)


if __name__ == "__main__":
    main()
