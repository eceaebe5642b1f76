"""Textured meshes as binary glTF 2.0, for every viewer and modelling program.

The frame is kept: glTF too is right-handed with +y up and +z in front, so object units are
written as its metres.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import trimesh
from jaxtyping import Float, Int
from PIL import Image
from trimesh.exchange.gltf import export_glb
from trimesh.visual.material import PBRMaterial
from trimesh.visual.texture import TextureVisuals, unmerge_faces

NEUTRAL_GREY = (0.6, 0.6, 0.6)
"""Linear base colour of a mesh without texture."""

ROUGHNESS = 0.9
"""Of every material: the texture holds albedo alone, so nothing may glint."""

NEAR = 0.01
"""Where cameras begin to see, in object units."""

FLOAT = 5126
"""glTF's code of float32 numbers."""
VERTICES, INDICES = 34962, 34963
"""Its codes of what buffers hold."""


@dataclass(frozen=True, eq=False)
class GlbCamera:
    """A camera that is written beside a mesh.

    Attributes:
        object_from_camera: Where it stands: rigid, for column vectors.
        fov_y: Vertical field of view, in radians.
        aspect: Width over height of its pictures.
    """

    object_from_camera: Float[np.ndarray, "4 4"]
    fov_y: float
    aspect: float


def glb_of(
    vertices: Float[np.ndarray, "v 3"],
    faces: Int[np.ndarray, "f 3"],
    *,
    normals: Float[np.ndarray, "v 3"] | None = None,
    uv: Float[np.ndarray, "n 2"] | None = None,
    uv_faces: Int[np.ndarray, "f 3"] | None = None,
    texture: Float[np.ndarray, "th tw 3"] | None = None,
    extras: Mapping[str, Any] | None = None,
    name: str = "mesh",
    morphs: Mapping[str, Float[np.ndarray, "v 3"]] | None = None,
    camera: GlbCamera | None = None,
) -> bytes:
    """Return a mesh, with its texture if it has one, as the contents of a GLB file.

    Vertices are doubled where the texture has a seam, and vertices no face uses are left out. The
    material is drawn from both sides.

    Args:
        vertices: Positions, in object units; +y up, front +z.
        faces: Indices into ``vertices``, counter-clockwise seen from outside; at least one.
        normals: Unit normals per vertex; by default the average of the faces around each.
        uv: Texture coordinates, origin bottom-left.
        uv_faces: Indices into ``uv`` per face corner.
        texture: sRGB albedo in [0, 1], row 0 on top; grey without it or without coordinates.
        extras: JSON values to keep with the mesh, such as its graphics code.
        name: Of the object, its mesh and its material.
        morphs: How far each vertex moves where a morph target of this name has weight 1; all
            weights are 0.
        camera: Stands beside the mesh.

    Raises:
        ValueError: If ``extras`` holds a number that is not finite.

    Source:
        Khronos, glTF 2.0 specification, sections 3.7 (meshes, morph targets), 3.9 (materials),
        3.10 (cameras) and 4.4 (GLB).
    """
    kept = dict(extras or {})
    json.dumps(kept, allow_nan=False)  # trimesh would write NaN, which is not JSON
    if normals is None:
        # Before splitting: afterwards the two sides of a seam would be shaded apart.
        normals = smooth_normals(vertices, faces)
    # A learnt surface may show its inside.
    material = PBRMaterial(
        name=name, metallicFactor=0.0, roughnessFactor=ROUGHNESS, doubleSided=True
    )
    split, vertex, coordinates = split_at_seams(faces, uv, uv_faces, texture)
    if texture is None or coordinates is None:
        material.baseColorFactor = NEUTRAL_GREY
    else:
        material.baseColorTexture = texture_image(texture)
    mesh = trimesh.Trimesh(
        vertices[vertex],
        split,
        vertex_normals=normals[vertex],
        visual=TextureVisuals(coordinates, material),
        process=False,
    )
    targets = {
        label: {
            "POSITION": moves[vertex],
            "NORMAL": (smooth_normals(vertices + moves, faces) - normals)[vertex],
        }
        for label, moves in (morphs or {}).items()
    }
    if targets:
        kept["targetNames"] = list(targets)  # where viewers look for them
    contents: bytes = export_glb(
        mesh,
        include_normals=True,
        buffer_postprocessor=partial(_add_targets, targets=targets) if targets else None,
        tree_postprocessor=lambda tree: _complete(tree, kept, name, camera),
    )
    return contents


