"""What it gains to share the rasteriser's kernels out among PyTorch's threads, end to end.

    python runs/bench_threads.py            # two threads; on x86 also with
    ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 python runs/bench_threads.py

Training steps of every stage, seeing with refinement, and drawing: each alternately with kernels
on all threads and on one, networks on all of them in both cases. Prints the ratio of best times.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "2")

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from shapecycle.config import Settings
from shapecycle.data.photo_set import load_photos
from shapecycle.data.shape_sampler import ShapeSampler
from shapecycle.data.shapes import load_shape_folder
from shapecycle.demo.cars import SHAPE_SEEDS, write_shapes
from shapecycle.demo.world import cars_world
from shapecycle.model import Model
from shapecycle.model_file import Provenance
from shapecycle.rasterize.warp_backend import runtime
from shapecycle.train.steps import Trainer

ROUNDS = 6


def gain(work: Callable[[], object]) -> float:
    """Return the best time with kernels on one thread over the best with them on all."""
    shared = runtime.available_threads
    best = {"all": float("inf"), "one": float("inf")}
    work()
    for _ in range(ROUNDS):
        for name, threads in (("all", shared), ("one", lambda: 1)):
            runtime.available_threads = threads
            start = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - start)
    runtime.available_threads = shared
    return best["one"] / best["all"]


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    pictures = cars_world().pictures
    photos = load_photos(pictures / "train" / "images", size=64)
    with tempfile.TemporaryDirectory() as folder:
        write_shapes(Path(folder), SHAPE_SEEDS[:24])
        shapes = load_shape_folder(Path(folder))
    generator = torch.Generator().manual_seed(0)
    sampler = ShapeSampler.of(shapes.meshes, generator=generator, device="cpu")
    trainer = Trainer(Settings(), photos, sampler, seed=0, device="cpu")
    model = Model(trainer.networks, Provenance({}, 0, []))
    some = sorted((pictures / "val" / "images").iterdir())[:16]
    codes = model.sample_appearance(model.sample_shape(16, generator), generator)
    print(f"{torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}")
    for name in ("shapes", "random cycle", "all cycles"):
        print(f"{name}, step of 32: {gain(partial(trainer.stage(name), 0.1)):.2f}")
    print(f"see 16 pictures, 30 steps of refinement: {gain(lambda: model.see_all(some)):.2f}")
    print(f"draw 16 pictures of 256 px: {gain(lambda: model.draw(codes, 256)):.2f}")


if __name__ == "__main__":
    main()
