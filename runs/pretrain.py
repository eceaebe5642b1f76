"""Make a model that comes with the package of a trained one: prune its memory, and add a card.

    runs/world.sh cars OUT 60000 0
    python runs/pretrain.py OUT/run OUT/metrics.json src/shapecycle/pretrained/cars.safetensors

Chairs likewise, with ``--noun chair``. ``--hardware`` says what it was trained on.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from shapecycle.memory.memory import Memory
from shapecycle.model_file import load_model, save_model

MAX_BYTES = 20_000_000
SOURCES = 120
"""Shapes that fit in: the first of those that were chosen, farthest points of all."""
SHOWN = (
    *("chamfer", "f_score", "normal_consistency", "silhouette_iou"),
    *("azimuth_error_degrees", "azimuth_within_30"),
)
DATA = """\
{pictures} path-traced pictures of procedural {noun}s, of this project's making, and {shapes}
untextured shapes of other procedural {noun}s. No picture shows one of the shapes, no camera was
known."""
LICENCE = "Apache-2.0, as the package; nothing in the data is anybody else's."
FAILURES = """\
It knows procedural {noun}s, all alike in style, against no background: real photographs are taken
for them, and come out plain. Of symmetric outlines some are seen from behind; what is thin or open
is often closed; gloss and cast shadows are taken for paint."""


def main() -> None:
    """Write the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("metrics", type=Path, help="what `shapecycle evaluate` wrote of it")
    parser.add_argument("out", type=Path)
    parser.add_argument("--noun", default="car")
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--shapes", type=int, default=150)
    parser.add_argument("--hardware", default="two cores of a shared server")
    parser.add_argument("--seconds", type=float, default=None)
    arguments = parser.parse_args()
    networks, provenance, memory = load_model(arguments.run)
    summary = json.loads(arguments.metrics.read_text())["summary"]
    ours = {name: summary[name]["mean"] for name in SHOWN}
    ours["azimuth_error_degrees"] = summary["azimuth_error_degrees"]["median"]
    typical = summary["references"]["typical_training_shape"]
    minutes = "" if arguments.seconds is None else f", {arguments.seconds / 60:.0f} minutes"
    words = {"noun": arguments.noun, "pictures": arguments.pictures, "shapes": arguments.shapes}
    card = {
        "data": DATA.format(**words).replace("\n", " "),
        "training": f"{provenance.images:,} pictures and shapes seen on {arguments.hardware}"
        f"{minutes}; settings as in the file's metadata.",
        "licence": LICENCE,
        "known failures": FAILURES.format(**words).replace("\n", " "),
        "scores": {
            "shapecycle": ours,
            "typical": {name: typical[name] for name in SHOWN if name in typical},
        },
    }
    pruned = Memory(memory.sources[:SOURCES], memory.donors, memory.handles)
    save_model(networks, arguments.out, replace(provenance, card=card), pruned)
    size = arguments.out.stat().st_size
    if size > MAX_BYTES:
        raise SystemExit(f"{arguments.out} takes {size:,} bytes, more than {MAX_BYTES:,}")
    print(f"{arguments.out}: {size:,} bytes")


if __name__ == "__main__":
    main()
