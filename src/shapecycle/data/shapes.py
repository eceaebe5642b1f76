"""Untextured 3D shapes: one mesh or point cloud from a file, and a folder of them.

Shapes keep the frame right-handed with +y up and the front +z; files in other axes are turned
when the user names them, never by a guess. Triangle soups and surfaces with holes are normal.
"""

import re
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from shapecycle.data import Progress, counted, list_folder, load_all
from shapecycle.errors import ConfigError, DataError, GeometryError
from shapecycle.mesh import Mesh

SUFFIXES = (".glb", ".gltf", ".obj", ".ply", ".off", ".stl")

DIRECTIONS = 24
"""From how many sides a surface is looked at to tell its outside from its inside."""
GRAZING = 0.1
"""Below this cosine a look along a surface says nothing about its sides."""
LEAK = 0.15
"""A side seen less than this fraction of the other was seen through a crack, and is not outside."""
TOUCHING = 1e-4
"""Surfaces nearer than this, in bounding-box diagonals, do not hide each other."""
MOST_CELLS = 60_000
"""How many grid cells the triangles' boxes may cover before a coarser grid is taken."""


@dataclass(frozen=True, eq=False)
class Normalisation:
    """How a file's coordinates became the object's: ``object = (file - centre) * scale``.

    Attributes:
        centre: Centre of the bounding box, in file units.
        scale: One over the length of the box's diagonal, per file unit.
    """

    centre: Float[np.ndarray, "3"]
    scale: float

    def object_from_file(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Map points of the file to the box with centre 0 and diagonal 1."""
        moved: Float[np.ndarray, "n 3"] = (points - self.centre) * self.scale
        return moved

    def file_from_object(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Map points of the normalised object back to the file's position and units."""
        moved: Float[np.ndarray, "n 3"] = points / self.scale + self.centre
        return moved


@dataclass(frozen=True, eq=False)
class ShapeSet:
    """The training shapes, normalised.

    Attributes:
        meshes: Centred, bounding-box diagonal 1, +y up, front +z; float32.
        paths: Their files, sorted.
        normalisations: How each came from its file's coordinates, once these were turned.
        axes: ``points @ axes.T`` turned the files' coordinates to +y up, front +z.
        notes: What was done, one line each.
    """

    meshes: list[Mesh]
    paths: list[Path]
    normalisations: list[Normalisation]
    axes: Float[np.ndarray, "3 3"]
    notes: list[str]

    def __len__(self) -> int:
        return len(self.meshes)


def load_mesh(path: Path) -> Mesh:
    """Load a triangle mesh, or an oriented point cloud from a PLY file.

    Scenes are flattened with their transforms and polygons cut into triangles. Vertices at
    exactly one position become one vertex and vertices without a face are dropped, so that
    neither texture seams nor strays count as shape; texture and colours are not read.

    Args:
        path: A file ending in one of ``SUFFIXES``.

    Returns:
        The shape in the file's coordinates, float64; a cloud keeps its normals, as unit vectors.

    Raises:
        DataError: If the file is missing, empty, damaged or of another type, has neither faces
            nor normals, holds numbers that are not finite or faces that point nowhere, or has
            no extent or no area.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(
            f"{path}: files ending in {path.suffix or 'nothing'} are not read as shapes",
            f"convert it to one of {' '.join(SUFFIXES)}",
        )
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path}: the file is empty", "remove it or export the shape again")
        mesh = _parsed(path)
        if not mesh.is_point_cloud:
            mesh = _welded(mesh)
        _refuse_flat_to_nothing(mesh)
    except FileNotFoundError as error:
        if not path.exists():
            raise DataError(f"{path}: there is no such file", "check its name") from error
        raise DataError(
            f"{path}: it is damaged, or needs another file that is missing ({error})",
            "put that file beside it, or export to GLB, which is whole in itself",
        ) from error
    except OSError as error:
        raise DataError(
            f"{path}: the file cannot be read ({error.strerror or error})",
            "check its name and permissions",
        ) from error
    except GeometryError as error:
        hint = error.hint or "export the shape again from its source"
        raise DataError(f"{path}: {error.what}", hint) from error
    return mesh


def normalise(mesh: Mesh) -> tuple[Mesh, Normalisation]:
    """Centre the bounding box at the origin and scale its diagonal to 1.

    The axes stay as they are: which way is up or front is not guessed.

    Args:
        mesh: In any units.

    Returns:
        The shape as float32, and the mapping that made it.

    Raises:
        GeometryError: If the shape has no extent.
    """
    low, high = mesh.vertices.min(0).astype(np.float64), mesh.vertices.max(0).astype(np.float64)
    diagonal = float(np.linalg.norm(high - low))
    if not 0 < diagonal < np.inf:
        raise GeometryError(f"the bounding box has a diagonal of {diagonal:g}")
    normalisation = Normalisation(low / 2 + high / 2, 1 / diagonal)
    vertices = normalisation.object_from_file(mesh.vertices.astype(np.float64))
    return replace(mesh, vertices=vertices.astype(np.float32)), normalisation


def simplify(mesh: Mesh, target_faces: int = 4000) -> Mesh:
    """Reduce a mesh to about ``target_faces`` faces, if it has more.

    Edges are collapsed where that costs least (Garland and Heckbert, Surface simplification
    using quadric error metrics, SIGGRAPH 1997). Where that would eat the surface away, as it
    does with triangles that do not share vertices, near vertices are joined first.

    Args:
        mesh: A mesh; a point cloud comes back as it is.
        target_faces: The most faces wanted, > 0.

    Returns:
        A mesh without normals or texture, or the very one given if it is small enough.
    """
    if len(mesh.faces) <= target_faces:
        return mesh
    bare = Mesh(mesh.vertices, mesh.faces)
    area = _area(bare)
    diagonal = float(np.linalg.norm(np.ptp(bare.vertices, axis=0)))
    best: Mesh | None = None
    for cells in (0, 1024, 512, 256, 128, 64, 32):
        joined = _clustered(bare, diagonal / cells) if cells else bare
        reduced = _collapsed(joined, target_faces) if joined is not None else None
        if reduced is None:
            continue
        if _area(reduced) >= 0.8 * area:
            return reduced
        if best is None or _area(reduced) > _area(best):
            best = reduced
    return best or bare


def load_shape_folder(
    folder: Path,
    *,
    max_faces: int = 4000,
    skip_bad: bool = False,
    minimum: int = 8,
    up: str = "+y",
    front: str = "+z",
    progress: Progress | None = None,
) -> ShapeSet:
    """Load the shapes directly in a folder: turned, simplified and normalised.

    Args:
        folder: Meshes or oriented point clouds (see ``load_mesh``).
        max_faces: Meshes with more faces are simplified to about this many.
        skip_bad: Leave bad files out and name them in the notes, instead of raising.
        minimum: The fewest usable shapes that will do.
        up: The files' axis that points up: x, y or z with + or -.
        front: The files' axis that points to the front.
        progress: Called with (files done, files in all) after each file.

    Returns:
        The shapes, in the order of their sorted file names.

    Raises:
        ConfigError: If ``up`` and ``front`` are no axes, or the same one.
        DataError: If the folder is missing, empty or unreadable, if files in it are bad
            (one error names them all), or if too few are usable.
    """
    axes = _axes(up, front)

    def load(path: Path) -> tuple[Mesh, Normalisation, int]:
        file = _turned(load_mesh(path), axes)
        mesh, normalisation = normalise(simplify(file, max_faces))
        return mesh, normalisation, len(file.faces)

    listing = list_folder(folder, "shapes", SUFFIXES)
    loaded = load_all(listing, load, skip_bad=skip_bad, minimum=minimum, progress=progress)
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
        normalisations=list(normalisations),
        axes=axes,
        notes=[note for note in notes if note],
    )


def is_watertight(mesh: Mesh) -> bool:
    """Whether every edge of a mesh belongs to an even number of faces, as around a volume."""
    edges = np.sort(mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    edges = edges[edges[:, 0] != edges[:, 1]].astype(np.int64)
    keys = edges[:, 0] * len(mesh.vertices) + edges[:, 1]
    shared = np.unique(keys, return_counts=True)[1]
    return len(shared) > 0 and bool((shared % 2 == 0).all())


def surface_samples(
    mesh: Mesh, count: int, generator: np.random.Generator
) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, "n 3"]]:
    """Draw points uniformly by area from what can be seen of a shape, with outward normals.

    The winding of faces is not trusted. Each point is looked at from ``DIRECTIONS`` sides, and
    its normal points to where it is seen from; a sheet that is seen from both sides gets both
    signs at random, in proportion to how well each side is seen. Points that no direction
    reaches lie inside and are replaced by others. Clouds are trusted as they are.

    Args:
        mesh: A shape in any units; simplify very large ones first, at 4,000 faces it takes 0.1 s.
        count: Number of points, > 0.
        generator: Source of randomness.

    Returns:
        Points, in the mesh's units, and unit normals.

    Raises:
        GeometryError: If all faces have zero area.
    """
    if mesh.is_point_cloud:
        points, normals = mesh.sample(count, generator)
        return points.astype(np.float32), normals.astype(np.float32)
    # Near the origin float32 is fine enough to tell the sides of thin plates.
    unit, normalisation = normalise(mesh)
    kept: list[tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]] = []
    found, wanted = 0, int(count * 1.25) + 16
    for _ in range(4):
        points, normals = unit.sample(wanted, generator)
        towards, against = _seen_sides(unit, points, normals, generator)
        seen = towards + against > 0
        flipped = generator.random(len(seen)) * (towards + against) < against
        kept.append((points[seen], np.where(flipped[:, None], -normals, normals)[seen]))
        found += int(seen.sum())
        if found >= count:
            break
        # The share that is seen tells how many more to draw; within reason where it is tiny.
        wanted = int((count - found) / max(float(seen.mean()), 0.05) * 1.25) + 16
    if found == 0:
        kept, found = [(points, normals)], len(points)
    pick = generator.choice(found, count, replace=found < count)
    points, normals = (np.concatenate(parts)[pick] for parts in zip(*kept, strict=True))
    return (
        normalisation.file_from_object(points).astype(np.float32),
        normals.astype(np.float32),
    )


def _parsed(path: Path) -> Mesh:
    """Read a file's triangles or oriented points, whatever its type."""
    try:
        with warnings.catch_warnings():
            # Numbers that are not finite are told below; the parser need not mutter about them.
            warnings.simplefilter("ignore", RuntimeWarning)
            return _from_ply(path) if path.suffix.lower() == ".ply" else _from_scene(path)
    except (GeometryError, OSError):
        raise
    except IndexError as error:
        if "out of bounds" not in str(error):
            raise _damaged(path, error) from error
        raise GeometryError(f"a face points at a vertex that is not there ({error})") from error
    # Parsers raise nearly anything on damaged files, ModuleNotFoundError among others.
    except Exception as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> GeometryError:
    kind = path.suffix[1:].upper()
    return GeometryError(
        f"the file cannot be read as {kind}; it is damaged or of another type ({error})",
        "remove it or export the shape again",
    )


def _from_ply(path: Path) -> Mesh:
    from trimesh.exchange.ply import load_ply
    from trimesh.geometry import triangulate_quads

    with path.open("rb") as file:
        content: dict[str, Any] = load_ply(file, skip_materials=True, fix_texture=False)
    vertices = np.asarray(content.get("vertices", np.zeros((0, 3))), dtype=np.float64)
    faces = np.zeros((0, 3), dtype=np.int64)
    if content.get("faces") is not None and len(content["faces"]):
        faces = np.asarray(triangulate_quads(content["faces"]), dtype=np.int64)
    _refuse_cut_short(path, len(vertices), len(faces))
    if len(faces):
        return Mesh(vertices, faces)
    normals = content.get("vertex_normals")
    if normals is not None and len(vertices):
        normals = _unit_normals(np.asarray(normals, dtype=np.float64))
    return Mesh(vertices, faces, normals)


def _refuse_cut_short(path: Path, vertices: int, faces: int) -> None:
    """Refuse text files that end before what their header promises; the parsers do not.

    Raises:
        GeometryError: If a PLY or OFF file holds fewer vertices or faces than it says.
    """
    with path.open("rb") as file:
        head = file.read(65536).decode("ascii", "replace").partition("end_header")[0]
    promised = {}
    if path.suffix.lower() == ".ply":
        promised = {k: int(n) for k, n in re.findall(r"element\s+(vertex|face)\s+(\d+)", head)}
    elif found := re.match(r"\s*\w*OFF\s+(\d+)\s+(\d+)", re.sub(r"#.*", "", head)):
        promised = {"vertex": int(found[1]), "face": int(found[2])}
    # Cutting polygons into triangles only adds faces.
    for name, held in (("vertex", vertices), ("face", faces)):
        if held < promised.get(name, 0):
            raise GeometryError(
                f"the file ends early: {held:,} of {promised[name]:,} {name} entries are there",
                "copy it again from its source",
            )


def _unit_normals(normals: Float[np.ndarray, "v 3"]) -> Float[np.ndarray, "v 3"]:
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    bad = int((~(np.isfinite(length) & (length > 0))).sum())
    if bad:
        raise GeometryError(f"{bad:,} of {len(normals):,} normals are zero or not finite")
    unit: Float[np.ndarray, "v 3"] = normals / length
    return unit


def _from_scene(path: Path) -> Mesh:
    """Read a file that may hold several meshes, and join them where its scene puts them."""
    import trimesh

    scene = trimesh.load_scene(path, process=False, skip_materials=True)
    vertices, faces, before = [], [], 0
    for node in scene.graph.nodes_geometry:
        object_from_part, name = scene.graph[node]
        part = scene.geometry[name]
        if not isinstance(part, trimesh.Trimesh) or not len(part.faces):
            continue
        corners = np.asarray(part.faces, dtype=np.int64)
        if corners.min() < 0 or corners.max() >= len(part.vertices):
            raise GeometryError(
                f"face indices reach {corners.min()}..{corners.max()}, "
                f"but there are {len(part.vertices)} vertices"
            )
        # A mirroring transform turns faces inside out.
        if np.linalg.det(object_from_part[:3, :3]) < 0:
            corners = corners[:, ::-1]
        points = np.asarray(part.vertices, dtype=np.float64)
        vertices.append(points @ object_from_part[:3, :3].T + object_from_part[:3, 3])
        faces.append(corners + before)
        before += len(points)
    if not faces:
        raise GeometryError("the file has no faces", "give a triangle mesh, or a PLY with normals")
    if path.suffix.lower() == ".off":
        _refuse_cut_short(path, before, sum(map(len, faces)))
    return Mesh(np.concatenate(vertices), np.concatenate(faces))


def _welded(mesh: Mesh) -> Mesh:
    """Join vertices at exactly the same position and drop those without a face."""
    used, corners = np.unique(mesh.faces, return_inverse=True)
    vertices, joined = np.unique(mesh.vertices[used], axis=0, return_inverse=True)
    faces = joined.reshape(-1)[corners.reshape(-1, 3)]
    return Mesh(vertices, faces.astype(np.int64))


def _refuse_flat_to_nothing(mesh: Mesh) -> None:
    """Refuse shapes without extent, and meshes without area.

    Raises:
        GeometryError: If the bounding box is a point or not finite, or no face has an area.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        diagonal = float(np.linalg.norm(np.ptp(mesh.vertices, axis=0)))
        area = np.inf if mesh.is_point_cloud else _area(mesh)
        square = diagonal**2 if np.isfinite(diagonal) else np.inf
    if diagonal == 0:
        raise GeometryError("the shape has no extent: all its points are at one position")
    if not np.isfinite(square) or np.isnan(area):
        raise GeometryError("the shape's numbers are too large to measure")
    # Below this the faces are lines up to rounding.
    if area <= 1e-12 * square:
        raise GeometryError("all faces have zero area")


def _area(mesh: Mesh) -> float:
    return float(mesh.face_normals()[1].sum())


def _collapsed(mesh: Mesh, target_faces: int) -> Mesh | None:
    """Collapse edges down to a number of faces; None if nothing usable is left."""
    if len(mesh.faces) <= target_faces:
        return mesh
    import fast_simplification  # type: ignore[import-untyped]

    vertices, faces = fast_simplification.simplify(
        mesh.vertices.astype(np.float64), mesh.faces, target_count=target_faces
    )[:2]
    if not len(faces) or not np.isfinite(vertices).all():
        return None
    return _welded(Mesh(vertices, np.asarray(faces, dtype=np.int64)))


def _clustered(mesh: Mesh, side: float) -> Mesh | None:
    """Join the vertices in each cubic cell at their mean; None if all faces collapse.

    Source:
        Rossignac and Borrel, Multi-resolution 3D approximations for rendering complex scenes,
        Modeling in Computer Graphics 1993.
    """
    cells = np.floor(mesh.vertices / side).astype(np.int64)
    _, cell, size = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    cell = cell.reshape(-1)
    sums = [np.bincount(cell, mesh.vertices[:, k], len(size)) for k in range(3)]
    faces = cell[mesh.faces]
    whole = (np.diff(np.sort(faces, axis=1), axis=1) > 0).all(1)
    if not whole.any():
        return None
    # Two faces with the same corners would be one sheet twice.
    kept = np.unique(np.sort(faces[whole], axis=1), axis=0, return_index=True)[1]
    return _welded(Mesh(np.stack(sums, axis=1) / size[:, None], faces[whole][np.sort(kept)]))


def _axes(up: str, front: str) -> Float[np.ndarray, "3 3"]:
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


def _turned(mesh: Mesh, axes: Float[np.ndarray, "3 3"]) -> Mesh:
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


def _seen_sides(
    mesh: Mesh,
    points: Float[np.ndarray, "n 3"],
    normals: Float[np.ndarray, "n 3"],
    generator: np.random.Generator,
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """How well points of a surface are seen from its two sides, from far away.

    Args:
        mesh: What may hide them; its bounding box has diagonal 1.
        points: On the surface.
        normals: Unit normals there, of either sign.
        generator: Turns the set of directions.

    Returns:
        For each point, how well it is seen from where its normal points and from the other
        side: sums of cosines over the directions that reach it, made 0 for mere leaks.
    """
    vertices, points = mesh.vertices.astype(np.float64), points.astype(np.float64)
    corners = mesh.faces[mesh.face_normals()[1] > 0].T
    towards, against = np.zeros(len(points)), np.zeros(len(points))
    for frame in _lines_of_sight(generator):
        in_front, behind = _hidden((frame @ vertices.T)[:, corners], frame @ points.T)
        cosine = normals @ frame[2]
        cosine[np.abs(cosine) < GRAZING] = 0
        towards += np.where(cosine > 0, ~in_front, ~behind) * np.abs(cosine)
        against += np.where(cosine > 0, ~behind, ~in_front) * np.abs(cosine)
    leak = LEAK * np.maximum(towards, against)
    return np.where(towards > leak, towards, 0), np.where(against > leak, against, 0)


def _lines_of_sight(generator: np.random.Generator) -> Iterator[Float[np.ndarray, "3 3"]]:
    """Yield rotations whose third rows, and their opposites, are spread over the sphere.

    Source:
        Gonzalez, Measurement of areas on a sphere using Fibonacci and latitude-longitude
        lattices, Mathematical Geosciences 2010; here the lattice's upper half, turned at random.
    """
    turn = np.linalg.qr(generator.standard_normal((3, 3)))[0]
    index = np.arange(DIRECTIONS // 2)
    z = 1 - (2 * index + 1) / DIRECTIONS
    angle = index * np.pi * (3 - np.sqrt(5))
    radius = np.sqrt(1 - z**2)
    for look in np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1) @ turn:
        side = np.cross(look, np.eye(3)[np.argmin(np.abs(look))])
        side /= np.linalg.norm(side)
        yield np.stack([side, np.cross(look, side), look])


def _hidden(
    corners: Float[np.ndarray, "3 3 f"], points: Float[np.ndarray, "3 n"]
) -> tuple[Bool[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Whether triangles hide points from viewers far away on +z, and on -z.

    Args:
        corners: Coordinate, corner, triangle; distances are in bounding-box diagonals.
        points: Those looked at; on a triangle or not.

    Returns:
        Hidden from +z and hidden from -z: some triangle crosses the line that way.
    """
    point, triangle = _neighbours(corners[:2], points[:2])
    x, y, z = corners[:, :, triangle] - points[:, None, point]
    # Twice the signed areas of the triangle's parts opposite each corner, in the picture plane.
    parts = np.stack([x[k - 2] * y[k - 1] - x[k - 1] * y[k - 2] for k in range(3)])
    whole = parts[0] + parts[1] + parts[2]
    inside = (parts >= 0).all(0) | (parts <= 0).all(0)
    # Height times area on both sides, so that triangles seen edge-on divide by nothing.
    height = (parts * z).sum(0) * np.sign(whole)
    touching = TOUCHING * np.abs(whole)
    in_front, behind = np.zeros((2, points.shape[1]), dtype=bool)
    in_front[point[inside & (height > touching)]] = True
    behind[point[inside & (height < -touching)]] = True
    return in_front, behind


def _neighbours(
    corners: Float[np.ndarray, "2 3 f"], points: Float[np.ndarray, "2 n"]
) -> tuple[Int[np.ndarray, " p"], Int[np.ndarray, " p"]]:
    """Pair points of the plane with the triangles whose bounding boxes hold them."""
    low, high = corners.min(1), corners.max(1)
    origin = low.min(1, keepdims=True)
    extent = 1.0001 * float((high.max(1) - origin[:, 0]).max())
    # The finest grid on which the boxes do not cover too many cells: long slivers would.
    for grid in (128, 64, 32, 16, 8, 1):
        first, last = (((e - origin) * (grid / extent)).astype(np.int64) for e in (low, high))
        columns, rows = last - first + 1
        if (columns * rows).sum() <= MOST_CELLS + 4 * len(columns):
            break
    triangle, inner = _spread(columns * rows)
    row, column = np.divmod(inner, columns[triangle])
    cell = (first[1][triangle] + row) * grid + first[0][triangle] + column
    # Small integers are sorted by counting.
    triangle = triangle[np.argsort(cell.astype(np.int16), kind="stable")]
    held = np.bincount(cell, minlength=grid * grid)
    home_column, home_row = ((points - origin) * (grid / extent)).astype(np.int64)
    home = home_row.clip(0, grid - 1) * grid + home_column.clip(0, grid - 1)
    point, inner = _spread(held[home])
    triangle = triangle[(np.cumsum(held) - held)[home][point] + inner]
    for axis in range(2):
        at = points[axis][point]
        holds = (low[axis][triangle] <= at) & (at <= high[axis][triangle])
        point, triangle = point[holds], triangle[holds]
    return point, triangle


def _spread(
    counts: Int[np.ndarray, " n"],
) -> tuple[Int[np.ndarray, " total"], Int[np.ndarray, " total"]]:
    """Repeat each index by its count, and number its copies: (2, 1) to (0, 0, 1), (0, 1, 0)."""
    index = np.repeat(np.arange(len(counts)), counts)
    return index, np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
