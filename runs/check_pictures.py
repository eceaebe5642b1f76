"""Check that shapes, seen by their cameras, cover what their pictures show.

    python runs/check_pictures.py DIR/val

draws the shapes that ``render_demo_pictures.py`` wrote with the package's own rasteriser and
compares their coverage with the pictures' alpha. Prints means and minima; fails below 0.97.
"""

import argparse
from math import radians
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from shapecycle import rasterize as rz
from shapecycle.camera import View
from shapecycle.code_to_image.raw_mesh import raw_silhouette
from shapecycle.data.mesh_files import load_mesh
from shapecycle.demo.views import pixels_of, pose_of
from shapecycle.evaluate.pose import read_cameras
from shapecycle.evaluate.scores import shape_of
from shapecycle.evaluate.silhouettes import silhouette_iou
from shapecycle.mesh import Mesh

FOV_Y_DEGREES = 40.0
LEAST = 0.97
SAMPLES = 8
"""Samples along a pixel's side: bars are thinner than a pixel, and two samples miss them."""


def main() -> None:
    """Print how well shapes and pictures agree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="holds images, shapes and cameras.json")
    folder = parser.parse_args().folder
    cameras = read_cameras(folder / "cameras.json")
    rows = []
    for picture in sorted((folder / "images").glob("*.png")):
        alpha = pixels_of(picture)[..., 3]
        mesh = load_mesh(shape_of(picture, folder / "shapes"))
        covered = {k: coverage(mesh, cameras[picture.stem], alpha.shape, k) for k in (SAMPLES, 2)}
        fine, coarse = covered[SAMPLES], covered[2]
        fractional = np.minimum(fine, alpha).sum() / np.maximum(fine, alpha).sum()
        rows.append((fractional, silhouette_iou(fine, alpha), silhouette_iou(coarse, alpha)))
    names = ("of coverage", f"above one half, {SAMPLES}x{SAMPLES} samples", "the same, 2x2 samples")
    for name, values in zip(names, np.array(rows).T, strict=True):
        print(f"IoU {name}: mean {values.mean():.3f}, least {values.min():.3f}")
    if min(rows)[0] < LEAST:
        raise SystemExit(f"a shape does not cover its picture: IoU {min(rows)[0]:.3f}")


def coverage(
    mesh: Mesh, camera_from_object: Float[np.ndarray, "4 4"], size: tuple[int, int], samples: int
) -> Float[np.ndarray, "h w"]:
    """Return what share of each pixel a mesh covers."""
    view = View(torch.tensor([[0.0, 0.0, 1.0]]), size, radians(FOV_Y_DEGREES))
    vertices = torch.from_numpy(mesh.vertices).float()[None]
    topology, pose = rz.Topology.stack([mesh.faces]), pose_of(camera_from_object)
    drawn = raw_silhouette(vertices, topology, pose, view, supersample=samples)
    return np.asarray(drawn[0, 0].numpy())


if __name__ == "__main__":
    main()
