"""Playing the demo: from two folders to a report, on a world of small cars.

The demo does what the verbs of the command line do, one after the other, and compares what they
wrote with a truth they did not see, beside answers that need no learning.
"""

import json
import shlex
import sys
from contextlib import redirect_stdout
from pathlib import Path

import yaml

from shapecycle.cli import reconstruct, sample, train
from shapecycle.cli.commands import Demo, Generate, Reconstruct, Render, Train
from shapecycle.cli.train import say
from shapecycle.demo.cars import write_shapes
from shapecycle.demo.contents import report_of
from shapecycle.demo.diary import Diary
from shapecycle.demo.gallery import gallery_of
from shapecycle.demo.report import html_of
from shapecycle.demo.scoring import scores_of
from shapecycle.demo.world import DRAWINGS, NEW, Places, World, free_folder
from shapecycle.errors import DataError


def play(command: Demo, world: World) -> Path:
    """Make shapes, train, reconstruct, draw, generate and score; write the report.

    Returns:
        The path of ``report.html``.

    Raises:
        DataError: If the pictures are not there.
    """
    places, diary = Places(free_folder(command.out), world.pictures), Diary()
    _refuse_missing_pictures(places)
    places.out.mkdir(parents=True, exist_ok=True)
    say(f"everything goes to {places.out}")
    # What the verbs print as results is progress here: the last line is the report's path.
    with redirect_stdout(sys.stderr):
        _act(command, world, places, diary)
        with diary.phase("Comparing what was written with the truth"):
            scores = scores_of(world, places)
            (places.out / "metrics.json").write_text(json.dumps(scores, indent=1) + "\n")
        with diary.phase("Drawing the pictures of this page"):
            gallery = gallery_of(world, places, scores)
    path = places.out / "report.html"
    path.write_text(html_of(report_of(command, places, diary, scores, gallery)), encoding="utf-8")
    return path


def _refuse_missing_pictures(places: Places) -> None:
    for needed in (places.photos, places.held_out / "images", places.held_out / "shapes"):
        if not needed.is_dir():
            raise DataError(
                f"the demo's pictures are not there: there is no folder {needed}",
                "install shapecycle again, with its package data",
            )


def _act(command: Demo, world: World, places: Places, diary: Diary) -> None:
    """Do what the other verbs do, with their own functions."""
    pictures, shapes = places.held_out / "images", places.held_out / "shapes"
    with diary.phase(f"Making {len(world.seeds)} training shapes"):
        write_shapes(places.shapes, world.seeds)
        _write_settings(world, places.settings)
    with diary.phase(
        f"Training on {_count(places.photos)} pictures and {len(world.seeds)} shapes of other cars",
        shell(
            *("train", "--images", places.photos, "--shapes", places.shapes),
            *("--out", places.run, "--config", places.settings),
            *("--minutes", f"{command.minutes:g}", "--seed", command.seed),
        ),
    ):
        train.run(
            Train(
                images=places.photos,
                shapes=places.shapes,
                out=places.run,
                minutes=command.minutes,
                config=places.settings,
                seed=command.seed,
                device=command.device,
            )
        )
    with diary.phase(
        f"Reconstructing {_count(pictures)} held-out pictures",
        shell("reconstruct", places.run, pictures, "--out", places.meshes),
    ):
        reconstruct.run(
            Reconstruct(places.run, (pictures,), out=places.meshes, device=command.device)
        )
    with diary.phase(
        f"Drawing {_count(shapes)} held-out shapes, {DRAWINGS} times each",
        shell(
            *("render", places.run, shapes, "--samples", DRAWINGS),
            *("--seed", command.seed, "--out", places.drawings),
        ),
    ):
        sample.render(
            Render(
                places.run,
                (shapes,),
                out=places.drawings,
                samples=DRAWINGS,
                seed=command.seed,
                device=command.device,
            )
        )
    with diary.phase(
        f"Generating {NEW} new cars",
        shell(
            *("generate", places.run, "--samples", NEW),
            *("--seed", command.seed, "--out", places.new),
        ),
    ):
        sample.generate(
            Generate(
                places.run, out=places.new, samples=NEW, seed=command.seed, device=command.device
            )
        )


def shell(*words: object) -> str:
    """Return a command of ours as it is typed."""
    return shlex.join(["shapecycle", *map(str, words)])


def _write_settings(world: World, path: Path) -> None:
    model = {"fov_y_degrees": world.fov_y_degrees, **world.settings.get("model", {})}
    path.write_text(yaml.safe_dump({**world.settings, "model": model}, sort_keys=False))


def _count(folder: Path) -> int:
    return sum(1 for path in folder.iterdir() if path.suffix in (".png", ".ply"))
