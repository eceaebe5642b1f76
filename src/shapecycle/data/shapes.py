"""A folder of untextured 3D shapes, as training data.

Shapes keep the frame right-handed with +y up and the front +z; files in other axes are turned
when the user names them, never by a guess.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float

from shapecycle.data.folders import Tell, counted, list_folder, load_all
from shapecycle.data.mesh_files import SUFFIXES, load_mesh
from shapecycle.data.simplify import simplify
from shapecycle.errors import ConfigError
from shapecycle.geometry.boxes import Normalisation, normalise
from shapecycle.mesh import Mesh


@dataclass(frozen=True, eq=False)
class ShapeSet:
    """The training shapes, normalised.

    Attributes:
        meshes: Centred, bounding-box diagonal 1, +y up, front +z; float32.
        paths: Their files, sorted.
        notes: What was done, one line each.
    """

    meshes: list[Mesh]
    paths: list[Path]
    notes: list[str]

    def __len__(self) -> int:
        return len(self.meshes)


def load_shape_folder(
    folder: Path,
    *,
    max_faces: int = 4000,
    skip_bad: bool = False,
    minimum: int = 8,
    up: str = "+y",
    front: str = "+z",
    tell: Tell | None = None,
) -> ShapeSet:
    """Load the shapes directly in a folder: turned, simplified and normalised.

    Args:
        folder: Meshes or oriented point clouds (see ``load_mesh``).
        max_faces: Meshes with more faces are simplified to about this many.
        skip_bad: Leave bad files out and name them in the notes, instead of raising.
        minimum: The fewest usable shapes that will do.
        up: The files' axis that points up: x, y or z with + or -.
        front: The files' axis that points to the front.
        tell: As `load_all` takes it.

    Returns:
        The shapes, in the order of their sorted file names.

    Raises:
        ConfigError: If ``up`` and ``front`` are no axes, or the same one.
        DataError: If the folder is missing, empty or unreadable, if files in it are bad
            (one error names them all), or if too few are usable.
    """
    axes = axes_of(up, front)

    def load(path: Path) -> tuple[Mesh, Normalisation, int]:
        file = turned(load_mesh(path), axes)
        mesh, normalisation = normalise(simplify(file, max_faces))
        return mesh, normalisation, len(file.faces)

    listing = list_folder(folder, "shapes", SUFFIXES)
    files = ((path, partial(load, path)) for path in listing.files)
    loaded = load_all(
        folder, "shapes", len(listing.files), files, skip_bad=skip_bad, minimum=minimum, tell=tell
    )
    meshes, normalisations, faces_before = zip(*loaded.items, strict=True)
    notes = [
        _inventory(loaded.paths, list(meshes)),
        _simplified_note(list(meshes), list(faces_before), max_faces),
        _scale_note(list(normalisations)),
        f"the files' {up} is up and their {front} is the front, as told; it was not guessed",
        *loaded.notes,
        listing.ignored_note,
    ]
    return ShapeSet(
        meshes=list(meshes),
        paths=loaded.paths,
        notes=[note for note in notes if note],
    )


def is_watertight(mesh: Mesh) -> bool:
    """Whether every edge of a mesh belongs to an even number of faces, as around a volume."""
    edges = np.sort(mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    edges = edges[edges[:, 0] != edges[:, 1]].astype(np.int64)
    keys = edges[:, 0] * len(mesh.vertices) + edges[:, 1]
    shared = np.unique(keys, return_counts=True)[1]
    return len(shared) > 0 and bool((shared % 2 == 0).all())


def axes_of(up: str, front: str) -> Float[np.ndarray, "3 3"]:
    """Rotation that takes the named file axes to +y (up) and +z (front).

    Raises:
        ConfigError: If a name is no axis, or both name the same one.
    """
    rows = {}
    for name, value in (("up", up), ("front", front)):
        match = re.fullmatch(r"([+-]?)([xyzXYZ])", value)
        if match is None:
            raise ConfigError(
                f"the shapes' {name} axis is {value!r}", "name one of +x -x +y -y +z -z"
            )
        row = np.zeros(3)
        row["xyz".index(match[2].lower())] = -1.0 if match[1] == "-" else 1.0
        rows[name] = row
    if (rows["up"] @ rows["front"]) != 0:
        raise ConfigError(
            f"the shapes' up axis {up} and front axis {front} lie along one line",
            "name two different axes, such as +z up and -y front",
        )
    return np.stack([np.cross(rows["up"], rows["front"]), rows["up"], rows["front"]])


def turned(mesh: Mesh, axes: Float[np.ndarray, "3 3"]) -> Mesh:
    """Turn a shape by what `axes_of` returned."""
    normals = None if mesh.normals is None else mesh.normals @ axes.T
    return replace(mesh, vertices=mesh.vertices @ axes.T, normals=normals)


def _inventory(paths: list[Path], meshes: list[Mesh]) -> str:
    types = Counter(path.suffix[1:].upper() for path in paths)
    surfaces = [mesh for mesh in meshes if not mesh.is_point_cloud]
    leaky = sum(not is_watertight(mesh) for mesh in surfaces)
    parts = []
    if surfaces:
        parts.append(f"{counted(len(surfaces), 'surfaces')}, {leaky:,} of them not watertight")
    if len(surfaces) < len(meshes):
        parts.append(counted(len(meshes) - len(surfaces), "oriented point clouds"))
    return (
        f"{counted(len(meshes), 'shapes')} ({', '.join(f'{n:,} {t}' for t, n in types.items())}): "
        + " and ".join(parts)
    )


def _simplified_note(meshes: list[Mesh], faces_before: list[int], max_faces: int) -> str:
    simplified = sum(before > max_faces for before in faces_before)
    if not simplified:
        return f"none simplified: no mesh has more than {max_faces:,} faces"
    return (
        f"{simplified:,} simplified to about {max_faces:,} faces, "
        f"from up to {max(faces_before):,} (now at most {max(len(m.faces) for m in meshes):,})"
    )


def _scale_note(normalisations: list[Normalisation]) -> str:
    scales = [normalisation.scale for normalisation in normalisations]
    return (
        "bounding boxes centred at the origin and scaled to diagonal 1: sizes multiplied by "
        f"{np.median(scales):.4g} (median; {min(scales):.4g} to {max(scales):.4g})"
    )
