"""One mesh or oriented point cloud from a file of any common type.

Triangle soups and surfaces with holes are normal; what cannot be a shape is refused.
"""

import json
import logging
import re
import struct
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from shapecycle.data.simplify import welded
from shapecycle.errors import DataError, GeometryError
from shapecycle.mesh import Mesh

# It logs what it does not understand of files that are read all the same, with tracebacks.
logging.getLogger("trimesh").addHandler(logging.NullHandler())

SUFFIXES = (".glb", ".gltf", ".obj", ".ply", ".off", ".stl")
MAX_PARTS = 100_000
"""Parts of a scene that are read, each as often as it is placed; so many take some 5 seconds."""
MAX_BYTES = 2_000_000_000
"""Larger files are refused: of text they hold some 20 million faces."""
MAX_EMPTY = 1_000_000
"""Values of a glTF that lie in no buffer: exporters write none."""
PLAIN = bytes(range(128)) + b"?" * 128
"""What bytes of text become: those that are not ASCII are in names, of which none is used."""


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
            nor normals, has more than ``MAX_BYTES`` or ``MAX_PARTS``, holds numbers that are not
            finite or faces that point nowhere, or has no extent or no area.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(
            f"{path}: files ending in {path.suffix or 'nothing'} are not read as shapes",
            f"convert it to one of {' '.join(SUFFIXES)}",
        )
    try:
        size = path.stat().st_size
        if size == 0:
            raise DataError(f"{path}: the file is empty", "remove it or export the shape again")
        if size > MAX_BYTES:
            raise DataError(
                f"{path}: the file has {size:,} bytes, more than the {MAX_BYTES:,} that are read",
                "simplify the shape; a few thousand faces are plenty",
            )
        mesh = _parsed(path)
        if not mesh.is_point_cloud:
            mesh = welded(mesh)
        _check_extent(mesh)
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


def _parsed(path: Path) -> Mesh:
    """Read a file's triangles or oriented points, whatever its type."""
    try:
        with warnings.catch_warnings():
            # Numbers that are not finite are reported below, as an error.
            warnings.simplefilter("ignore", RuntimeWarning)
            return _from_ply(path) if path.suffix.lower() == ".ply" else _from_scene(path)
    except (GeometryError, OSError):
        raise
    except IndexError as error:
        if "out of bounds" not in str(error):
            raise _damaged(path, error) from error
        raise GeometryError(f"a face points at a vertex that is not there ({error})") from error
    except ValueError as error:
        if "escapes resolver root" not in str(error):
            raise _damaged(path, error) from error
        raise GeometryError(
            f"it needs a file outside its folder ({str(error).partition(' escapes')[0]})",
            "export to GLB, which is whole in itself",
        ) from error
    # Parsers raise nearly anything on damaged files, ModuleNotFoundError among others.
    except Exception as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> GeometryError:
    kind = path.suffix[1:].upper()
    return GeometryError(
        f"the file cannot be read as {kind}; it is damaged or of another type ({error})",
        "remove it or export the shape again",
    )


def _plain(path: Path) -> bytes:
    """Return what a file holds, with its text in ASCII: names may be in any encoding."""
    content, kind = path.read_bytes(), path.suffix.lower()
    end = len(content)
    if kind == ".ply":
        end = content.find(b"end_header")
    elif kind == ".stl" and end >= 84 and end == 84 + 50 * int.from_bytes(content[80:84], "little"):
        return content  # binary
    text = content[:end].removeprefix(b"\xef\xbb\xbf").translate(PLAIN)
    if kind == ".obj":
        # As comments: trimesh makes a mesh of every material, and looks at all vertices each time.
        text = text.replace(b"usemtl", b"#")
    return text + content[end:]


def _check_parts(path: Path) -> None:
    """Refuse scenes that a small file makes huge, by placing its meshes again and again.

    Raises:
        GeometryError: If there are more than ``MAX_PARTS``.
    """
    content = path.read_bytes()
    if path.suffix.lower() == ".glb":
        (length,) = struct.unpack_from("<I", content, 12)
        content = content[20 : 20 + length]
    scene = json.loads(content)
    sizes = [len(mesh["primitives"]) for mesh in scene.get("meshes", [])]
    parts = sum(sizes[node["mesh"]] for node in scene.get("nodes", []) if "mesh" in node)
    # Without a buffer an accessor is all zeros, however many there are.
    numbers = sum(one["count"] for one in scene.get("accessors", []) if "bufferView" not in one)
    if any("sparse" in one for one in scene.get("accessors", [])):
        raise GeometryError(
            "it holds sparse accessors, which are not read", "export it again without them"
        )
    if numbers > MAX_EMPTY:
        raise GeometryError(
            f"the scene counts {numbers:,} positions or the like that it does not hold",
            "export it again from its source",
        )
    if parts > MAX_PARTS:
        raise GeometryError(
            f"the scene places {parts:,} parts, more than the {MAX_PARTS:,} that are read",
            "join its meshes into one before exporting it",
        )


def _from_ply(path: Path) -> Mesh:
    from trimesh.exchange.ply import load_ply
    from trimesh.geometry import triangulate_quads

    file = BytesIO(_plain(path))
    content: dict[str, Any] = load_ply(file, skip_materials=True, fix_texture=False)
    vertices = np.asarray(content.get("vertices", np.zeros((0, 3))), dtype=np.float64)
    faces = np.zeros((0, 3), dtype=np.int64)
    if content.get("faces") is not None and len(content["faces"]):
        faces = np.asarray(triangulate_quads(content["faces"]), dtype=np.int64)
    _check_complete(path, len(vertices), len(faces))
    if len(faces):
        return Mesh(vertices, faces)
    normals = content.get("vertex_normals")
    if normals is not None and len(vertices):
        normals = _unit_normals(np.asarray(normals, dtype=np.float64))
    return Mesh(vertices, faces, normals)


def _check_complete(path: Path, vertices: int, faces: int) -> None:
    """Refuse text files that end before what their header promises; the parsers do not.

    Raises:
        GeometryError: If a PLY or OFF file holds fewer vertices or faces than it says.
    """
    with path.open("rb") as file:
        head = file.read(65536).decode("utf-8-sig", "replace").partition("end_header")[0]
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

    kind = path.suffix.lower()
    is_gltf = kind in (".glb", ".gltf")
    if is_gltf:
        _check_parts(path)
    # A glTF may need the files beside it.
    source: Path | BytesIO = path if is_gltf else BytesIO(_plain(path))
    scene = trimesh.load_scene(source, file_type=kind[1:], process=False, skip_materials=True)
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
        _check_complete(path, before, sum(map(len, faces)))
    return Mesh(np.concatenate(vertices), np.concatenate(faces))


def _check_extent(mesh: Mesh) -> None:
    """Refuse shapes without extent, and meshes without area.

    Raises:
        GeometryError: If the bounding box is a point or not finite, or no face has an area.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        diagonal = float(np.linalg.norm(np.ptp(mesh.vertices, axis=0)))
        area = np.inf if mesh.is_point_cloud else float(mesh.face_normals()[1].sum())
        square = diagonal**2 if np.isfinite(diagonal) else np.inf
    if diagonal == 0:
        raise GeometryError("the shape has no extent: all its points are at one position")
    if not np.isfinite(square) or np.isnan(area):
        raise GeometryError("the shape's numbers are too large to measure")
    # Below this the faces are lines up to rounding.
    if area <= 1e-12 * square:
        raise GeometryError("all faces have zero area")
