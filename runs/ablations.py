"""What each part of a training is worth: the same images with and without it, one table.

    python runs/ablations.py IMAGES SHAPES SCORED OUT [--images 60000] [--seeds 0 1] [--only NAME]

SCORED holds images/, shapes/ and cameras.json, as `runs/held_out_shapes.py` makes them. Trainings
that are done are kept and those begun go on, so that an interrupted run is simply started again.
"""

import argparse
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

SHAPECYCLE = os.environ.get("SHAPECYCLE", ".venv/bin/shapecycle")
IMAGE_CYCLE = ("colour", "silhouette", "structure")
VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "full": {},
    "paper": {},
    "no photographed shapes": {"scenes": {"photographed_shapes": 0}},
    "batch 16": {"train": {"batch": 16}},
    "batch 16, slower": {"train": {"batch": 16, "learning_rate": 0.0007}},
    "no image cycle": {"weights": {f"image_cycle_{name}": 0.0 for name in IMAGE_CYCLE}},
    "no critics": {"weights": {f"{name}_critic": 0.0 for name in ("shape", "image", "texture")}},
    "the pictures' poses": {
        "scenes": {"elevation_degrees": [18.0, 37.0], "distance": [1.1, 1.7], "roll_degrees": 0.5}
    },
    "more random cycle": {"train": {"shape_share": 0.22, "random_share": 0.7}},
    "less wild warps": {"scenes": {"seen_warp": 0.25}},
}
"""Settings of each variant that differ from the preset's."""
SCORES = ("chamfer", "f_score", "normal_consistency", "silhouette_iou", "azimuth_within_30")


def run(name: str, seed: int, arguments: argparse.Namespace) -> dict[str, float]:
    """Train and score one variant, or read its scores; return the means."""
    folder = arguments.out / f"{name.replace(' ', '-')}-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    metrics, model = folder / "metrics.json", folder / "run" / "model.safetensors"
    if not metrics.exists():
        config = folder / "settings.yaml"
        config.write_text(json.dumps(VARIANTS[name]))
        begun = (folder / "run" / "state").is_dir()
        call(
            folder, "train", "--images", arguments.images_folder, "--shapes", arguments.shapes,
            "--out", folder / "run", "--total-images", arguments.images,
            *(["--resume"] if begun else ["--preset", "paper" if name == "paper" else "laptop",
              "--config", config, "--seed", seed, "--processes", 1]),
        )  # fmt: skip
        scored = arguments.scored
        call(
            folder, "evaluate", model.parent, "--images", scored / "images",
            "--shapes", scored / "shapes", "--cameras", scored / "cameras.json", "--out", metrics,
        )  # fmt: skip
    summary = json.loads(metrics.read_text())["summary"]
    return {score: summary[score]["mean"] for score in SCORES}


def call(folder: Path, verb: str, *options: object) -> None:
    """Run a verb; what it says goes to a file of that name."""
    with (folder / f"{verb}.log").open("a") as log:
        command = [SHAPECYCLE, verb, *map(str, options)]
        subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT)


def main() -> None:
    """Train, score and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("images_folder", type=Path)
    parser.add_argument("shapes", type=Path)
    parser.add_argument("scored", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--only", nargs="*", default=list(VARIANTS), choices=list(VARIANTS))
    arguments = parser.parse_args()
    print(f"| variant | {' | '.join(SCORES)} |\n|{'---|' * (len(SCORES) + 1)}", flush=True)
    for name in arguments.only:
        seeds = [run(name, seed, arguments) for seed in arguments.seeds]
        cells = []
        for score in SCORES:
            values = np.array([one[score] for one in seeds])
            spread = f" ± {np.ptp(values) / 2:.4f}" if len(values) > 1 else ""
            cells.append(f"{values.mean():.4f}{spread}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
