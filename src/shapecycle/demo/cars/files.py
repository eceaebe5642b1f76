"""Untextured cars as PLY files."""

from collections.abc import Iterable
from pathlib import Path

from shapecycle.demo.cars.build import car_mesh
from shapecycle.demo.cars.design import sample_car
from shapecycle.demo.parts import write_ply


def write_shapes(folder: Path, seeds: Iterable[int]) -> list[Path]:
    """Write untextured cars as binary PLY files named ``car_<seed>.ply``.

    Args:
        folder: Where to; made if missing.
        seeds: One car each.

    Returns:
        The files written, in the order of the seeds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for seed in seeds:
        file = folder / f"car_{seed:05d}.ply"
        write_ply(file, car_mesh(sample_car(seed)))
        files.append(file)
    return files
