"""The demo's report: what was measured and drawn becomes one self-contained HTML page.

The words of the page are in ``report.html.j2``, beside this file.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from math import floor, isfinite, log10, nan
from typing import Any, NamedTuple

import torch
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from shapecycle import pretrained
from shapecycle.demo.phase_timer import Timer
from shapecycle.demo.views import SIDES
from shapecycle.demo.world import DRAWINGS, DemoOptions, DemoPaths, World
from shapecycle.model_file import load_model
from shapecycle.train.schedule import is_short

LOSSES = {
    "shape_distance": "Shapes: distance to the surface",
    "shape_silhouette": "Shapes: silhouettes missed",
    "shape_cycle_vertices": "Known scenes: vertices missed",
    "shape_cycle_pose": "Known scenes: pose missed",
    "image_cycle_silhouette": "Pictures: silhouettes missed",
    "image_cycle_colour": "Pictures: colours missed",
}

Column = tuple[str, str, str, str]
"""Key of a score, its title, which is better, and its format as in `format`."""
Row = tuple[str, str, Mapping[str, float]]
"""Who made the prediction, a note, and scores by key; a dash is shown for those left out."""
Table = tuple[str, tuple[Column, ...], tuple[Row, ...]]
"""A caption, columns and rows; the trained model's row is the first."""

GEOMETRY: tuple[Column, ...] = (
    ("chamfer", "Chamfer distance, mean", "lower", ".4f"),
    ("f_score", "F-score, mean", "higher", ".3f"),
    ("normal_consistency", "normal consistency, mean", "higher", ".3f"),
    ("silhouette_iou", "silhouette IoU, mean", "higher", ".3f"),
)
VIEWPOINT: tuple[Column, ...] = (
    ("azimuth_error_degrees", "azimuth error, median", "lower", ".1f"),
    ("azimuth_within_30", "azimuth within 30°", "higher", ".0%"),
)


class Curve(NamedTuple):
    """The means of one loss, each since the one before, and when they were written."""

    title: str
    minutes: tuple[float, ...]
    values: tuple[float, ...]


class Stage(NamedTuple):
    """A stretch of the training, from one minute to another."""

    name: str
    start: float
    end: float


def measured(
    options: DemoOptions, world: World, paths: DemoPaths, timer: Timer, scores: dict[str, Any]
) -> dict[str, object]:
    """Return all that `html_of` shows besides the pictures of `gallery.gallery_of`."""
    model = load_model(paths.run)[1]
    known = pretrained.file_of(world.model)
    card = {} if known is None else load_model(known)[1].card
    processor = f"processor, {torch.get_num_threads()} thread(s)"
    computed = {"Computed on": processor if options.device == "cpu" else options.device}
    facts: dict[str, object] = {"shapecycle": version("shapecycle")}
    facts["Images seen"] = f"{model.images:,}"
    if options.trains:
        lines = (paths.run / "journal.jsonl").read_text().splitlines()
        journal = [json.loads(line) for line in lines]
        curves, stages = curves_of(journal, LOSSES)
        seconds = timer.seconds_of("Training")
        facts |= {
            "Images asked for": f"{options.total_images:,}",
            "Time limit": f"{options.limit_minutes:g} minutes",
            "Training with loading": duration(seconds),
            "Images per second, loading apart": f"{model.images / journal[-1]['seconds']:.1f}",
        }
    else:
        curves, stages = (), ()
        seconds = sum(phase[1] for phase in timer.phases)
        facts["All that is shown here"] = duration(seconds)
    tables: tuple[Table, ...] = (_seeing_table(scores, world, card),)
    if options.trains:
        tables += (_drawing_table(scores, world),)
    return {
        "facts": facts | computed | {"Seed": options.seed},
        "noun": world.noun,
        "phases": timer.phases,
        "images": model.images,
        "seconds": seconds,
        "shortfall": shortfall(model.images, options) if options.trains else "",
        "ours": scores["seeing"]["shapecycle"],
        "typical": scores["seeing"].get("medoid"),
        "tables": tables,
        "card": {} if options.trains else card,
        "sides": tuple(SIDES),
        "curves": curves,
        "stages": stages,
        "paths": paths,
        "trains": options.trains,
    }


def shortfall(images: int, options: DemoOptions) -> str:
    """Say what a training did that the limit of time ended early; nothing if it was whole."""
    if not is_short(images, options.total_images):
        return ""
    return (
        f"saw {images:,} of {options.total_images:,} images: the limit of "
        f"{options.limit_minutes:g} minutes shortened its stages. The scores are those of a "
        "shorter training; a larger --limit-minutes gives the whole one."
    )


