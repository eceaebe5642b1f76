"""The demo: from two folders to a report, on a world of small cars.

It runs the verbs of the command line one after the other, and compares what they wrote with a
truth they did not see, beside answers that need no learning.
"""

import json
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path

import yaml

from shapecycle.console import say
from shapecycle.demo.gallery import gallery_of
from shapecycle.demo.phase_timer import Timer
from shapecycle.demo.report import html_of, measured
from shapecycle.demo.scoring import scores_of
from shapecycle.demo.world import DRAWINGS, NEW, DemoOptions, DemoPaths, World, free_folder
from shapecycle.errors import DataError

RunVerb = Callable[[Sequence[str]], None]
"""Runs a verb of the command line, given as it is typed."""


def run_demo(options: DemoOptions, world: World, run_verb: RunVerb) -> Path:
    """Make shapes, train, reconstruct, draw, generate and score; write the report.

    Args:
        options: What the user can choose.
        world: The pictures and shapes to learn from.
        run_verb: Runs the verbs.

    Returns:
        The path of ``report.html``.

    Raises:
        DataError: If the pictures are not there.
    """
    paths, timer = DemoPaths(free_folder(options.out), world), Timer()
    _check_pictures(paths)
    paths.out.mkdir(parents=True, exist_ok=True)
    say(f"everything goes to {paths.out}")
    # What the verbs print as results is progress here: the last line is the report's path.
    with redirect_stdout(sys.stderr):
        _run_verbs(options, world, paths, timer, run_verb)
        with timer.phase("Comparing what was written with the truth"):
            scores = scores_of(world, paths)
            (paths.out / "metrics.json").write_text(json.dumps(scores, indent=1) + "\n")
        with timer.phase("Drawing the pictures of this page"):
            gallery = gallery_of(world, paths, scores)
    path, results = paths.out / "report.html", measured(options, world, paths, timer, scores)
    path.write_text(html_of(results | gallery), encoding="utf-8")
    if results["shortfall"]:
        say(f"\nThe training {results['shortfall']}")
    return path


def _check_pictures(paths: DemoPaths) -> None:
    for needed in (paths.photos, paths.held_out / "images", paths.held_out / "shapes"):
        if not needed.is_dir():
            raise DataError(
                f"the demo's pictures are not there: there is no folder {needed}",
                "install shapecycle again, with its package data",
            )


def _run_verbs(
    options: DemoOptions, world: World, paths: DemoPaths, timer: Timer, run_verb: RunVerb
) -> None:
    """Do what the other verbs do, by the commands that the report shows."""
    pictures, shapes = paths.held_out / "images", paths.held_out / "shapes"
    with timer.phase(f"Making {len(world.seeds)} training shapes"):
        world.write_shapes(paths.shapes, world.seeds)
        model = {"fov_y_degrees": world.fov_y_degrees, **world.settings.get("model", {})}
        settings = {**world.settings, "model": model}
        paths.settings.write_text(yaml.safe_dump(settings, sort_keys=False))

    def run(title: str, *words: object) -> None:
        typed = [*map(str, words), "--device", options.device]
        with timer.phase(title, shlex.join(["shapecycle", *typed])):
            run_verb(typed)

    run(
        f"Training on {_count(paths.photos)} pictures and {len(world.seeds)} shapes of other "
        f"{world.noun}s",
        *("train", "--images", paths.photos, "--shapes", paths.shapes, "--out", paths.run),
        *("--config", paths.settings, "--seed", options.seed),
        *("--total-images", options.total_images, "--minutes", f"{options.limit_minutes:g}"),
    )
    run(
        f"Reconstructing {_count(pictures)} held-out pictures",
        *("reconstruct", paths.run, pictures, "--out", paths.meshes),
    )
    run(
        f"Drawing {_count(shapes)} held-out shapes, {DRAWINGS} times each",
        *("render", paths.run, shapes, "--samples", DRAWINGS, "--seed", options.seed),
        *("--out", paths.drawings),
    )
    run(
        "Reading the same shapes, and drawing what was read",
        *("render", paths.run, shapes, "--surface", "template", "--samples", DRAWINGS),
        *("--seed", options.seed, "--out", paths.read),
    )
    run(
        f"Generating {NEW} new {world.noun}s",
        *("generate", paths.run, "--samples", NEW, "--seed", options.seed, "--out", paths.new),
    )


def _count(folder: Path) -> int:
    return sum(1 for path in folder.iterdir() if path.suffix in (".png", ".ply"))
