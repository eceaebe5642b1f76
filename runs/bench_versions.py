"""Images per second of two versions' training steps, taking turns.

    python runs/bench_versions.py OLD NEW

OLD and NEW are checkouts. Laptop networks, batch 32, the demo's pictures and 24 of its cars, all
cores' threads; the best of some rounds of eight steps counts. Prints both and their ratio.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROUNDS = 3

PROGRAM = """
import json, tempfile, time
from pathlib import Path
import torch
from shapecycle.config import Settings
from shapecycle.data.photo_set import load_photos
from shapecycle.data.shape_sampler import ShapeSampler
from shapecycle.data.shapes import load_shape_folder
from shapecycle.demo.cars import SHAPE_SEEDS, write_shapes
from shapecycle.demo.world import cars_world
from shapecycle.train.steps import Trainer

photos = load_photos(cars_world().pictures / "train" / "images", size=64)
with tempfile.TemporaryDirectory() as folder:
    write_shapes(Path(folder), SHAPE_SEEDS[:24])
    meshes = load_shape_folder(Path(folder)).meshes
generator = torch.Generator().manual_seed(0)
sampled = getattr(ShapeSampler, "of", ShapeSampler)
shapes = sampled(meshes, generator=generator, device="cpu")
trainer = Trainer(Settings(), photos, shapes, seed=0, device="cpu")
speeds = {}
for name in ("shapes", "random cycle", "all cycles"):
    step = trainer.stage(name)
    trainer.steps = 0
    for _ in range(4):
        step(0.1)
    trainer.steps = 0
    start = time.perf_counter()
    for _ in range(8):
        step(0.1)
    speeds[name] = 256 / (time.perf_counter() - start)
print(json.dumps(speeds))
"""


def speeds(checkout: Path) -> dict[str, float]:
    """Return a checkout's images per second by stage, in a process of its own."""
    paths = os.environ | {"PYTHONPATH": str(checkout.absolute() / "src")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=paths, check=True, capture_output=True, text=True
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    arguments = parser.parse_args()
    rounds: dict[str, list[dict[str, float]]] = {"old": [], "new": []}
    for _ in range(ROUNDS):
        for name, kept in rounds.items():
            kept.append(speeds(getattr(arguments, name)))
    for stage in rounds["old"][0]:
        old, new = (max(one[stage] for one in kept) for kept in rounds.values())
        print(f"{stage}: {old:.0f} before, {new:.0f} now, {new / old:.2f} times")


if __name__ == "__main__":
    main()
