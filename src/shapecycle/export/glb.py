"""Textured meshes as binary glTF 2.0, for every viewer and modelling program.

The frame is kept: glTF too is right-handed with +y up and +z in front, so object units are
written as its metres.
"""

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib as gltf  # type: ignore[import-untyped]
from jaxtyping import Float, Int
from PIL import Image

from shapecycle.errors import GeometryError
from shapecycle.mesh import Mesh

NEUTRAL_GREY = (0.6, 0.6, 0.6)
"""Linear base colour of a mesh without texture."""

ROUGHNESS = 0.9
"""Of every material: the texture holds albedo alone, so nothing may glint."""


def write_glb(mesh: Mesh, path: Path, *, extras: Mapping[str, Any] | None = None) -> None:
    """Write a mesh, with its texture if it has one, as one GLB file.

    The file appears whole or not at all. Vertices are doubled where the texture has a seam, and
    vertices no face uses are left out. Normals are the mesh's own, or else the average of the
    faces around each vertex. The material is drawn from both sides.

    Args:
        mesh: A surface; +y up, front +z.
        path: Where the file goes; its folder is made if need be.
        extras: JSON values to keep with the mesh, such as its graphics code. Keys whose value is
            None or empty are not written.

    Raises:
        GeometryError: If the mesh has no faces, a texture without texture coordinates, or
            texture values that are not finite.
        ValueError: If ``extras`` holds a number that is not finite.

    Source:
        Khronos, glTF 2.0 specification, sections 3.7 (meshes), 3.9 (materials) and 4.4 (GLB).
    """
    _check(mesh)
    contents = b"".join(_document(mesh, dict(extras or {})).save_to_bytes())
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        unfinished.write_bytes(contents)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def smooth_normals(
    vertices: Float[np.ndarray, "v 3"], faces: Int[np.ndarray, "f 3"]
) -> Float[np.ndarray, "v 3"]:
    """Average the normals of the faces around each vertex, weighted by their angles there.

    Args:
        vertices: Positions, in object units.
        faces: Indices into ``vertices``, counter-clockwise seen from outside.

    Returns:
        Unit normals; +y where the faces give none (no area, or two that cancel).

    Source:
        Thuermer and Wuethrich, Computing Vertex Normals from Polygonal Facets, JGT 1998.
    """
    corners = vertices[faces].astype(np.float64)
    onwards = _unit(np.roll(corners, -1, axis=1) - corners)
    back = _unit(np.roll(corners, 1, axis=1) - corners)
    cross = np.cross(onwards, back)
    angle = np.arctan2(np.linalg.norm(cross, axis=2), np.einsum("fck,fck->fc", onwards, back))
    weighted = _unit(cross) * angle[:, :, None]
    total = np.zeros((len(vertices), 3))
    np.add.at(total, faces.ravel(), weighted.reshape(-1, 3))
    total[np.linalg.norm(total, axis=1) < 1e-9] = (0.0, 1.0, 0.0)
    return _unit(total)


@dataclass(frozen=True, eq=False)
class _Corners:
    """The mesh with one texture coordinate per vertex, as glTF wants it."""

    positions: Float[np.ndarray, "n 3"]
    normals: Float[np.ndarray, "n 3"]
    uv: Float[np.ndarray, "n 2"] | None
    faces: Int[np.ndarray, "f 3"]


@dataclass
class _Buffer:
    """The binary part of the file while it grows, and what points into it."""

    contents: bytearray = field(default_factory=bytearray)
    views: list[gltf.BufferView] = field(default_factory=list)
    accessors: list[gltf.Accessor] = field(default_factory=list)

    def add(self, data: bytes, target: int | None = None) -> int:
        """Append bytes and return the index of their view."""
        self.views.append(
            gltf.BufferView(
                buffer=0, byteOffset=len(self.contents), byteLength=len(data), target=target
            )
        )
        self.contents += data + b"\0" * (-len(data) % 4)
        return len(self.views) - 1

    def add_vectors(self, values: Float[np.ndarray, "n k"], *, bounds: bool = False) -> int:
        """Append one vector per vertex and return the index of its accessor."""
        stored = np.ascontiguousarray(values, dtype="<f4")
        self.accessors.append(
            gltf.Accessor(
                bufferView=self.add(stored.tobytes(), gltf.ARRAY_BUFFER),
                componentType=gltf.FLOAT,
                count=len(stored),
                type=f"VEC{stored.shape[1]}",
                min=stored.min(axis=0).tolist() if bounds else None,
                max=stored.max(axis=0).tolist() if bounds else None,
            )
        )
        return len(self.accessors) - 1

    def add_indices(self, faces: Int[np.ndarray, "f 3"]) -> int:
        """Append the faces and return the index of their accessor."""
        stored = np.ascontiguousarray(faces, dtype="<u4")
        self.accessors.append(
            gltf.Accessor(
                bufferView=self.add(stored.tobytes(), gltf.ELEMENT_ARRAY_BUFFER),
                componentType=gltf.UNSIGNED_INT,
                count=stored.size,
                type=gltf.SCALAR,
            )
        )
        return len(self.accessors) - 1


