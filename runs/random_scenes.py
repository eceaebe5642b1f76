"""Draw shapes as the random cycle draws them, to see how well a model sees its own world.

    python runs/random_scenes.py RUN SHAPES OUT [--views 4] [--seed 0]

writes OUT/images and OUT/cameras.json as `evaluate` reads them: raw meshes in random pose, light
and colours of the settings that RUN was trained with, whole frames of 128 px; those that touch the
frame's edge are left out, which favours the farther ones. With `evaluate` on
these and on pictures of another renderer, for training shapes and for others, and its reference
"read" beside each, the four gaps between seeing and reading stand in one table.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from shapecycle import load
from shapecycle import rasterize as rz
from shapecycle.camera import View
from shapecycle.code_to_image.raw_mesh import draw_raw
from shapecycle.config import SceneSettings, merged
from shapecycle.data.shapes import load_shape_folder
from shapecycle.priors.light import sample_light
from shapecycle.priors.pose import sample_pose
from shapecycle.priors.solid_texture import SolidTexture

SIDE = 128


def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("shapes", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--views", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    model = load(arguments.run)
    trained_with = model.provenance.settings["scenes"]
    scenes = merged(SceneSettings(), trained_with, source=str(arguments.run))
    shapes = load_shape_folder(arguments.shapes)
    generator = torch.Generator().manual_seed(arguments.seed)
    (arguments.out / "images").mkdir(parents=True)
    views = {}
    for path, mesh in zip(shapes.paths, shapes.meshes, strict=True):
        count = arguments.views
        vertices = torch.from_numpy(mesh.vertices).float().expand(count, -1, -1)
        pose = sample_pose(count, scenes, generator, torch.device("cpu"))
        window = torch.tensor([[0.0, 0.0, 1.0]]).expand(count, 3)
        view = View(window, (SIDE, SIDE), model.networks.fov_y)
        rgba = draw_raw(
            vertices,
            rz.Topology.from_faces(mesh.faces),
            SolidTexture.sample(count, generator),
            pose,
            sample_light(count, generator),
            view,
        )
        pixels = (rgba.permute(0, 2, 3, 1) * 255).round().byte().numpy()
        for k, matrix in enumerate(pose.camera_from_object().tolist()):
            name = f"{path.stem}_{k:02d}"
            # What a picture's edge cuts off cannot be compared.
            if np.concatenate([pixels[k, [0, -1], :, 3], pixels[k, :, [0, -1], 3]]).any():
                continue
            Image.fromarray(pixels[k]).save(arguments.out / "images" / f"{name}.png")
            views[name] = {"camera_from_object": matrix}
    (arguments.out / "cameras.json").write_text(json.dumps({"views": views}))
    drawn = len(shapes.paths) * arguments.views
    print(
        f"{len(views)} pictures in {arguments.out}; {drawn - len(views)} touched the frame's edge"
    )


if __name__ == "__main__":
    main()
