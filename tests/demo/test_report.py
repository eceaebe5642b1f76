"""The report: one file that holds everything, and says just what it was given."""

import io
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from shapecycle.demo.gallery import Picture, picture_of
from shapecycle.demo.report import (
    Curve,
    Stage,
    curve_svg,
    curves_of,
    duration,
    html_of,
    shortfall,
)
from shapecycle.demo.world import DemoOptions, DemoPaths, World

SCORES = {
    "silhouette_iou": 0.7654,
    "chamfer": 0.01234,
    "f_score": 0.5432,
    "azimuth_error_degrees": 12.4,
}


def _picture(alt: str = "a grey square") -> Picture:
    return picture_of(np.full((6, 8, 4), 0.5, np.float32), alt)


def _report(noun: str = "car") -> dict[str, object]:
    seen = {"image": "9_0.png", **SCORES, "photo": _picture(), "redrawn": _picture()}
    drawn = {"shape": "9", "silhouette_iou": 0.912, "untextured": _picture()}
    columns = (("chamfer", "Chamfer", "lower", ".4f"), ("iou", "IoU", "higher", ".3f"))
    rows = (
        ("shapecycle", "", {"chamfer": 0.02346, "iou": 0.81}),
        ("typical", "always the same", {"chamfer": 0.0301}),
    )
    summarised = ("chamfer", "azimuth_within_30", "self_intersecting_faces", "dihedral_degrees")
    return {
        "facts": {"Seed": "3"},
        "noun": noun,
        "phases": [("Training", 421.0, "shapecycle train --out run"), ("Drawing", 4.21, "")],
        "images": 60_016,
        "seconds": 421.0,
        "shortfall": "",
        "ours": {name: {"mean": 0.4, "median": 0.3} for name in summarised},
        "typical": {"chamfer": 0.0301},
        "tables": (("Held-out pictures", columns, rows),),
        "sides": ("front", "side", "behind"),
        "full": [seen | {"views": {"mesh": [_picture(f"from side {k}") for k in range(3)]}}],
        "brief": [seen] * 2,
        "drawn": [drawn | {"drawings": [_picture()] * 3}],
        "new": [_picture()] * 4,
        "curves": (Curve("surface", (0.1, 0.2, 0.4), (0.3, 0.2, 0.1)),),
        "stages": (Stage("shapes", 0.0, 0.2), Stage("all cycles", 0.2, 0.4)),
        "card": {},
        "trains": True,
        "paths": DemoPaths(Path("demo-run"), World(Path("pictures"), range(8), 40.0, noun=noun)),
    }


