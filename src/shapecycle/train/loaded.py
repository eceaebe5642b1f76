"""What a training loaded of its two folders: kept in the run folder, for one that goes on."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch

from shapecycle.atomic import atomic_write
from shapecycle.data.photo_parts import PhotoParts
from shapecycle.data.photo_set import PhotoSet
from shapecycle.data.shape_sampler import SampledSurfaces
from shapecycle.data.shapes import ShapeSet
from shapecycle.mesh import Mesh
from shapecycle.rasterize import Topology

LOADED_NAME = "loaded.pt"
"""In the run folder, until the training has come to its end."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """Both folders, loaded and sampled."""

    photos: PhotoSet
    shapes: ShapeSet
    surfaces: SampledSurfaces


def cache_key(folders: Iterable[Path], *how: object) -> str:
    """Return what changes when a file of some folders does, or how they are loaded.

    Args:
        folders: Those of the files, and of their masks; ones that are not there count as empty.
        how: Options, as JSON holds them.
    """
    rows: list[object] = list(how)
    for folder in folders:
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.is_file():
                status = path.stat()
                rows.append([str(path), status.st_size, status.st_mtime_ns])
    return sha256(json.dumps(rows).encode()).hexdigest()


def write_cache(folder: Path, key: str, loaded: Loaded) -> None:
    """Write what was loaded, whole or not at all.

    Args:
        folder: That of the run.
        key: Of the folders; see `cache_key`.
        loaded: What they held.

    Raises:
        OSError: If it cannot be written.
    """
    photos, shapes, surfaces = loaded.photos, loaded.shapes, loaded.surfaces
    contents = {
        "key": key,
        "photos": {
            "rgba": photos.rgba,
            "windows": photos.windows,
            "paths": [str(path) for path in photos.paths],
            "notes": photos.notes,
        },
        "shapes": {
            **_packed(shapes.meshes),
            "paths": [str(path) for path in shapes.paths],
            "notes": shapes.notes,
        },
        "surfaces": {
            "points": surfaces.points,
            "normals": surfaces.normals,
            "vertices": surfaces.vertices,
            "faces": surfaces.topology.faces,
            "edges": surfaces.topology.edges,
            "vertex_count": surfaces.topology.vertex_count,
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / LOADED_NAME) as partial, partial.open("wb") as file:
        torch.save(contents, file)


def read_cache(folder: Path, key: str, parts: PhotoParts | None = None) -> Loaded | None:
    """Return what was kept of just these folders; None where nothing was, or it cannot be read.

    Args:
        folder: That of the run.
        key: Of the folders; see `cache_key`.
        parts: In which the pictures are read, where not all were loaded.
    """
    try:
        found: dict[str, Any] = torch.load(folder / LOADED_NAME, weights_only=True)
        if found["key"] != key:
            return None
        photos, shapes, surfaces = found["photos"], found["shapes"], found["surfaces"]
        topology = Topology(surfaces["faces"], surfaces["edges"], surfaces["vertex_count"])
        return Loaded(
            PhotoSet(
                photos["rgba"],
                photos["windows"],
                list(map(Path, photos["paths"])),
                photos["notes"],
                parts,
            ),
            ShapeSet(_unpacked(shapes), list(map(Path, shapes["paths"])), shapes["notes"]),
            SampledSurfaces(
                surfaces["points"], surfaces["normals"], surfaces["vertices"], topology
            ),
        )
    except Exception:  # whatever a damaged file comes to: the folders are there to be loaded again
        return None


def _packed(meshes: list[Mesh]) -> dict[str, Any]:
    """Return meshes one after another; those with normals have as many as vertices."""
    normals = [mesh.normals for mesh in meshes]
    given = [rows for rows in normals if rows is not None]
    return {
        "vertices": torch.from_numpy(np.concatenate([mesh.vertices for mesh in meshes])),
        "faces": torch.from_numpy(np.concatenate([mesh.faces for mesh in meshes])),
        "normals": torch.from_numpy(np.concatenate(given)) if given else None,
        "counts": [
            (len(mesh.vertices), len(mesh.faces), mesh.normals is not None) for mesh in meshes
        ],
    }


def _unpacked(packed: dict[str, Any]) -> list[Mesh]:
    counts = packed["counts"]
    vertices, faces = packed["vertices"].numpy(), packed["faces"].numpy()
    normals = None if packed["normals"] is None else packed["normals"].numpy()
    at_vertex = [0, *accumulate(count for count, _, _ in counts)]
    at_face = [0, *accumulate(count for _, count, _ in counts)]
    at_normal = [0, *accumulate(count if is_given else 0 for count, _, is_given in counts)]
    meshes = []
    for k, (_, _, is_given) in enumerate(counts):
        rows = None
        if is_given and normals is not None:
            rows = normals[at_normal[k] : at_normal[k + 1]]
        meshes.append(
            Mesh(
                vertices[at_vertex[k] : at_vertex[k + 1]],
                faces[at_face[k] : at_face[k + 1]],
                normals=rows,
            )
        )
    return meshes
