"""Untextured chairs as PLY files."""

from collections.abc import Iterable
from pathlib import Path

from shapecycle.demo.chairs.build import chair_mesh
from shapecycle.demo.chairs.design import sample_chair
from shapecycle.demo.parts import write_ply


def write_shapes(folder: Path, seeds: Iterable[int]) -> list[Path]:
    """Write untextured chairs as binary PLY files named ``chair_<seed>.ply``.

    Args:
        folder: Where to; made if missing.
        seeds: One chair each.

    Returns:
        The files written, in the order of the seeds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for seed in seeds:
        file = folder / f"chair_{seed:05d}.ply"
        write_ply(file, chair_mesh(sample_chair(seed)))
        files.append(file)
    return files
