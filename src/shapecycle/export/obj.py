"""Textured meshes as Wavefront OBJ, with material and picture beside them."""

import io

import numpy as np
import trimesh
from jaxtyping import Float, Int
from trimesh.exchange.obj import export_obj
from trimesh.visual.texture import TextureVisuals

from shapecycle.export.glb import NEUTRAL_GREY, smooth_normals, split_at_seams, texture_image

MATERIAL = "surface"
DIGITS = 6
"""After the point: objects are about 1 long."""


def obj_of(
    vertices: Float[np.ndarray, "v 3"],
    faces: Int[np.ndarray, "f 3"],
    uv: Float[np.ndarray, "n 2"] | None,
    uv_faces: Int[np.ndarray, "f 3"] | None,
    texture: Float[np.ndarray, "th tw 3"] | None,
    *,
    name: str,
) -> dict[str, bytes]:
    """Return the contents of ``NAME.obj``, ``NAME_surface.mtl`` and, with a texture,
    ``NAME_surface.png``: nothing that a photograph beside it would be called.

    The frame and units are kept. Vertices are doubled where the texture has a seam.

    Args:
        vertices, faces, uv, uv_faces, texture: As `export.glb.glb_of` takes them.
        name: Of the files, without their endings.
    """
    normals = smooth_normals(vertices, faces)
    split, vertex, coordinates = split_at_seams(faces, uv, uv_faces, texture)
    visual = None if coordinates is None else TextureVisuals(coordinates)
    mesh = trimesh.Trimesh(
        vertices[vertex], split, vertex_normals=normals[vertex], visual=visual, process=False
    )
    body = export_obj(
        mesh,
        include_normals=True,
        include_texture=visual is not None,
        write_texture=False,
        return_texture=False,
        header="shapecycle",
        digits=DIGITS,
    )
    beside = f"{name}_{MATERIAL}"
    # Of the library's own material lines the colours are those of its default grey.
    kept = [line for line in body.splitlines() if not line.startswith(("mtllib", "usemtl"))]
    head, *lines = kept
    text = "\n".join([head, f"mtllib {beside}.mtl", f"usemtl {MATERIAL}", *lines, ""])
    found = {
        f"{name}.obj": text.encode(errors="surrogateescape"),
        f"{beside}.mtl": _material(beside, visual is not None),
    }
    if texture is not None and visual is not None:
        picture = io.BytesIO()
        texture_image(texture).save(picture, format="png")
        found[f"{beside}.png"] = picture.getvalue()
    return found


def _material(beside: str, is_textured: bool) -> bytes:
    """Return a material without gloss: white under its texture, or grey."""
    colour = (1.0, 1.0, 1.0) if is_textured else NEUTRAL_GREY
    lines = [
        "# shapecycle",
        f"newmtl {MATERIAL}",
        "Ka 0 0 0",
        "Kd {:g} {:g} {:g}".format(*colour),
        "Ks 0 0 0",
        "d 1",
        "illum 1",
    ]
    if is_textured:
        lines.append(f"map_Kd {beside}.png")
    return "\n".join([*lines, ""]).encode(errors="surrogateescape")
