"""Control: change one of shape, texture, pose and light of drawings, and see what changed.

    python runs/swap_grid.py RUN SHAPES [--pairs 40] [--seed 0] [--sheet FILE]

draws objects in whole frames of 128 px, each once as it is and once with one part of another
object's code, and sees both drawings again. Prints how far each part of what is seen moved, as a
share of how far two unrelated drawings' are apart: near 1 where it was changed, near 0 elsewhere.
The sheet shows the first four pairs: as they are, then with the other's shape, texture, pose and
light, and the other.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from shapecycle import load
from shapecycle.cli.sample_files import generator_of
from shapecycle.evaluate.pose import rotation_error
from shapecycle.graphics_code import GraphicsCode
from shapecycle.model import Model

PARTS = ("shape", "texture", "pose", "light")
SIZE, SHOWN = 128, 4


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("shapes", type=Path)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sheet", type=Path, default=None)
    arguments = parser.parse_args()
    model = load(arguments.run)
    files = sorted(arguments.shapes.glob("*.ply"))[: arguments.pairs]
    objects = []
    for k, file in enumerate(files):
        generator = generator_of(arguments.seed, k)
        code = model.canvas(file)[1]
        drawn = model.sample_appearance(code.shape, generator, surface=code.surface)
        objects.append(model.in_frame(drawn))
    moved: dict[str, list[list[float]]] = {name: [] for name in (*PARTS, "all")}
    rows = []
    for ours, theirs in zip(objects, objects[1:] + objects[:1], strict=True):
        changed = {
            "as it is": ours,
            "shape": ours.with_shape_of(theirs),
            "texture": model.with_texture_of(ours, theirs),
            "pose": ours.with_pose_of(theirs),
            "light": ours.with_light_of(theirs),
            "all": theirs,
        }
        pictures = {
            name: model.draw(model.in_frame(code), SIZE)[0] for name, code in changed.items()
        }
        rows.append(list(pictures.values()))
        seen = model.see_all(list(pictures.values()), surface="template")
        codes = dict(zip(pictures, (one.code for one in seen), strict=True))
        for name, found in moved.items():
            found.append(apart(model, codes["as it is"], codes[name]))
    unrelated = np.median(moved["all"], axis=0)
    print("changed     " + "".join(f"{part:>10s}" for part in PARTS))
    for name in PARTS:
        shares = np.median(moved[name], axis=0) / unrelated
        print(f"{name:12s}" + "".join(f"{share:10.2f}" for share in shares))
    if arguments.sheet:
        write_sheet(arguments.sheet, rows[:SHOWN])


def apart(model: Model, ours: GraphicsCode, theirs: GraphicsCode) -> list[float]:
    """Return how far two codes' shapes, albedos, poses and lights are apart."""
    renderer = model.networks.renderer
    with torch.no_grad():
        vertices = [renderer.vertices(one.shape) for one in (ours, theirs)]
        albedo = [renderer.albedo(one.texture) for one in (ours, theirs)]
    turn = rotation_error(
        ours.pose.camera_from_object().numpy(), theirs.pose.camera_from_object().numpy()
    )[0]
    return [
        float((vertices[0] - vertices[1]).norm(dim=2).mean()),
        float((albedo[0] - albedo[1]).abs().mean()),
        float(turn),
        float((ours.light - theirs.light).norm()),
    ]


def write_sheet(file: Path, rows: list[list[np.ndarray]]) -> None:
    """Lay pictures out, a row for each pair."""
    sheet = Image.new("RGB", (len(rows[0]) * SIZE, len(rows) * SIZE), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            one = Image.fromarray((picture * 255).round().astype(np.uint8))
            sheet.paste(one, (x * SIZE, y * SIZE), one)
    sheet.save(file, optimize=True)


if __name__ == "__main__":
    main()
