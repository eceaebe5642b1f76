"""Is the albedo right, and does it stay right under another light, and from another side?

    python runs/relighting.py RUN RENDERED --shapes SHAPES --cameras CAMERAS

RENDERED is what `render_relit_pictures.py` wrote. Prints mean errors over pictures, on pixels that
both the drawing and the truth cover wholly: of albedo against the path tracer's own (absolute
differences of sRGB, and of linear colours after the best common factor, relative to the mean
colour), of what was drawn under the light that was seen in the same view under another sky, and
the peak signal-to-noise ratio of the object drawn from the true cameras of its other pictures.
"""

import argparse
import json
from collections import defaultdict
from dataclasses import replace
from itertools import groupby, permutations
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float

from shapecycle.camera import Pose
from shapecycle.data.mesh_files import load_mesh
from shapecycle.data.photos import load_photo
from shapecycle.evaluate.scores import object_of, shape_of
from shapecycle.image_to_code.heads import SHADING_ONE
from shapecycle.mesh import Mesh
from shapecycle.model import load

WHOLE = 0.98
"""Coverage from which a pixel counts."""

Picture = Float[np.ndarray, "h w 4"]


def linear(colours: np.ndarray) -> np.ndarray:
    """Decode sRGB."""
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)


def common(*pictures: Picture) -> Bool[np.ndarray, "h w"]:
    """Where all pictures are covered."""
    return np.logical_and.reduce([one[..., 3] > WHOLE for one in pictures])


def colour_error(found: Picture, truth: Picture, where: Bool[np.ndarray, "h w"]) -> float:
    """Return the mean absolute difference of sRGB colours."""
    return float(np.abs(found[where][:, :3] - truth[where][:, :3]).mean())


def scaled_error(found: Picture, truth: Picture, where: Bool[np.ndarray, "h w"]) -> float:
    """Return the mean absolute difference of linear colours, after one common factor."""
    ours, theirs = linear(found[where][:, :3]), linear(truth[where][:, :3])
    factor = (ours * theirs).sum() / (ours * ours).sum()
    return float(np.abs(factor * ours - theirs).mean() / theirs.mean())


def psnr(found: np.ndarray, truth: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio of sRGB colours, in dB."""
    return float(-10 * np.log10(np.square(found - truth).mean()))


def true_pose(camera: Float[np.ndarray, "4 4"], mesh: Mesh) -> Pose:
    """Return a camera's pose around a mesh that is centred and scaled to a diagonal of 1."""
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    rotation = camera[:3, :3]
    place = (camera[:3, 3] + rotation @ ((low + high) / 2)) / np.linalg.norm(high - low)
    azimuth = np.arctan2(rotation[2, 0], rotation[2, 2])
    roll = np.arctan2(-rotation[0, 1], rotation[1, 1])
    angles = (azimuth, np.arcsin(rotation[2, 1]), roll)
    return Pose(torch.tensor([angles]).float(), torch.from_numpy(place[None]).float())


def picture_of(path: Path) -> Picture:
    """Load a picture, rows first."""
    return load_photo(path).rgba.transpose(1, 2, 0)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("rendered", type=Path)
    parser.add_argument("--shapes", type=Path, required=True)
    parser.add_argument("--cameras", type=Path, required=True)
    parser.add_argument("--surface", choices=("auto", "carried", "template"), default="auto")
    arguments = parser.parse_args()
    model = load(arguments.run)
    truth = json.loads(arguments.cameras.read_text())
    fov_y = float(np.radians(truth["fov_y_degrees"]))
    found: dict[str, list[float]] = defaultdict(list)
    files = sorted((arguments.rendered / "images").glob("*.png"))
    for _, group in groupby(files, lambda path: object_of(path.name)):
        paths = list(group)
        seen = [one.code for one in model.see_all(paths, surface=arguments.surface)]
        lights = [
            one.code.light
            for one in model.see_all([arguments.rendered / "relit" / p.name for p in paths])
        ]
        photos, albedos, relit = (
            [picture_of(arguments.rendered / name / p.name) for p in paths]
            for name in ("images", "albedo", "relit")
        )
        for k, code in enumerate(seen):
            side = photos[k].shape[0]
            white = torch.zeros_like(code.light)
            white[:, 0] = SHADING_ONE
            plain, again, other = (
                model.draw(replace(code, light=light), side)[0]
                for light in (white, code.light, lights[k])
            )
            where = common(plain, albedos[k])
            mean = photos[k].copy()
            mean[..., :3] = photos[k][where][:, :3].mean(0)
            for name, one in (
                ("", plain),
                (" of the photograph", photos[k]),
                (" of its mean", mean),
            ):
                found[f"albedo error{name}"].append(colour_error(one, albedos[k], where))
                found[f"albedo error{name}, scaled"].append(scaled_error(one, albedos[k], where))
            for name, one in (
                ("relit", other), ("not relit", again), ("the photograph, not relit", photos[k]),
            ):  # fmt: skip
                found[f"under another sky, {name}"].append(colour_error(one, relit[k], where))
        for i, j in permutations(range(len(paths)), 2):
            camera = np.array(truth["views"][paths[j].stem]["camera_from_object"])
            pose = true_pose(camera, load_mesh(shape_of(paths[j], arguments.shapes)))
            code = replace(seen[i], pose=pose, light=seen[j].light)
            other = model.draw(code, photos[j].shape[0], fov_y=fov_y)[0]
            where = common(other, photos[j])
            if where.sum() < 50:
                continue
            true = photos[j][where][:, :3]
            known = photos[i][photos[i][..., 3] > WHOLE][:, :3].mean(0)
            found["other view, PSNR"].append(psnr(other[where][:, :3], true))
            found["other view, PSNR of the picture's mean colour"].append(psnr(known, true))
            found["other view, PSNR of its own mean colour"].append(psnr(true.mean(0), true))
    for name, values in found.items():
        print(f"{name:<48} {np.mean(values):7.4f}   {len(values)}")


if __name__ == "__main__":
    main()
