"""Textured meshes as binary glTF 2.0, for every viewer and modelling program.

The frame is kept: glTF too is right-handed with +y up and +z in front, so object units are
written as its metres.
"""

import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from jaxtyping import Float, Int
from PIL import Image
from trimesh.exchange.gltf import export_glb
from trimesh.visual.material import PBRMaterial
from trimesh.visual.texture import TextureVisuals, unmerge_faces

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
        extras: JSON values to keep with the mesh, such as its graphics code.

    Raises:
        GeometryError: If the mesh has no faces, a texture without texture coordinates, or
            texture values that are not finite.
        ValueError: If ``extras`` holds a number that is not finite.

    Source:
        Khronos, glTF 2.0 specification, sections 3.7 (meshes), 3.9 (materials) and 4.4 (GLB).
    """
    _check(mesh)
    kept = dict(extras or {})
    json.dumps(kept, allow_nan=False)  # trimesh would write NaN, which is not JSON
    contents = export_glb(
        _split_at_seams(mesh),
        include_normals=True,
        tree_postprocessor=lambda tree: _complete(tree, kept),
    )
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
    total = np.zeros((len(vertices), 3))
    np.add.at(total, faces, _unit(cross) * angle[:, :, None])
    total[np.linalg.norm(total, axis=1) < 1e-9] = (0.0, 1.0, 0.0)
    return _unit(total)


def _check(mesh: Mesh) -> None:
    if mesh.is_point_cloud:
        raise GeometryError("a point cloud has no faces to write as GLB", "give a triangle mesh")
    if mesh.texture is None:
        return
    if mesh.uv is None or mesh.uv_faces is None:
        raise GeometryError("the mesh has a texture but no texture coordinates", "give both")
    if not np.isfinite(mesh.texture).all():
        raise GeometryError("the texture holds values that are not finite")


def _split_at_seams(mesh: Mesh) -> trimesh.Trimesh:
    """Give every vertex one texture coordinate, doubling those that have several."""
    normals = mesh.normals
    if normals is None:
        # Before splitting: afterwards the two sides of a seam would be shaded apart.
        normals = smooth_normals(mesh.vertices, mesh.faces)
    # A learnt surface may show its inside.
    material = PBRMaterial(metallicFactor=0.0, roughnessFactor=ROUGHNESS, doubleSided=True)
    if mesh.texture is None or mesh.uv is None or mesh.uv_faces is None:
        material.baseColorFactor = NEUTRAL_GREY
        # Twice, for unmerge_faces fails on one array alone.
        faces, vertex, _ = unmerge_faces(mesh.faces, mesh.faces)
        uv = None
    else:
        levels = np.round(np.clip(mesh.texture, 0.0, 1.0) * 255).astype(np.uint8)
        material.baseColorTexture = Image.fromarray(levels)
        faces, vertex, coordinate = unmerge_faces(mesh.faces, mesh.uv_faces)
        uv = mesh.uv[coordinate]
    return trimesh.Trimesh(
        mesh.vertices[vertex],
        faces,
        vertex_normals=normals[vertex],
        visual=TextureVisuals(uv, material),
        process=False,
    )


def _complete(tree: dict[str, Any], extras: dict[str, Any]) -> None:
    """Put into the document what trimesh has no argument for."""
    tree["asset"]["generator"] = f"shapecycle {version('shapecycle')}"
    tree["meshes"][0]["extras"] = extras
    if "textures" in tree:
        sampler = {"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}
        tree["samplers"] = [sampler]  # linear, with mipmaps from afar, without repeating
        tree["textures"][0]["sampler"] = 0
    for index in tree["meshes"][0]["primitives"][0]["attributes"].values():
        accessor = tree["accessors"][index]
        view = tree["bufferViews"][accessor["bufferView"]]
        # trimesh stores equal attributes once; without a stride such sharing is not valid glTF.
        view["byteStride"] = view["byteLength"] // accessor["count"]


def _unit(vectors: Float[np.ndarray, "... 3"]) -> Float[np.ndarray, "... 3"]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)
