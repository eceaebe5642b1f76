"""A page that shows one object: a single file, without a server or the network."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

import numpy as np
from jaxtyping import Float
from jinja2 import Environment, PackageLoader, StrictUndefined

SCRIPTS = ("vendor/three.js", "viewer.js", "share.js")


@dataclass(frozen=True, eq=False)
class Shown:
    """One object on a page.

    Attributes:
        name: Of the object, and of the file that is downloaded.
        glb: Contents of its GLB file, in the object's frame.
        morphs: Names of the file's morph targets, each of which becomes a slider.
        light: Harmonics of the shading in the object's frame; see `page.light.in_object_frame`.
        object_from_camera: Where the camera stands at first; rigid.
        fov_y: Its vertical field of view, in radians.
        aspect: Width over height of its pictures.
    """

    name: str
    glb: bytes
    morphs: Sequence[str]
    light: Float[np.ndarray, "9 3"]
    object_from_camera: Float[np.ndarray, "4 4"]
    fov_y: float
    aspect: float


def share_page(shown: Shown) -> str:
    """Return the page. Its policy lets no other script run, and nothing be fetched."""
    scripts = ["\n" + resource(name) + "\n" for name in SCRIPTS]
    scene = {
        "name": shown.name,
        "glb": base64.b64encode(shown.glb).decode(),
        "morphs": list(shown.morphs),
        "light": shown.light.tolist(),
        "object_from_camera": shown.object_from_camera.tolist(),
        "fov_y": shown.fov_y,
        "aspect": shown.aspect,
    }
    return (
        environment()
        .get_template("share.html.j2")
        .render(
            title=shown.name,
            style=resource("style.css"),
            scripts=scripts,
            hashes=" ".join(f"'sha256-{_digest(script)}'" for script in scripts),
            scene=scene,
        )
    )


def resource(name: str) -> str:
    """Return the text of a file of this folder."""
    return (files("shapecycle.page") / name).read_text(encoding="utf-8")


def environment() -> Environment:
    """Return what fills the pages in, and escapes what it fills in."""
    return Environment(
        loader=PackageLoader("shapecycle.page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _digest(script: str) -> str:
    return base64.b64encode(sha256(script.encode()).digest()).decode()
