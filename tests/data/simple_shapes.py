"""Shapes whose size and outside are known, and files of them."""

from pathlib import Path

import numpy as np
import trimesh

from shapecycle.mesh import Mesh

PLY_HEAD = "ply\nformat ascii 1.0\nelement vertex {v}\n{xyz}element face {f}\n{list}end_header\n"
XYZ = "property float x\nproperty float y\nproperty float z\n"
NXYZ = "property float nx\nproperty float ny\nproperty float nz\n"
LIST = "property list uchar int vertex_indices\n"
TRIANGLE = ["0 0 0", "1 0 0", "0 1 0"]


def write_ply_text(
    path: Path, vertices: list[str], faces: list[str], normals: bool = False
) -> Path:
    head = PLY_HEAD.format(
        v=len(vertices), f=len(faces), xyz=XYZ + (NXYZ if normals else ""), list=LIST
    )
    path.write_text(head + "\n".join([*vertices, *faces]) + "\n")
    return path


def box_mesh(
    size: tuple[float, float, float] = (1, 1, 1), at: tuple[float, ...] = (0, 0, 0)
) -> Mesh:
    box = trimesh.creation.box(size)
    return Mesh(np.asarray(box.vertices) + at, np.asarray(box.faces))


def joined(*meshes: Mesh) -> Mesh:
    starts = np.cumsum([0, *(len(m.vertices) for m in meshes)])
    faces = [m.faces + start for m, start in zip(meshes, starts, strict=False)]
    return Mesh(np.concatenate([m.vertices for m in meshes]), np.concatenate(faces))


def soup_of(mesh: Mesh) -> Mesh:
    """The same triangles, sharing no vertices."""
    count = 3 * len(mesh.faces)
    return Mesh(mesh.vertices[mesh.faces].reshape(-1, 3), np.arange(count).reshape(-1, 3))


def sphere_mesh(subdivisions: int) -> Mesh:
    sphere = trimesh.creation.icosphere(subdivisions)
    return Mesh(np.asarray(sphere.vertices), np.asarray(sphere.faces))


def area_of(mesh: Mesh) -> float:
    return float(mesh.face_normals()[1].sum())


def fill_with_boxes(folder: Path, count: int) -> None:
    for k in range(count):
        trimesh.creation.box((1, 1 + k, 1)).export(folder / f"{k:02}.ply")
