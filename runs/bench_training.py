"""How many fresh pictures and shapes a second training sees here: stage x precision x processes.

    python runs/bench_training.py                # on x86 also, as on a processor with AVX2 only:
    ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 python runs/bench_training.py

Laptop networks, 64 px, the demo's 300 pictures and 24 of its cars. All configurations take turns in
one run, so that whatever else the machine does meets them alike; the best round counts, and all
rounds are kept as JSON. "share of peak" is the arithmetic of convolutions and matrix products
against a matrix product of the same precision on all cores, measured beside it. With
``--neighbour`` a process that only counts takes one core all the while, and the shares are of the
speed without it.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from shapecycle.config import Settings
from shapecycle.data.photo_set import PhotoSet, load_photos
from shapecycle.data.shape_sampler import SampledSurfaces, ShapeSampler, sampled_surfaces
from shapecycle.data.shapes import load_shape_folder
from shapecycle.demo.cars import SHAPE_SEEDS, write_shapes
from shapecycle.demo.world import cars_world
from shapecycle.devices import has_native_bfloat16
from shapecycle.parallel import Team
from shapecycle.randomness import shared_generator
from shapecycle.train.computing import Computing, available_cores, choose_threads
from shapecycle.train.helpers import helped
from shapecycle.train.steps import Trainer

STAGES = ("shapes", "random cycle", "all cycles")
WARM_UP, STEPS = 3, 8
"""Steps before and while the clock runs; parts of a step come round every fourth time."""


@dataclass(frozen=True)
class Work:
    """Some steps of every stage; returns images per second, the slowest process's."""

    settings: Settings
    photos: PhotoSet
    surfaces: SampledSurfaces
    computing: Computing
    stages: Sequence[str] = STAGES

    def __call__(self, team: Team) -> dict[str, float]:
        """Take the steps, as one process of a team."""
        with self.computing.applied():
            trainer = self.trainer(team)
            return {name: self._speed(trainer, name) for name in self.stages}

    def trainer(self, team: Team) -> Trainer:
        """Return a trainer with untrained networks."""
        generator = shared_generator("cpu", 0, team.rank, team.size)
        shapes = ShapeSampler(self.surfaces, generator=generator, device="cpu")
        return Trainer(self.settings, self.photos, shapes, seed=0, device="cpu", team=team)

    def _speed(self, trainer: Trainer, name: str) -> float:
        step = trainer.stage(name)
        trainer.steps = 0
        for _ in range(WARM_UP + 1):
            step(0.1)
        if self.computing.adapts_threads and self.computing.threads > 1:
            # As a training does every few seconds.
            choose_threads()
        trainer.steps = 0
        start = time.perf_counter()
        for _ in range(STEPS):
            step(0.1)
        return STEPS * self.settings.train.batch / (time.perf_counter() - start)


def data(size: int = 64) -> tuple[PhotoSet, SampledSurfaces]:
    """Return the demo's training pictures, as large as asked for, and 24 of its cars."""
    photos = load_photos(cars_world().pictures / "train" / "images", size=size)
    with tempfile.TemporaryDirectory() as folder:
        write_shapes(Path(folder), SHAPE_SEEDS[:24])
        meshes = load_shape_folder(Path(folder)).meshes
    return photos, sampled_surfaces(meshes, 0)


def run(work: Work) -> dict[str, float]:
    """Take the steps in as many processes as asked for."""
    with helped(work, work.computing.processes, "cpu") as team:
        return work(team)


def peak(precision: str, threads: int, side: int = 1536) -> float:
    """Return the processor's GFLOP/s in a matrix product; the best of some."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    form = torch.bfloat16 if precision == "bfloat16" else torch.float32
    a, b = torch.randn(2, side, side).to(form)
    best = 0.0
    for _ in range(8):
        start = time.perf_counter()
        a @ b
        best = max(best, 2 * side**3 / (time.perf_counter() - start) / 1e9)
    torch.set_num_threads(before)
    return best


def gflop_per_image(work: Work) -> dict[str, float]:
    """Return the arithmetic of convolutions and matrix products per image, by stage."""
    trainer, counts = work.trainer(Team()), {}
    for name in STAGES:
        # The gradient penalty comes round at 0 and 16; operations inside it cannot be counted.
        trainer.steps = 1
        step = trainer.stage(name)
        with FlopCounterMode(display=False) as counter:
            for _ in range(4):
                step(0.1)
        counts[name] = counter.get_total_flops() / (4 * work.settings.train.batch) / 1e9
    return counts


@contextmanager
def neighbour(is_there: bool) -> Iterator[None]:
    """Let a foreign process count on one core."""
    if not is_there:
        yield
        return
    busy = multiprocessing.get_context("spawn").Process(target=_count, daemon=True)
    busy.start()
    try:
        yield
    finally:
        busy.kill()


def _count() -> None:
    while True:
        pass


def configurations(cores: int, batch: int) -> list[Computing]:
    """Return what takes turns: one thread, as many as pay, and one process per core."""
    forms = ["float32", *(["bfloat16"] if has_native_bfloat16("cpu") else [])]
    shapes = [(1, 1), (1, cores)] + ([(cores, 1)] if batch % cores == 0 else [])
    return [Computing("cpu", form, *shape) for form in forms for shape in dict.fromkeys(shapes)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, nargs="*", default=[32])
    parser.add_argument("--neighbour", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cores = available_cores()
    photos, surfaces = data()
    settings = Settings()
    model = replace(settings.model, fov_y_degrees=40.0)
    works = {}
    for batch in arguments.batch:
        sized = replace(settings, model=model, train=replace(settings.train, batch=batch))
        for computing in configurations(cores, batch):
            name = (
                f"{computing.precision}, {computing.processes} x {computing.threads}, batch {batch}"
            )
            works[name] = Work(sized, photos, surfaces, computing)
    flops = gflop_per_image(next(iter(works.values())))
    peaks = {form: 0.0 for form in {work.computing.precision for work in works.values()}}
    speeds: dict[str, dict[str, list[float]]] = {name: {s: [] for s in STAGES} for name in works}
    beside: dict[str, dict[str, list[float]]] = {name: {s: [] for s in STAGES} for name in works}
    for _ in range(arguments.rounds):
        for form in peaks:
            peaks[form] = max(peaks[form], peak(form, cores))
        for kept, is_there in ((speeds, False), *([(beside, True)] * arguments.neighbour)):
            for name, work in works.items():
                with neighbour(is_there):
                    for stage, speed in run(work).items():
                        kept[name][stage].append(speed)
    capability = torch.backends.cpu.get_cpu_capability()
    print(f"{cores} cores, {capability}, load {os.getloadavg()[0]:.1f}; images per second")
    print(", ".join(f"peak in {form}: {value:.0f} GFLOP/s" for form, value in peaks.items()))
    print(", ".join(f"{stage}: {value:.3f} GFLOP an image" for stage, value in flops.items()))
    for name, by_stage in speeds.items():
        form = works[name].computing.precision
        cells = []
        for stage, all_rounds in by_stage.items():
            best = max(all_rounds)
            share = best * flops[stage] / peaks[form]
            cell = f"{stage} {best:.0f} ({share:.0%} of peak"
            if beside[name][stage]:
                cell += f"; {max(beside[name][stage]) / best:.0%} with a neighbour"
            cells.append(cell + ")")
        print(f"{name}: {', '.join(cells)}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"alone": speeds, "beside": beside}, indent=1))


if __name__ == "__main__":
    main()