def split_at_seams(
    faces: Int[np.ndarray, "f 3"],
    uv: Float[np.ndarray, "n 2"] | None,
    uv_faces: Int[np.ndarray, "f 3"] | None,
    texture: Float[np.ndarray, "th tw 3"] | None,
) -> tuple[Int[np.ndarray, "f 3"], Int[np.ndarray, " m"], Float[np.ndarray, "m 2"] | None]:
    """Double vertices where the texture has a seam, and leave out those that no face uses.

    Returns:
        Faces, which vertex each of theirs was, and its texture coordinates; None without a texture.
    """
    if texture is None or uv is None or uv_faces is None:
        # Twice, for unmerge_faces fails on one array alone.
        split, vertex, _ = unmerge_faces(faces, faces)
        return split, vertex, None
    split, vertex, coordinate = unmerge_faces(faces, uv_faces)
    return split, vertex, uv[coordinate]


def texture_image(texture: Float[np.ndarray, "th tw 3"]) -> Image.Image:
    """Return a texture in 8 bits a channel."""
    return Image.fromarray(np.round(np.clip(texture, 0.0, 1.0) * 255).astype(np.uint8))


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


def _complete(
    tree: dict[str, Any], extras: dict[str, Any], name: str, camera: GlbCamera | None
) -> None:
    """Put into the document what trimesh has no argument for."""
    tree["asset"]["generator"] = f"shapecycle {version('shapecycle')}"
    tree["meshes"][0] |= {"name": name, "extras": extras}
    tree["nodes"][0]["name"] = name
    if camera is not None:
        tree["nodes"].append(
            {
                "name": f"{name} camera",
                "camera": 0,
                # Column by column, as glTF has matrices.
                "matrix": camera.object_from_camera.T.astype(float).flatten().tolist(),
            }
        )
        tree["scenes"][0]["nodes"].append(len(tree["nodes"]) - 1)
        lens = {"yfov": camera.fov_y, "aspectRatio": camera.aspect, "znear": NEAR}
        tree["cameras"] = [{"type": "perspective", "perspective": lens}]
    if "textures" in tree:
        sampler = {"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}
        tree["samplers"] = [sampler]  # linear, with mipmaps from afar, without repeating
        tree["textures"][0]["sampler"] = 0
    primitive = tree["meshes"][0]["primitives"][0]
    attributes = [primitive["attributes"], *primitive.get("targets", [])]
    for index in (index for some in attributes for index in some.values()):
        accessor = tree["accessors"][index]
        view = tree["bufferViews"][accessor["bufferView"]]
        # trimesh stores equal attributes once; without a stride such sharing is not valid glTF.
        view["byteStride"] = view["byteLength"] // accessor["count"]
        view["target"] = VERTICES
    indices = tree["accessors"][primitive["indices"]]
    tree["bufferViews"][indices["bufferView"]]["target"] = INDICES


def _add_targets(
    buffers: dict[Any, bytes],
    tree: dict[str, Any],
    targets: Mapping[str, Mapping[str, Float[np.ndarray, "n 3"]]],
) -> None:
    """Add morph targets to the one primitive: trimesh writes none."""
    found = []
    for label, target in targets.items():
        attributes = {}
        for name, rows in target.items():
            data = np.ascontiguousarray(rows, dtype="<f4")
            buffers[label, name] = data.tobytes()
            attributes[name] = len(tree["accessors"])
            tree["accessors"][label, name] = {
                "bufferView": len(buffers) - 1,
                "componentType": FLOAT,
                "type": "VEC3",
                "count": len(data),
                "min": data.min(0).tolist(),
                "max": data.max(0).tolist(),
            }
        found.append(attributes)
    (mesh,) = tree["meshes"]
    mesh["primitives"][0]["targets"] = found
    mesh["weights"] = [0.0] * len(found)


def _unit(vectors: Float[np.ndarray, "... 3"]) -> Float[np.ndarray, "... 3"]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)
