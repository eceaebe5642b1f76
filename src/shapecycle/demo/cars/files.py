"""Untextured cars as PLY files."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from shapecycle.demo.cars.build import car_mesh
from shapecycle.demo.cars.design import sample_car
from shapecycle.mesh import Mesh


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


def write_ply(file: Path, mesh: Mesh) -> None:
    """Write positions and triangles as a binary little-endian PLY file.

    Args:
        file: Where to.
        mesh: What; its normals and texture are left out.
    """
    header = (
        "ply\nformat binary_little_endian 1.0\n"
        f"element vertex {len(mesh.vertices)}\n"
        "property float x\nproperty float y\nproperty float z\n"
        f"element face {len(mesh.faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    faces = np.empty(len(mesh.faces), dtype=[("count", "u1"), ("indices", "<i4", 3)])
    faces["count"] = 3
    faces["indices"] = mesh.faces
    file.write_bytes(header.encode() + mesh.vertices.astype("<f4").tobytes() + faces.tobytes())