class _Page(HTMLParser):
    """Collects the tags and the cells of all tables of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _words(html: str) -> str:
    return " ".join("".join(_Page(html).text).split())


# The page


def test_nothing_on_the_page_comes_from_outside() -> None:
    html = html_of(_report())
    page = _Page(html)
    assert not {"script", "iframe", "object", "embed"} & {tag for tag, _ in page.tags}
    outside = [
        value
        for _, attributes in page.tags
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "data") and not (value or "").startswith("data:")
    ]
    assert outside == []
    assert not re.search(r"https?://|@import|url\(", html)


def test_every_picture_is_inside_and_described() -> None:
    pictures = [attributes for tag, attributes in _Page(html_of(_report())).tags if tag == "img"]
    assert len(pictures) == 2 + 3 + 2 * 2 + 4 + 4
    for attributes in pictures:
        assert (attributes["src"] or "").startswith("data:image/png;base64,")
        assert attributes["alt"]
        assert (attributes["width"], attributes["height"]) == ("8", "6")


def test_scores_are_shown_as_they_were_given_and_missing_ones_as_dashes() -> None:
    words = _words(html_of(_report()))
    assert "shapecycle 0.0235 0.810" in words
    assert "typicalalways the same 0.0301 \N{EN DASH}" in words


def test_each_reconstruction_is_shown_with_its_own_scores() -> None:
    words = _words(html_of(_report()))
    assert (
        "9_0.png: silhouette IoU 0.765, Chamfer 0.0123, F-score 0.543, azimuth off by 12°" in words
    )
    assert words.count("9_0.png: IoU 0.77, azimuth off 12°") == 2
    assert "9.ply: silhouette IoU with the true shape 0.912" in words


def test_phases_are_shown_with_their_times_and_commands() -> None:
    words = _words(html_of(_report()))
    assert "Trainingshapecycle train --out run 7 min 1 s Drawing 4.2 s" in words


def test_the_page_names_what_its_world_holds() -> None:
    cars, chairs = (_words(html_of(_report(noun))) for noun in ("car", "chair"))
    assert "one picture of an unknown chair becomes" in chairs
    assert not re.search(r"\bcars?\b", chairs)
    assert re.sub(r"\bchair", "car", chairs) == cars


def test_the_page_says_what_was_seen_in_what_time() -> None:
    words = _words(html_of(_report()))
    assert "a training that saw 60,016 pictures and shapes, in 7 min 1 s, one picture" in words


def test_a_training_that_the_limit_cut_short_is_named_first_on_the_page() -> None:
    options = DemoOptions(Path("out"), True, 60_000, 30.0, 0, "cpu")
    assert shortfall(60_016, options) == ""
    cut = shortfall(31_000, options)
    assert cut.startswith("saw 31,000 of 60,000 images: the limit of 30 minutes shortened its")
    words = _words(html_of(_report() | {"shortfall": cut}))
    assert words.index(f"The training {cut}") < words.index("After a training that saw")


def test_names_that_look_like_markup_are_shown_as_text() -> None:
    html = html_of(_report() | {"sides": ('<script>alert("1 & 2")</script>',)})
    assert "<script>" not in html
    assert '<script>alert("1 & 2")</script>' in _words(html)


def test_the_page_is_the_same_each_time() -> None:
    assert html_of(_report()) == html_of(_report())


@pytest.mark.parametrize(
    ("seconds", "message"),
    [(0.04, "0.0 s"), (4.21, "4.2 s"), (59.97, "1 min 0 s"), (421.4, "7 min 1 s")],
)
def test_times_are_given_in_seconds_and_minutes(seconds: float, message: str) -> None:
    assert duration(seconds) == message


# Pictures


def _opened(picture: Picture) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.png)), dtype=np.float64) / 255


def test_pictures_lie_on_white() -> None:
    rgba = np.random.default_rng(0).random((5, 7, 4))
    expected = rgba[..., :3] * rgba[..., 3:] + 1 - rgba[..., 3:]
    np.testing.assert_allclose(_opened(picture_of(rgba, "noise")), expected, atol=0.5 / 255 + 1e-9)


def test_shrunk_pictures_keep_their_proportions_and_small_ones_their_size() -> None:
    rgba = np.ones((40, 80, 4))
    assert picture_of(rgba, "white", width=20).size == (20, 10)
    assert picture_of(rgba, "white", width=200).size == (80, 40)


# Curves


def _polyline(svg: str) -> np.ndarray:
    line = next(e for e in ElementTree.fromstring(svg).iter() if e.tag == "polyline")
    return np.array([point.split(",") for point in line.attrib["points"].split()], dtype=float)


def test_a_curve_rises_where_its_values_do_and_stays_in_its_frame() -> None:
    values = (0.5, 0.3, 0.7, 0.1)
    points = _polyline(curve_svg(Curve("a", (0.0, 1.0, 2.0, 4.0), values), ()))
    np.testing.assert_allclose(
        np.diff(points[:, 0]) / np.diff(points[:, 0])[0], [1, 1, 2], rtol=0.01
    )
    np.testing.assert_array_equal(np.argsort(-points[:, 1]), np.argsort(values))
    assert points.min() > 0
    assert points[:, 0].max() < 340
    assert points[:, 1].max() < 170


@pytest.mark.parametrize("values", [(0.25,), (0.0, 0.0)])
def test_short_and_empty_trainings_have_curves_too(values: tuple[float, ...]) -> None:
    minutes = tuple(0.0 for _ in values)
    assert np.isfinite(_polyline(curve_svg(Curve("a & b", minutes, values), ()))).all()


def test_the_stages_of_a_curve_join_without_gaps() -> None:
    stages = (Stage("one", 0.0, 1.0), Stage("two", 1.0, 3.0))
    root = ElementTree.fromstring(curve_svg(Curve("a", (3.0,), (1.0,)), stages))
    bands = [e.attrib for e in root.iter() if e.tag == "rect"]
    ends = [float(band["x"]) + float(band["width"]) for band in bands]
    assert ends[0] == pytest.approx(float(bands[1]["x"]), abs=0.11)
    assert ends[1] == pytest.approx(332, abs=0.11)


def test_curves_leave_out_what_was_not_noted_or_is_not_finite() -> None:
    lines = [
        {"stage": "first", "seconds": 0.0, "losses": {"a": 3.0}},
        {"stage": "first", "seconds": 30.0, "losses": {"a": float("nan")}},
        {"stage": "second", "seconds": 60.0, "losses": {"a": 1.0, "b": 2.0}},
    ]
    curves, stages = curves_of(lines, {"b": "second loss", "a": "first loss", "c": "never"})
    assert curves == (
        Curve("second loss", (1.0,), (2.0,)),
        Curve("first loss", (0.0, 1.0), (3.0, 1.0)),
    )
    assert stages == (Stage("first", 0.0, 0.5), Stage("second", 0.5, 1.0))
