"""The demo's report: what was measured and drawn becomes one self-contained HTML page."""

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from jaxtyping import Float
from PIL import Image


@dataclass(frozen=True)
class Picture:
    """A picture on the page.

    Attributes:
        png: The bytes of a PNG file.
        alt: What it shows, for those who do not see it.
    """

    png: bytes
    alt: str

    @property
    def uri(self) -> str:
        """The whole file as a data URI."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        with Image.open(io.BytesIO(self.png)) as picture:
            return picture.size


@dataclass(frozen=True)
class Phase:
    """A part of the demo and how long it took.

    Attributes:
        told: What was done, as a sentence.
        seconds: Wall time.
        command: The command that does the same, or nothing.
    """

    told: str
    seconds: float
    command: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a table of scores.

    Attributes:
        key: Name of the score in the rows.
        title: Its heading, with what it is a mean or median of.
        better: "higher" or "lower".
        form: How numbers are printed, as in `format`.
    """

    key: str
    title: str
    better: str
    form: str = ".3f"


@dataclass(frozen=True)
class ScoreRow:
    """A row of a table of scores.

    Attributes:
        name: Who made the prediction.
        values: Scores by key; those that make no sense for this row are left out.
        told: What the row is, in a few words.
        is_ours: Whether this is the trained model.
    """

    name: str
    values: dict[str, float]
    told: str = ""
    is_ours: bool = False


@dataclass(frozen=True)
class ScoreTable:
    """Scores of the model beside baselines.

    Attributes:
        caption: What was scored, and on how many pictures or shapes.
        columns: The scores.
        rows: The model's and the baselines'.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[ScoreRow, ...]


@dataclass(frozen=True)
class Views:
    """One object seen from several sides.

    Attributes:
        name: What it is.
        pictures: One for each of the report's sides.
    """

    name: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Reconstruction:
    """One held-out picture and what was seen in it.

    Attributes:
        name: The picture's file name.
        photo: The picture.
        redrawn: The inferred scene in the inferred pose.
        views: Its mesh and the true shape; empty for those shown in brief.
        scores: As in `cli.evaluate.score`.
    """

    name: str
    photo: Picture
    redrawn: Picture
    scores: dict[str, float]
    views: tuple[Views, ...] = ()


@dataclass(frozen=True)
class Drawn:
    """One held-out shape and pictures of it.

    Attributes:
        name: The shape's file name.
        shape: The shape itself, untextured.
        drawings: Pictures in sampled textures, poses and lights.
        silhouette_iou: Mean overlap of the drawings with the true shape in the same poses.
    """

    name: str
    shape: Picture
    drawings: tuple[Picture, ...]
    silhouette_iou: float


@dataclass(frozen=True)
class Curve:
    """One loss over the training.

    Attributes:
        title: What it is.
        minutes: When it was noted, ascending.
        values: Its means since it was last noted.
    """

    title: str
    minutes: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Stage:
    """A stretch of the training, from one minute to another."""

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Report:
    """Everything on the page.

    Attributes:
        headline: What came out, in one or two sentences.
        facts: Names and values of what the demo ran with.
        phases: What was done, in order.
        tables: Scores beside baselines.
        remarks: What else should be known about the scores.
        sides: Names of the sides in all `Views`.
        chosen: How the reconstructions shown in full were chosen.
        reconstructions: Those shown in full.
        brief: All of them.
        drawn: Held-out shapes and their drawings.
        new: New objects.
        curves, stages: The training.
        files: What lies where: path and purpose.
    """

    headline: str
    facts: tuple[tuple[str, str], ...]
    phases: tuple[Phase, ...]
    tables: tuple[ScoreTable, ...]
    remarks: tuple[str, ...]
    sides: tuple[str, ...]
    chosen: str
    reconstructions: tuple[Reconstruction, ...]
    brief: tuple[Reconstruction, ...]
    drawn: tuple[Drawn, ...]
    new: tuple[Picture, ...]
    curves: tuple[Curve, ...]
    stages: tuple[Stage, ...]
    files: tuple[tuple[str, str], ...]


def html_of(report: Report) -> str:
    """Return the page: no scripts, no links to other files, every picture inside."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("shapecycle.demo", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["curve_svg"] = lambda curve: Markup(curve_svg(curve, report.stages))
    environment.filters["duration"] = duration
    environment.filters["number"] = number
    return environment.get_template("report.html.j2").render(report=report)