def _seeing_table(scores: dict[str, Any], world: World, card: Mapping[str, Any]) -> Table:
    summary, rows = scores["seeing"]["shapecycle"], scores["seeing"]["rows"]
    ours = {name: both["mean"] for name, both in summary.items()}
    ours["azimuth_error_degrees"] = summary["azimuth_error_degrees"]["median"]
    chance = {"azimuth_error_degrees": 90.0, "azimuth_within_30": 1 / 6}
    known = card.get("scores", {})
    found: list[Row] = [("shapecycle", "", ours)]
    if "medoid" in scores:
        if "shapecycle" in known:
            found.append(("the model that comes with the package", "", known["shapecycle"]))
        where = f"always {scores['medoid']}; silhouettes in the true cameras"
        found.append((_typical(world), where, scores["seeing"]["medoid"]))
    else:
        when = "all held-out pictures, when the model was made"
        named = {"shapecycle": "the same model", "typical": _typical(world)}
        found += [(named.get(name, name), when, row) for name, row in known.items()]
    found.append(("viewpoint by chance", "expected value", chance))
    found.append(_truth(world, scores["seeing"]["truth"]))
    objects = len({row["shape"] for row in rows})
    caption = f"Picture to shape: {len(rows)} held-out pictures of {objects} {world.noun}s"
    return caption, GEOMETRY + VIEWPOINT, tuple(found)


def _drawing_table(scores: dict[str, Any], world: World) -> Table:
    drawing = scores["drawing"]
    where = f"always {scores['medoid']} in the same poses"
    found: tuple[Row, ...] = (
        ("shapecycle", "", drawing["shapecycle"]),
        (_typical(world), where, drawing["medoid"]),
        _truth(world, drawing["truth"]),
    )
    return (
        f"Shape to picture: {len(drawing['rows'])} held-out shapes, read, rebuilt and drawn "
        f"{DRAWINGS} times each",
        GEOMETRY,
        found,
    )


def _typical(world: World) -> str:
    return f"most typical training {world.noun}"


def _truth(world: World, scores: Mapping[str, float]) -> Row:
    return (f"the true {world.noun} itself", "two draws of points from it: the limit", scores)


def html_of(contents: Mapping[str, object]) -> str:
    """Return the page: no scripts, no links to other files, every picture inside."""
    return _template("report.html.j2").render(contents)


def curve_svg(curve: Curve, stages: Sequence[Stage]) -> str:
    """Draw a curve over the minutes of the training, the stages as shaded stretches.

    Returns:
        An SVG element; it names its axes and needs nothing from outside.
    """
    last = max([*(stage.end for stage in stages), *curve.minutes]) or 1.0
    top = max(curve.values) * 1.22 or 1.0
    svg = _template("curve.svg.j2").render(
        title=curve.title,
        points=list(zip(curve.minutes, curve.values, strict=True)),
        stages=stages,
        last=last,
        top=top,
        minutes=_round_levels(last),
        levels=_round_levels(top),
    )
    return Markup(svg)


def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("shapecycle.demo", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["curve_svg"] = curve_svg
    environment.filters["duration"] = duration
    environment.filters["number"] = number
    return environment.get_template(name)


def duration(seconds: float) -> str:
    """Return a time as people say it.

    >>> duration(4.21), duration(64), duration(421)
    ('4.2 s', '1 min 4 s', '7 min 1 s')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s"


def number(value: float | None, form: str) -> str:
    """Return a number in a format, or a dash where there is none."""
    return "\N{EN DASH}" if value is None else format(value, form)


def curves_of(
    lines: Sequence[dict[str, Any]], titles: dict[str, str]
) -> tuple[tuple[Curve, ...], tuple[Stage, ...]]:
    """Read curves and stages from a journal.

    Args:
        lines: The parsed lines of ``journal.jsonl``.
        titles: Which losses to show, and what to call them.

    Returns:
        A curve for each loss that was written at least once, and the stages in order.
    """
    curves = []
    for name, title in titles.items():
        found = [(line["seconds"] / 60, line["losses"].get(name, nan)) for line in lines]
        points = [(minute, value) for minute, value in found if isfinite(value)]
        if points:
            curves.append(Curve(title, *zip(*points, strict=True)))
    stages, start = [], 0.0
    for name, end in {line["stage"]: line["seconds"] / 60 for line in lines}.items():
        stages.append(Stage(name, start, end))
        start = end
    return tuple(curves), tuple(stages)


def _round_levels(top: float) -> list[float]:
    """Return 0 and a few round numbers up to ``top``."""
    rough = top / 5
    size = 10.0 ** floor(log10(rough))
    step = next(size * k for k in (1, 2, 5, 10) if size * k >= rough)
    return [float(f"{step * k:.6g}") for k in range(int(top / step + 1e-9) + 1)]
