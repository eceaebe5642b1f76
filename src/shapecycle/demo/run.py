"""The demo: pictures and shapes of small cars are translated both ways, and a report is written.

It runs the verbs of the command line one after the other, and compares what they wrote with a
truth they did not see. The model comes with the package, or is trained first, from two folders;
then answers that need no learning are scored beside it.
"""

import json
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path

import yaml

from shapecycle import pretrained
from shapecycle.console import say
from shapecycle.demo.gallery import gallery_of
from shapecycle.demo.phase_timer import Timer
from shapecycle.demo.report import html_of, measured
from shapecycle.demo.scoring import scores_of
from shapecycle.demo.world import (
    DRAWINGS,
    SHOWN,
    VIEWS,
    DemoOptions,
    DemoPaths,
    World,
    free_folder,
)
from shapecycle.errors import DataError

RunVerb = Callable[[Sequence[str]], None]
"""Runs a verb of the command line, given as it is typed."""


def run_demo(options: DemoOptions, world: World, run_verb: RunVerb) -> Path:
    """Train if that is wanted, reconstruct, draw, generate and score; write the report.

    Args:
        options: What the user can choose.
        world: The pictures and shapes to learn from.
        run_verb: Runs the verbs.

    Returns:
        The path of ``report.html``.

    Raises:
        DataError: If the pictures, or the model, are not there.
    """
    paths = DemoPaths(free_folder(options.out), world, trains=options.trains)
    timer = Timer()
    _check_package(options, world, paths)
    paths.out.mkdir(parents=True, exist_ok=True)
    say(f"everything goes to {paths.out}")
    # What the verbs print as results is progress here: the last line is the report's path.
    with redirect_stdout(sys.stderr):
        if options.trains:
            _train(options, world, paths, timer, run_verb)
        else:
            _take_few(world, paths)
        _translate(options, world, paths, timer, run_verb)
        with timer.phase("Comparing what was written with the truth"):
            scores = scores_of(world, paths, trains=options.trains)
            (paths.out / "metrics.json").write_text(json.dumps(scores, indent=1) + "\n")
        with timer.phase("Drawing the pictures of this page"):
            gallery = gallery_of(options, world, paths, scores)
    path, results = paths.out / "report.html", measured(options, world, paths, timer, scores)
    path.write_text(html_of(results | gallery), encoding="utf-8")
    if results["shortfall"]:
        say(f"\nThe training {results['shortfall']}")
    return path


def _check_package(options: DemoOptions, world: World, paths: DemoPaths) -> None:
    held_out = world.pictures / "val"
    for needed in (paths.photos, held_out / "images", held_out / "shapes"):
        if not needed.is_dir():
            raise DataError(
                f"the demo's pictures are not there: there is no folder {needed}",
                "install shapecycle again, with its package data",
            )
    if not options.trains and pretrained.file_of(world.model) is None:
        raise DataError(
            f"the model '{world.model}' did not come with this package",
            "install shapecycle again, with its package data, or train one: --train",
        )


def _take_few(world: World, paths: DemoPaths) -> None:
    """Copy the first held-out objects, by name, with as many pictures of each."""
    whole = world.pictures / "val"
    shapes = sorted((whole / "shapes").iterdir())[:SHOWN]
    pictures = [
        file
        for shape in shapes
        for file in sorted((whole / "images").glob(f"{shape.stem}_*.png"))[:VIEWS]
    ]
    for part, files in (("shapes", shapes), ("images", pictures)):
        (paths.held_out / part).mkdir(parents=True)
        for file in files:
            shutil.copy(file, paths.held_out / part)
    shutil.copy(whole / "cameras.json", paths.held_out)


def _train(
    options: DemoOptions, world: World, paths: DemoPaths, timer: Timer, run_verb: RunVerb
) -> None:
    """Make the training shapes, and a model."""
    with timer.phase(f"Making {len(world.seeds)} training shapes"):
        world.write_shapes(paths.shapes, world.seeds)
        model = {"fov_y_degrees": world.fov_y_degrees, **world.settings.get("model", {})}
        settings = {**world.settings, "model": model}
        paths.settings.write_text(yaml.safe_dump(settings, sort_keys=False))
    _run(
        f"Training on {_count(paths.photos)} pictures and {len(world.seeds)} shapes of other "
        f"{world.noun}s",
        *("train", "--images", paths.photos, "--shapes", paths.shapes, "--out", paths.run),
        *("--config", paths.settings, "--seed", options.seed),
        *("--total-images", options.total_images, "--minutes", f"{options.limit_minutes:g}"),
        options=options, timer=timer, run_verb=run_verb,
    )  # fmt: skip


def _translate(
    options: DemoOptions, world: World, paths: DemoPaths, timer: Timer, run_verb: RunVerb
) -> None:
    """Do what the other verbs do, by the commands that the report shows."""
    pictures, shapes = paths.held_out / "images", paths.held_out / "shapes"
    run = partial(_run, options=options, timer=timer, run_verb=run_verb)
    run(
        f"Reconstructing {_count(pictures)} held-out pictures",
        *("reconstruct", paths.run, pictures, "--out", paths.meshes),
    )
    run(
        f"Drawing {_count(shapes)} held-out shapes, {DRAWINGS} times each",
        *("render", paths.run, shapes, "--samples", DRAWINGS, "--seed", options.seed),
        *("--out", paths.drawings),
    )
    if options.trains:
        run(
            "Reading the same shapes, and drawing what was read",
            *("render", paths.run, shapes, "--surface", "template", "--samples", DRAWINGS),
            *("--seed", options.seed, "--out", paths.read),
        )
    run(
        f"Generating {options.new} new {world.noun}s",
        *("generate", paths.run, "--samples", options.new, "--seed", options.seed),
        *("--out", paths.new),
    )


def _run(title: str, *words: object, options: DemoOptions, timer: Timer, run_verb: RunVerb) -> None:
    typed = [*map(str, words), "--device", options.device]
    with timer.phase(title, shlex.join(["shapecycle", *typed])):
        run_verb(typed)


def _count(folder: Path) -> int:
    return sum(1 for path in folder.iterdir() if path.suffix in (".png", ".ply"))