def _check(mesh: Mesh) -> None:
    if mesh.is_point_cloud:
        raise GeometryError("a point cloud has no faces to write as GLB", "give a triangle mesh")
    if mesh.texture is None:
        return
    if mesh.uv is None or mesh.uv_faces is None:
        raise GeometryError("the mesh has a texture but no texture coordinates", "give both")
    if not np.isfinite(mesh.texture).all():
        raise GeometryError("the texture holds values that are not finite")


def _document(mesh: Mesh, extras: dict[str, Any]) -> gltf.GLTF2:
    """The whole file in memory."""
    corners = _split_at_seams(mesh)
    buffer = _Buffer()
    attributes = gltf.Attributes(
        POSITION=buffer.add_vectors(corners.positions, bounds=True),
        NORMAL=buffer.add_vectors(corners.normals),
        TEXCOORD_0=None if corners.uv is None else buffer.add_vectors(corners.uv),
    )
    primitive = gltf.Primitive(
        attributes=attributes, indices=buffer.add_indices(corners.faces), material=0
    )
    document = gltf.GLTF2(
        asset=gltf.Asset(generator=f"shapecycle {version('shapecycle')}"),
        scene=0,
        scenes=[gltf.Scene(nodes=[0])],
        nodes=[gltf.Node(mesh=0)],
        meshes=[gltf.Mesh(primitives=[primitive], extras=extras)],
    )
    if mesh.texture is None:
        document.materials = [_material(NEUTRAL_GREY)]
    else:
        _add_texture(document, buffer.add(_png(mesh.texture)))
    document.accessors = buffer.accessors
    document.bufferViews = buffer.views
    document.buffers = [gltf.Buffer(byteLength=len(buffer.contents))]
    document.set_binary_blob(bytes(buffer.contents))
    return document


def _add_texture(document: gltf.GLTF2, view: int) -> None:
    """Make the picture in a buffer view the colour of the mesh."""
    document.images = [gltf.Image(bufferView=view, mimeType="image/png")]
    document.samplers = [
        gltf.Sampler(
            magFilter=gltf.LINEAR,
            minFilter=gltf.LINEAR_MIPMAP_LINEAR,
            wrapS=gltf.CLAMP_TO_EDGE,
            wrapT=gltf.CLAMP_TO_EDGE,
        )
    ]
    document.textures = [gltf.Texture(sampler=0, source=0)]
    document.materials = [_material((1.0, 1.0, 1.0), gltf.TextureInfo(index=0))]


def _material(
    colour_linear: tuple[float, float, float], texture: gltf.TextureInfo | None = None
) -> gltf.Material:
    """A matt material seen from both sides: a learnt surface may show its inside."""
    return gltf.Material(
        pbrMetallicRoughness=gltf.PbrMetallicRoughness(
            baseColorFactor=[*colour_linear, 1.0],
            baseColorTexture=texture,
            metallicFactor=0.0,
            roughnessFactor=ROUGHNESS,
        ),
        doubleSided=True,
    )


def _split_at_seams(mesh: Mesh) -> _Corners:
    """Give every vertex one texture coordinate, doubling those that have several."""
    normals = mesh.normals
    if normals is None:
        # Before splitting: afterwards the two sides of a seam would be shaded apart.
        normals = smooth_normals(mesh.vertices, mesh.faces)
    if mesh.texture is None or mesh.uv is None or mesh.uv_faces is None:
        used, faces = np.unique(mesh.faces, return_inverse=True)
        return _Corners(mesh.vertices[used], normals[used], None, faces.reshape(-1, 3))
    keys = mesh.faces.astype(np.int64) * len(mesh.uv) + mesh.uv_faces
    used, faces = np.unique(keys, return_inverse=True)
    vertex, coordinate = np.divmod(used, len(mesh.uv))
    # glTF counts v downwards from the top row of the picture.
    uv = mesh.uv[coordinate] * (1.0, -1.0) + (0.0, 1.0)
    return _Corners(mesh.vertices[vertex], normals[vertex], uv, faces.reshape(-1, 3))


def _png(texture: Float[np.ndarray, "th tw 3"]) -> bytes:
    """A PNG of 8-bit sRGB values; row 0 stays on top."""
    levels = np.round(np.clip(texture, 0.0, 1.0) * 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(levels).save(stream, format="PNG")
    return stream.getvalue()


def _unit(vectors: Float[np.ndarray, "... 3"]) -> Float[np.ndarray, "... 3"]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)
