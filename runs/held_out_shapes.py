"""Set a dozen training shapes aside and draw them with another renderer, to choose settings on.

    python runs/held_out_shapes.py SHAPES OUT [--every 7] [--views 20]

Links the other shapes into OUT/train/shapes, and writes OUT/held_out/{images,shapes,cameras.json}
as `evaluate` reads them: Mitsuba 3, one lamp and a little sky on matt paint of two colours, one
above and one below some height; 128 px, full vertical field of view 49.1 degrees. Cameras look at
the origin: azimuth anywhere, elevation from 20 to 35 degrees, 1.14 to 1.66 diagonals away. Needs
the ``pictures`` extra.
"""

import argparse
import json
from math import cos, radians, sin
from pathlib import Path

import mitsuba as mi
import numpy as np
import trimesh
from PIL import Image

SIDE, SAMPLES = 128, 64
FOV_Y_DEGREES = 49.1

mi.set_variant("scalar_rgb")


def drawn(mesh: trimesh.Trimesh, eye: np.ndarray, generator: np.random.Generator) -> Image.Image:
    """Draw a mesh in two random colours from somewhere."""
    colours = generator.uniform(0.05, 0.85, (2, 3))
    height = mesh.vertices[:, 1].min() + generator.uniform(0.2, 0.6) * np.ptp(mesh.vertices[:, 1])
    above = mesh.triangles_center[:, 1] > height
    lamp = eye / np.linalg.norm(eye) + generator.normal(0, 0.5, 3) + (0, 0.6, 0)
    scene = {
        "type": "scene",
        "integrator": {"type": "path", "max_depth": 3, "hide_emitters": True},
        "sky": {"type": "constant", "radiance": {"type": "rgb", "value": 0.35}},
        "lamp": {
            "type": "directional",
            "direction": list(-lamp),
            "irradiance": {"type": "rgb", "value": 2.2},
        },
        "sensor": {
            "type": "perspective",
            "fov": FOV_Y_DEGREES,
            "fov_axis": "y",
            "to_world": mi.ScalarTransform4f().look_at(list(eye), [0, 0, 0], [0, 1, 0]),
            "film": {
                "type": "hdrfilm", "width": SIDE, "height": SIDE, "pixel_format": "rgba",
                "rfilter": {"type": "box"},
            },
            "sampler": {"type": "independent", "sample_count": SAMPLES},
        },
    }  # fmt: skip
    for name, faces, colour in (("upper", above, colours[0]), ("lower", ~above, colours[1])):
        if faces.any():
            scene[name] = _part(mesh.submesh([faces], append=True, repair=False), colour)
    found = np.array(mi.render(mi.load_dict(scene)), dtype=np.float64)
    alpha = found[..., 3:].clip(0, 1)
    linear = (found[..., :3] / np.maximum(alpha, 1e-6)).clip(0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return Image.fromarray((np.concatenate([srgb, alpha], 2) * 255).round().astype(np.uint8))


def _part(part: trimesh.Trimesh, colour: np.ndarray) -> object:
    """Return a part as Mitsuba draws it: flat faces, seen from both sides."""
    mesh = mi.Mesh("part", 3 * len(part.faces), len(part.faces), props=_paint(colour))
    values = mi.traverse(mesh)
    values["vertex_positions"] = part.vertices[part.faces].astype(np.float32).ravel()
    values["faces"] = np.arange(3 * len(part.faces), dtype=np.uint32)
    values.update()
    return mesh


def _paint(colour: np.ndarray) -> object:
    matt = {"type": "diffuse", "reflectance": {"type": "rgb", "value": list(colour**2.2)}}
    props = mi.Properties()
    props["mesh_bsdf"] = mi.load_dict({"type": "twosided", "material": matt})
    return props


def main() -> None:
    """Link and draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("shapes", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--every", type=int, default=7)
    parser.add_argument("--views", type=int, default=20)
    arguments = parser.parse_args()
    files = sorted(arguments.shapes.iterdir())
    held_out = files[arguments.every // 2 :: arguments.every]
    train, held = arguments.out / "train" / "shapes", arguments.out / "held_out"
    for folder in (train, held / "images", held / "shapes"):
        folder.mkdir(parents=True)
    for file in files:
        (train if file not in held_out else held / "shapes").joinpath(file.name).symlink_to(
            file.resolve()
        )
    views = {}
    for number, file in enumerate(held_out):
        mesh = trimesh.load(file, force="mesh", process=False)
        for k in range(arguments.views):
            generator = np.random.default_rng([number, k])
            azimuth, elevation = generator.uniform(0, 360), radians(generator.uniform(20, 35))
            away = 1.75 * generator.uniform(0.65, 0.95)
            a = radians(azimuth)
            eye = away * np.array(
                [sin(a) * cos(elevation), sin(elevation), cos(a) * cos(elevation)]
            )
            name = f"{file.stem}_{k:02d}"
            drawn(mesh, eye, generator).save(held / "images" / f"{name}.png")
            views[name] = {"camera_from_object": _camera(eye).tolist()}
        print(file.stem, flush=True)
    (held / "cameras.json").write_text(json.dumps({"views": views}))


def _camera(eye: np.ndarray) -> np.ndarray:
    """Return camera_from_object of a camera that looks at the origin."""
    back = eye / np.linalg.norm(eye)
    right = np.cross([0, 1, 0], back)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = right, np.cross(back, right), back
    matrix[:3, 3] = -matrix[:3, :3] @ eye
    return matrix


if __name__ == "__main__":
    main()
