"""Playing the demo: from two folders to a report, on a world of small cars.

The demo does what the verbs of the command line do, one after the other, and compares what they
wrote with a truth they did not see, beside answers that need no learning.
"""

import json
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path

import yaml

from shapecycle.demo.cars import write_shapes
from shapecycle.demo.contents import report_of
from shapecycle.demo.diary import Diary, say
from shapecycle.demo.gallery import gallery_of
from shapecycle.demo.report import html_of
from shapecycle.demo.scoring import scores_of
from shapecycle.demo.world import DRAWINGS, NEW, Asked, Places, World, free_folder
from shapecycle.errors import DataError

RunWords = Callable[[Sequence[str]], None]
"""Runs a verb of the command line, given as it is typed."""


def play(asked: Asked, world: World, run: RunWords) -> Path:
    """Make shapes, train, reconstruct, draw, generate and score; write the report.

    Args:
        asked: What is asked of the demo.
        world: What it plays with.
        run: Runs the verbs.

    Returns:
        The path of ``report.html``.

    Raises:
        DataError: If the pictures are not there.
    """
    places, diary = Places(free_folder(asked.out), world.pictures), Diary()
    _refuse_missing_pictures(places)
    places.out.mkdir(parents=True, exist_ok=True)
    say(f"everything goes to {places.out}")
    # What the verbs print as results is progress here: the last line is the report's path.
    with redirect_stdout(sys.stderr):
        _act(asked, world, places, diary, run)
        with diary.phase("Comparing what was written with the truth"):
            scores = scores_of(world, places)
            (places.out / "metrics.json").write_text(json.dumps(scores, indent=1) + "\n")
        with diary.phase("Drawing the pictures of this page"):
            gallery = gallery_of(world, places, scores)
    path = places.out / "report.html"
    path.write_text(html_of(report_of(asked, places, diary, scores, gallery)), encoding="utf-8")
    return path


def _refuse_missing_pictures(places: Places) -> None:
    for needed in (places.photos, places.held_out / "images", places.held_out / "shapes"):
        if not needed.is_dir():
            raise DataError(
                f"the demo's pictures are not there: there is no folder {needed}",
                "install shapecycle again, with its package data",
            )


def _act(asked: Asked, world: World, places: Places, diary: Diary, run: RunWords) -> None:
    """Do what the other verbs do, by the commands that the report shows."""
    pictures, shapes = places.held_out / "images", places.held_out / "shapes"
    with diary.phase(f"Making {len(world.seeds)} training shapes"):
        write_shapes(places.shapes, world.seeds)
        _write_settings(world, places.settings)

    def act(told: str, *words: object) -> None:
        typed = [*map(str, words), "--device", asked.device]
        with diary.phase(told, shlex.join(["shapecycle", *typed])):
            run(typed)

    act(
        f"Training on {_count(places.photos)} pictures and {len(world.seeds)} shapes of other cars",
        *("train", "--images", places.photos, "--shapes", places.shapes, "--out", places.run),
        *("--config", places.settings, "--minutes", f"{asked.minutes:g}", "--seed", asked.seed),
    )
    act(
        f"Reconstructing {_count(pictures)} held-out pictures",
        *("reconstruct", places.run, pictures, "--out", places.meshes),
    )
    act(
        f"Drawing {_count(shapes)} held-out shapes, {DRAWINGS} times each",
        *("render", places.run, shapes, "--samples", DRAWINGS, "--seed", asked.seed),
        *("--out", places.drawings),
    )
    act(
        f"Generating {NEW} new cars",
        *("generate", places.run, "--samples", NEW, "--seed", asked.seed, "--out", places.new),
    )


def _write_settings(world: World, path: Path) -> None:
    model = {"fov_y_degrees": world.fov_y_degrees, **world.settings.get("model", {})}
    path.write_text(yaml.safe_dump({**world.settings, "model": model}, sort_keys=False))


def _count(folder: Path) -> int:
    return sum(1 for path in folder.iterdir() if path.suffix in (".png", ".ply"))
