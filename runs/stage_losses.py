"""Print the losses of 20 steps of every stage, to the bit: what a change of structure must keep.

    python runs/stage_losses.py > before.txt      # ... change the code ...
    python runs/stage_losses.py | diff before.txt -

One thread, a fixed seed, the demo's pictures and 12 of its cars; a line a step, losses in the order
in which they are added up, as hexadecimal floats. Buffers are small, so that they fill up.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from shapecycle.config import Settings
from shapecycle.data.photo_set import load_photos
from shapecycle.data.shape_sampler import ShapeSampler
from shapecycle.data.shapes import load_shape_folder
from shapecycle.demo.cars import SHAPE_SEEDS, write_shapes
from shapecycle.demo.world import cars_world
from shapecycle.train.steps import Trainer

STEPS = 20


def main() -> None:
    """Train and print."""
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    settings = Settings()
    settings = replace(
        settings,
        model=replace(settings.model, fov_y_degrees=40.0),
        train=replace(settings.train, batch=8, ema_images=100, pose_light_buffer=16),
    )
    photos = load_photos(cars_world().pictures / "train" / "images", size=64)
    with tempfile.TemporaryDirectory() as folder:
        write_shapes(Path(folder), SHAPE_SEEDS[:12])
        shapes = load_shape_folder(Path(folder))
    generator = torch.Generator().manual_seed(5)
    sampler = ShapeSampler.of(shapes.meshes, generator=generator, device="cpu")
    trainer = Trainer(settings, photos, sampler, seed=5, device="cpu")
    for stage in ("shapes", "random cycle", "all cycles"):
        for step in range(STEPS):
            losses = trainer.stage(stage)(1.0 - step / STEPS)
            print(stage, step, *(float(value).hex() for value in losses.values()))
    with trainer.ema.applied():
        trainer.fit_priors()
    weights = trainer.networks.state_dict().values()
    print("weights", *(float(value.double().sum()).hex() for value in weights))


if __name__ == "__main__":
    main()
