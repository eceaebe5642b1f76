"""How fast a GPU trains and draws: with and without CUDA graphs, by batch; and what takes the time.

    python runs/bench_gpu.py [--preset laptop] [--batch 128 512] [--profile] [--json FILE]

The demo's 300 pictures and 24 of its cars, as in `bench_training.py`. Every configuration is warmed
up, then timed over some steps between two waits for the GPU. ``--profile`` lists the kernels that
take the most time in a step of all cycles. Textured and coloured drawing, forward and backward, are
timed in turns by CUDA events.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "bench_rasteriser"))

from bench_training import STAGES, data
from scene import Scene, backward, coloured, make_scene, textured

from shapecycle.config import Settings, load_settings
from shapecycle.data.photo_set import PhotoSet
from shapecycle.data.shape_sampler import SampledSurfaces, ShapeSampler
from shapecycle.randomness import shared_generator
from shapecycle.train.computing import Computing
from shapecycle.train.steps import Trainer

STEPS = 16
"""Timed steps; parts of a step come round every fourth time, and every sixteenth."""
WARM_UP = 3
"""Times that every part runs before the clock does; it is recorded the third time."""
DEVICE = "cuda"


def trainer_of(settings: Settings, photos: PhotoSet, surfaces: SampledSurfaces) -> Trainer:
    """Return a trainer with untrained networks."""
    generator = shared_generator(DEVICE, 0, 0, 1)
    shapes = ShapeSampler(surfaces, generator=generator, device=DEVICE)
    return Trainer(settings, photos, shapes, seed=0, device=DEVICE)


def speeds(trainer: Trainer) -> dict[str, float]:
    """Return milliseconds per step of every stage."""
    found = {}
    size, seen = trainer.settings.train.pose_light_buffer, trainer.scenes.pose_light_buffer
    seen.add(trainer.scenes.wide_pose(size), trainer.scenes.light(size))
    for name in STAGES:
        step = trainer.stage(name)
        for _ in range(WARM_UP):
            # With the autoencoder and the gradient penalty; plain; with a look at photographs.
            for trainer.steps in (0, 1, 2):
                step(0.1)
        trainer.steps = 0
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(STEPS):
            step(0.1)
        torch.cuda.synchronize()
        found[name] = 1e3 * (time.perf_counter() - start) / STEPS
    return found


def drawing(faces: int, size: int, batch: int) -> dict[str, float]:
    """Return milliseconds of drawing a batch and carrying a loss back, coloured and textured."""
    scene = make_scene(faces, size, batch=batch, device=DEVICE)
    ways: dict[str, Callable[[Scene], Tensor]] = {"coloured": coloured, "textured": textured}
    times: dict[str, list[float]] = {way: [] for way in ways}
    for k in range(12):
        for way, draw in ways.items():
            first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            first.record()
            backward(scene, draw(scene))
            last.record()
            torch.cuda.synchronize()
            if k > 2:
                times[way].append(first.elapsed_time(last))
    return {way: sorted(kept)[len(kept) // 2] for way, kept in times.items()}


def profiled(trainer: Trainer, name: str) -> None:
    """Print the kernels that take the most time in a stage's steps, launched one by one."""
    from torch.profiler import ProfilerActivity, profile

    trainer.graphs.is_on = False
    step = trainer.stage(name)
    trainer.steps = 1
    step(0.1)
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CUDA, ProfilerActivity.CPU]) as seen:
        for _ in range(4):
            step(0.1)
        torch.cuda.synchronize()
    kernels = [e for e in seen.key_averages() if e.device_type == torch.profiler.DeviceType.CUDA]
    kernels.sort(key=lambda e: -e.self_device_time_total)
    total = sum(e.self_device_time_total for e in kernels) / 4e3
    launches = sum(e.count for e in kernels) / 4
    print(f"{name}: {total:.1f} ms of kernels a step, {launches:.0f} launches")
    for e in kernels[:24]:
        print(f"  {e.self_device_time_total / 4e3:7.2f} ms {e.count / 4:6.0f} x {e.key[:90]}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--preset", default="laptop")
    parser.add_argument("--batch", type=int, nargs="*", default=[128, 512])
    parser.add_argument("--only-graphs", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--drawing", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}")
    rows: list[dict[str, object]] = []
    settings = load_settings(arguments.preset)
    photos, surfaces = data(settings.model.image_size)
    with Computing(DEVICE, "bfloat16").applied():
        for batch in arguments.batch:
            sized = replace(settings, train=replace(settings.train, batch=batch))
            for is_recorded in (True,) if arguments.only_graphs else (False, True):
                trainer = trainer_of(sized, photos, surfaces)
                trainer.graphs.is_on = is_recorded
                torch.cuda.reset_peak_memory_stats()
                for stage, ms in speeds(trainer).items():
                    row = {"batch": batch, "graphs": is_recorded, "stage": stage, "ms": ms}
                    rows.append(row | {"images_per_second": 1e3 * batch / ms})
                    how = "graphs" if is_recorded else "one by one"
                    speed = f"{ms:.1f} ms, {1e3 * batch / ms:,.0f} images/s"
                    print(f"batch {batch}, {how}, {stage}: {speed}", flush=True)
                memory = torch.cuda.max_memory_reserved() / 2**30
                print(f"  {memory:.1f} GiB; obstacle: {trainer.graphs.obstacle}")
            if arguments.profile:
                for stage in STAGES[1:]:
                    profiled(trainer, stage)
    for size in (64, 128, 256) if arguments.drawing else ():
        for faces in (1280, 5120):
            took = drawing(faces, size, 128)
            rows.append({"faces": faces, "size": size, "batch": 128, **took})
            ratio = took["textured"] / took["coloured"]
            print(
                f"{faces} faces, {size} px, batch 128: coloured {took['coloured']:.2f} ms, "
                f"textured {took['textured']:.2f} ms, {ratio:.2f} times"
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
