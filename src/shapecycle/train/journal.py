"""The journal: JSON lines of every loss, picture panels, and what the terminal shows."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

LINE_SECONDS = 2.0


class Journal:
    """Writes ``journal.jsonl`` and ``panels/`` in a run folder and reports progress.

    On a terminal one line is rewritten; elsewhere plain lines are printed now and then.
    """

    def __init__(self, folder: Path, *, every_seconds: float = 10.0) -> None:
        self.folder = folder
        self.file = (folder / "journal.jsonl").open("a")
        self.every = LINE_SECONDS if sys.stderr.isatty() else every_seconds
        self.last = 0.0
        self.sums: dict[str, list[float]] = {}
        self.panel_path: Path | None = None

    def say(self, line: str) -> None:
        """Print a line of its own."""
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")
        print(line, file=sys.stderr, flush=True)

    def record(self, terms: dict[str, Tensor], status: dict[str, Any]) -> None:
        """Add a step's losses; write and show their means every few seconds.

        Args:
            terms: Unweighted losses by name.
            status: ``stage``, ``progress``, ``images``, ``images_per_second``, ``seconds_left``.
        """
        for name, value in terms.items():
            self.sums.setdefault(name, []).append(float(value))
        now = time.monotonic()
        if now - self.last < self.every:
            return
        self.last = now
        means = {name: float(np.mean(values)) for name, values in self.sums.items()}
        self.sums = {}
        self.file.write(json.dumps(status | {"losses": means}) + "\n")
        self.file.flush()
        self._show(means, status)

    def _show(self, means: dict[str, float], status: dict[str, Any]) -> None:
        shown = [n for n in SHOWN if n in means]
        told = "  ".join(f"{SHOWN[n]} {means[n]:.3f}" for n in shown)
        left = status["seconds_left"]
        line = (
            f"{status['stage']:<12} {status['progress']:4.0%}  {status['images']:>9,} images  "
            f"{status['images_per_second']:5.0f}/s  "
            f"{'' if left is None else f'{left / 60:.1f} min left  '}{told}"
        )
        if sys.stderr.isatty():
            width = 160
            sys.stderr.write("\r\x1b[K" + line[:width])
            sys.stderr.flush()
        else:
            print(line, file=sys.stderr, flush=True)

    def panel(self, rows: list[Float[Tensor, "b 4 h w"]], images: int) -> Path:
        """Write premultiplied or straight RGBA rows over white as one picture."""
        from PIL import Image

        count = min(len(row) for row in rows)
        sheet = torch.cat(
            [torch.cat([over_white(x) for x in row[:count].detach().cpu()], 2) for row in rows], 1
        )
        path = self.folder / "panels" / f"{images:09d}.png"
        path.parent.mkdir(exist_ok=True)
        pixels = (sheet.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(path)
        self.panel_path = path
        return path

    def close(self) -> None:
        """Close the file and leave the terminal on a new line."""
        self.file.close()
        if sys.stderr.isatty():
            sys.stderr.write("\n")


SHOWN = {
    "shape_distance": "surface",
    "shape_silhouette": "outline",
    "shape_cycle_vertices": "vertices",
    "shape_cycle_pose": "pose",
    "shape_cycle_texture": "texture",
    "image_cycle_silhouette": "redrawn",
    "image_cycle_colour": "colour",
}


def over_white(premultiplied: Float[Tensor, "4 h w"]) -> Float[Tensor, "3 h w"]:
    """Composite a premultiplied picture over white."""
    return premultiplied[:3] + 1 - premultiplied[3:]