def picture_of(rgba: Float[np.ndarray, "h w 4"], alt: str, *, width: int | None = None) -> Picture:
    """Put a straight-alpha sRGB picture on white and encode it.

    Args:
        rgba: In [0, 1], row 0 on top.
        alt: What it shows.
        width: Width to shrink to, in pixels; the height follows.
    """
    alpha = rgba[..., 3:].clip(0, 1)
    over_white = rgba[..., :3].clip(0, 1) * alpha + 1 - alpha
    picture = Image.fromarray((over_white * 255).round().astype(np.uint8))
    if width is not None and width < picture.width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return Picture(buffer.getvalue(), alt)


def duration(seconds: float) -> str:
    """Return a time as people say it.

    >>> duration(4.21), duration(64), duration(421)
    ('4.2 s', '1 min 4 s', '7 min 1 s')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s"


def number(row: ScoreRow, column: Column) -> str:
    """Return a row's score as it is printed, or a dash where it has none."""
    value = row.values.get(column.key)
    return "\N{EN DASH}" if value is None else format(value, column.form)


# Curves ---------------------------------------------------------------------------------------


def curves_of(
    lines: Sequence[dict[str, Any]], titles: dict[str, str]
) -> tuple[tuple[Curve, ...], tuple[Stage, ...]]:
    """Read curves and stages from a journal.

    Args:
        lines: The parsed lines of ``journal.jsonl``.
        titles: Which losses to show, and what to call them.

    Returns:
        A curve for each loss that was noted at least once, and the stages in order.
    """
    curves = []
    for name, title in titles.items():
        noted = [(line["seconds"] / 60, line["losses"].get(name)) for line in lines]
        points = [(at, value) for at, value in noted if value is not None and isfinite(value)]
        if points:
            minutes, values = zip(*points, strict=True)
            curves.append(Curve(title, minutes, values))
    return tuple(curves), tuple(_stages(lines))


def _stages(lines: Sequence[dict[str, Any]]) -> Iterator[Stage]:
    names = list(dict.fromkeys(line["stage"] for line in lines))
    ends = [max(line["seconds"] / 60 for line in lines if line["stage"] == name) for name in names]
    starts = [0.0, *ends[:-1]]
    for name, start, end in zip(names, starts, ends, strict=True):
        yield Stage(name, start, end)


WIDTH, HEIGHT = 340, 170
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 12, 30


def curve_svg(curve: Curve, stages: Sequence[Stage]) -> str:
    """Draw a curve over the minutes of the training, the stages as shaded stretches.

    Returns:
        An SVG element; it names its axes and needs nothing from outside.
    """
    last = max([*(stage.end for stage in stages), *curve.minutes]) or 1.0
    top = max(curve.values) * 1.22 or 1.0

    def x(minutes: float) -> float:
        return LEFT + minutes / last * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return TOP + (1 - max(value, 0.0) / top) * (HEIGHT - TOP - BOTTOM)

    points = list(zip(curve.minutes, curve.values, strict=True))
    path = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in points)
    at, value = points[-1]
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_escaped(curve.title)}: '
        f'from {points[0][1]:.3g} to {value:.3g}">',
        *_bands(stages, x),
        *(_tick_y(level, y(level)) for level in _round_levels(top)),
        *(_tick_x(minute, x(minute)) for minute in _round_levels(last)),
        f'<polyline points="{path}" class="line"/>',
        f'<circle cx="{x(at):.1f}" cy="{y(value):.1f}" r="3" class="end"/>',
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 3}" class="right">minutes</text>',
        "</svg>",
    ]
    return "\n".join(parts)


def _bands(stages: Sequence[Stage], x: Any) -> Iterator[str]:
    for index, stage in enumerate(stages):
        left, width = x(stage.start), x(stage.end) - x(stage.start)
        yield (
            f'<rect x="{left:.1f}" y="{TOP}" width="{max(width, 0):.1f}" '
            f'height="{HEIGHT - TOP - BOTTOM}" class="band{index % 2}"/>'
        )
        if width > 7 * len(stage.name):
            name = _escaped(stage.name)
            yield f'<text x="{left + 4:.1f}" y="{TOP + 11}" class="stage">{name}</text>'


def _tick_y(level: float, at: float) -> str:
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" class="grid"/>'
        f'<text x="{LEFT - 5}" y="{at + 4:.1f}" class="right">{level:g}</text>'
    )


def _tick_x(minute: float, at: float) -> str:
    return f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 14}" class="middle">{minute:g}</text>'


def _round_levels(top: float) -> list[float]:
    """Return 0 and a few round numbers up to ``top``."""
    rough = top / 5
    size = 10.0 ** np.floor(np.log10(rough))
    step = next(size * k for k in (1, 2, 5, 10) if size * k >= rough)
    return [float(f"{step * k:.6g}") for k in range(int(top / step + 1e-9) + 1)]


def _escaped(text: str) -> str:
    from markupsafe import escape

    return str(escape(text))
