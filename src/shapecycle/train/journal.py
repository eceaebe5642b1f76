"""The journal: JSON lines of every loss, picture panels, and what the terminal shows."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.code_to_image.compositing import over_white

LABEL_WIDTH = 72
"""Pixels to the left of a panel's rows, for their names."""
JOURNAL_NAME, PANELS = "journal.jsonl", "panels"
PLAIN_SECONDS = 10.0
LIVE_SECONDS = 1.0
TERMINAL_LOSSES = {
    "shape_distance": "surface",
    "shape_silhouette": "outline",
    "shape_cycle_vertices": "vertices",
    "shape_cycle_pose": "pose",
    "shape_cycle_texture": "texture",
    "image_cycle_silhouette": "redrawn",
    "image_cycle_colour": "colour",
}


class Journal:
    """Writes ``journal.jsonl`` and ``panels/`` in a run folder and reports progress.

    On a terminal there is a live bar; elsewhere plain lines are printed every few seconds.
    """

    def __init__(self, folder: Path) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self.folder = folder
        self.file = (folder / JOURNAL_NAME).open("a")
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.is_live = self.console.is_terminal
        self.last = 0.0
        self.losses: dict[str, list[Tensor]] = {}
        self.first: dict[str, float] = {}
        self.means: dict[str, float] = {}
        self.doubts: list[str] = []
        self.status: dict[str, Any] = {}
        self.bar = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=20),
            TextColumn("{task.percentage:3.0f}%  {task.fields[details]}"),
            console=self.console,
            disable=not self.is_live,
        )
        self.task = self.bar.add_task("starting", total=1.0, details="")
        self.bar.start()

    def say(self, line: str) -> None:
        """Print a line of its own."""
        self.console.print(line, markup=False)

    def record(self, losses: dict[str, Tensor], status: dict[str, Any]) -> None:
        """Add a step's losses; write and show their means every few seconds.

        Args:
            losses: Unweighted losses by name.
            status: ``stage``, its ``progress``, ``images``, ``images_per_second``, ``seconds`` and
                ``seconds_left``; a progress of 0 is one that is not known yet.
        """
        for name, value in losses.items():
            # Reading a number makes the host wait for a GPU: it is done once a line.
            self.losses.setdefault(name, []).append(value.detach())
        self.status = status
        now = time.monotonic()
        if now - self.last < (LIVE_SECONDS if self.is_live else PLAIN_SECONDS):
            return
        self.last = now
        self._show(self._write(), status)

    def doubt(self, doubts: list[str]) -> None:
        """Say what may have gone wrong, each thing once until it is gone; the lines hold it, too.

        Args:
            doubts: All that there are now.
        """
        for one in doubts:
            if one not in self.doubts:
                self.say(f"warning: {one}")
        self.doubts = doubts

    def _write(self) -> dict[str, float]:
        means = {n: float(np.mean(torch.stack(v).tolist())) for n, v in self.losses.items()}
        self.losses, self.means = {}, means
        told = {"doubts": self.doubts} if self.doubts else {}
        self.file.write(json.dumps(self.status | told | {"losses": means}) + "\n")
        self.file.flush()
        return means

    def _show(self, means: dict[str, float], status: dict[str, Any]) -> None:
        losses = "  ".join(self._loss(n, means[n]) for n in TERMINAL_LOSSES if n in means)
        details = (
            f"{status['images']:,} images  {_speed(status['images_per_second'])}"
            f"{_time_left(status['seconds_left'])}{losses}"
        )
        progress = share_done(status)
        if not progress:
            details = f"measuring the speed  {details}"
        if self.is_live:
            self.bar.update(
                self.task, description=status["stage"], completed=progress, details=details
            )
        else:
            percent = f"{progress:4.0%}" if progress else "    "
            self.say(f"{status['stage']:<12} {percent}  {details}")

    def _loss(self, name: str, mean: float) -> str:
        """Return a loss, and what it was at the start, in words."""
        first = self.first.setdefault(name, mean)
        return f"{TERMINAL_LOSSES[name]} {mean:.3f}" + f" (from {first:.3f})" * (first != mean)

    def panel(self, rows: dict[str, Float[Tensor, "b 4 h w"]], images: int) -> Path:
        """Write rows of premultiplied or straight RGBA over white, with their names, and say where.

        Args:
            rows: Pictures by what they are.
            images: How many were seen by now.
        """
        from PIL import Image, ImageDraw

        count = min(len(row) for row in rows.values())
        sheet = torch.cat(
            [
                torch.cat([over_white(x) for x in row[:count].detach().cpu()], 2)
                for row in rows.values()
            ],
            1,
        )
        path = self.folder / PANELS / f"{images:09d}.png"
        path.parent.mkdir(exist_ok=True)
        pixels = (sheet.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        picture = Image.new("RGB", (LABEL_WIDTH + pixels.shape[1], pixels.shape[0]), "white")
        picture.paste(Image.fromarray(pixels), (LABEL_WIDTH, 0))
        height = pixels.shape[0] / len(rows)
        for number, name in enumerate(rows):
            at = (LABEL_WIDTH - 6, (number + 0.5) * height)
            ImageDraw.Draw(picture).text(at, name, fill="black", anchor="rm")
        picture.save(path)
        self.say(f"pictures after {images:,} images: {path}")
        return path

    def close(self) -> None:
        """Write what was not written yet, close the file and end the bar."""
        try:
            if self.losses:
                self._write()
        finally:
            self.bar.stop()
            self.file.close()


class Silence:
    """The journal of a process that leaves writing to the first one."""

    means: Mapping[str, float] = MappingProxyType({})

    def say(self, line: str) -> None:
        """Print nothing."""

    def record(self, losses: dict[str, Tensor], status: dict[str, Any]) -> None:
        """Forget a step's losses."""

    def panel(self, rows: dict[str, Float[Tensor, "b 4 h w"]], images: int) -> None:
        """Draw nothing."""

    def doubt(self, doubts: list[str]) -> None:
        """Say nothing."""

    def close(self) -> None:
        """End nothing."""


def share_done(status: dict[str, Any]) -> float:
    """Return how far the whole training has come: by its time, where what is left is known.

    0 where nothing is known yet.
    """
    if not status["progress"] and not status["seconds_left"]:
        return 0.0
    if status["seconds_left"] is None:
        return float(status["progress"])
    spent = float(status["seconds"])
    return spent / max(spent + status["seconds_left"], 1e-6)


def _speed(images_per_second: float) -> str:
    """Return the speed; nothing while no step counts for it."""
    return f"{images_per_second:.0f}/s  " if images_per_second else ""


def _time_left(seconds: float | None) -> str:
    """Return how long it goes on; nothing where that is not known, or the time is over."""
    if seconds is None or seconds < 1:
        return ""
    return f"{seconds:.0f} s left  " if seconds < 60 else f"{seconds / 60:.1f} min left  "
