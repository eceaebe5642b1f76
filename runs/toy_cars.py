"""A real domain gap: photographs of toy cars, shapes made by rule; what do the cycles bring?

    python runs/toy_cars.py TOY_CARS OUT [--images 60000] [--folds 1] [--seeds 0] [--only NAME]

TOY_CARS holds images/, views.csv (file, instance, polar_deg, azimuth_deg) and hulls/ (visual hulls,
+y up, front +x). Trains on the photographs of all cars but two and on 150 procedural cars; scores
azimuths on the photographs of those two, and what was seen against their hulls: silhouettes from
views that a photograph does not show. Each fold leaves two others out. Trainings that are done are
kept and those begun go on.
"""

import argparse
import csv
import json
from math import cos, radians, sin
from pathlib import Path
from typing import Any

import numpy as np
from ablations import call

from shapecycle.data.mesh_files import load_mesh
from shapecycle.demo.cars import SHAPE_SEEDS, write_ply, write_shapes
from shapecycle.geometry.boxes import normalise
from shapecycle.mesh import Mesh

WORLD: dict[str, dict[str, Any]] = {
    "model": {"fov_y_degrees": 30.0},
    "scenes": {"elevation_degrees": [-5.0, 60.0], "distance": [1.5, 4.0]},
}
"""The photographs were taken from 0 to 55 degrees above, from some distance."""
OFF = ("image_cycle_colour", "image_cycle_silhouette", "image_cycle_structure", "shape_critic",
       "image_critic", "texture_critic")  # fmt: skip
VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "full": {},
    "no photographed shapes": {"scenes": {"photographed_shapes": 0}},
    "random cycle alone": {
        "scenes": {"photographed_shapes": 0},
        "weights": dict.fromkeys(OFF, 0.0),
        "train": {"random_share": 0.775},
    },
}
SCORES = {
    "azimuth_error_degrees": "median",
    "azimuth_within_30": "mean",
    "novel_view_iou": "mean",
    "silhouette_iou": "mean",
    "chamfer": "mean",
}


def prepared(toy_cars: Path, held_out: list[str], folder: Path) -> None:
    """Link the photographs, turn the hulls' fronts to +z and write the cameras."""
    for name in ("train", "held_out/images", "held_out/shapes"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    views = {}
    for row in csv.DictReader((toy_cars / "views.csv").open()):
        file, car = toy_cars / "images" / row["file"], row["instance"]
        name = f"{car}_{row['polar_deg']}-{row['azimuth_deg']}"
        is_held_out = car in held_out
        place = folder / ("held_out/images" if is_held_out else "train") / f"{name}.png"
        if not place.exists():
            place.symlink_to(file.resolve())
        if is_held_out:
            # The front is the hulls' +x: from there the azimuth is 90 degrees in the file.
            azimuth, elevation = (
                radians(float(row["azimuth_deg"]) - 90),
                90 - float(row["polar_deg"]),
            )
            views[name] = {"camera_from_object": _camera(azimuth, radians(elevation)).tolist()}
    (folder / "held_out" / "cameras.json").write_text(json.dumps({"views": views}))
    for car in held_out:
        hull = load_mesh(toy_cars / "hulls" / f"{car}.ply")
        x, y, z = hull.vertices.T
        turned, _ = normalise(Mesh(np.stack([-z, y, x], 1), hull.faces))
        write_ply(folder / "held_out" / "shapes" / f"{car}.ply", turned)


def _camera(azimuth: float, elevation: float, distance: float = 3.0) -> np.ndarray:
    """Return camera_from_object of a camera that looks at the origin."""
    back = np.array([sin(azimuth) * cos(elevation), sin(elevation), cos(azimuth) * cos(elevation)])
    right = np.array([cos(azimuth), 0.0, -sin(azimuth)])
    matrix = np.eye(4)
    matrix[:3, :3] = right, np.cross(back, right), back
    matrix[2, 3] = -distance
    return matrix


def run(name: str, fold: list[str], seed: int, arguments: argparse.Namespace) -> dict[str, float]:
    """Train and score one variant on one fold, or read its scores."""
    data = arguments.out / "-".join(fold)
    folder = arguments.out / f"{name.replace(' ', '-')}-{'-'.join(fold)}-{seed}-{arguments.images}"
    folder.mkdir(parents=True, exist_ok=True)
    metrics = folder / "metrics.json"
    if not metrics.exists():
        prepared(arguments.toy_cars, fold, data)
        settings = {
            group: WORLD.get(group, {}) | VARIANTS[name].get(group, {})
            for group in ("model", "scenes", "weights", "train")
        }
        (folder / "settings.yaml").write_text(json.dumps(settings))
        begun = (folder / "run" / "settings.json").is_file()
        call(
            folder, "train", "--images", data / "train", "--shapes", arguments.out / "shapes",
            "--out", folder / "run", "--total-images", arguments.images,
            *(["--resume"] if begun else ["--config", folder / "settings.yaml", "--seed", seed,
              "--processes", 1]),
        )  # fmt: skip
        held = data / "held_out"
        call(
            folder, "evaluate", folder / "run", "--images", held / "images",
            "--shapes", held / "shapes", "--cameras", held / "cameras.json", "--out", metrics,
        )  # fmt: skip
    summary = json.loads(metrics.read_text())["summary"]
    return {score: summary[score][kind] for score, kind in SCORES.items()}


def main() -> None:
    """Train, score and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("toy_cars", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--folds", type=int, default=1)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--only", nargs="*", default=list(VARIANTS), choices=list(VARIANTS))
    arguments = parser.parse_args()
    cars = sorted(path.stem for path in (arguments.toy_cars / "hulls").glob("*.ply"))
    folds = [cars[2 * k : 2 * k + 2] for k in range(arguments.folds)]
    if not (arguments.out / "shapes").exists():
        (arguments.out / "shapes").mkdir(parents=True)
        write_shapes(arguments.out / "shapes", SHAPE_SEEDS[:150])
    print(f"| variant | {' | '.join(SCORES)} |\n|{'---|' * (len(SCORES) + 1)}", flush=True)
    for name in arguments.only:
        found = [run(name, fold, seed, arguments) for fold in folds for seed in arguments.seeds]
        cells = [f"{np.mean([one[score] for one in found]):.4f}" for score in SCORES]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
