"""What a demo's report says: its headline, facts, tables and remarks."""

import json
from importlib.metadata import version
from typing import Any

import torch

from shapecycle.demo.gallery import Gallery
from shapecycle.demo.report import (
    Column,
    Phase,
    Report,
    ScoreRow,
    ScoreTable,
    curves_of,
    duration,
)
from shapecycle.demo.timer import Timer
from shapecycle.demo.views import SIDES
from shapecycle.demo.world import DRAWINGS, DemoOptions, DemoPaths
from shapecycle.model_file import load_networks

LOSSES = {
    "shape_distance": "Shapes: distance to the surface",
    "shape_silhouette": "Shapes: silhouettes missed",
    "shape_cycle_vertices": "Known scenes: vertices missed",
    "shape_cycle_pose": "Known scenes: pose missed",
    "image_cycle_silhouette": "Pictures: silhouettes missed",
    "image_cycle_colour": "Pictures: colours missed",
}
GEOMETRY = ("chamfer", "f_score", "normal_consistency", "silhouette_iou")


def report_of(
    options: DemoOptions, paths: DemoPaths, timer: Timer, scores: dict[str, Any], gallery: Gallery
) -> Report:
    """Put everything that is told of a demo in one report."""
    lines = (paths.run / "journal.jsonl").read_text().splitlines()
    curves, stages = curves_of([json.loads(line) for line in lines], LOSSES)
    return Report(
        headline=_headline(timer.seconds_of("Training"), scores),
        facts=_facts(options, paths),
        phases=tuple(Phase(*phase) for phase in timer.phases),
        tables=(_seeing_table(scores), _drawing_table(scores)),
        remarks=_remarks(scores),
        sides=tuple(SIDES),
        chosen=f"The first picture, by name, of each of the {len(gallery.full)} held-out cars: "
        "not chosen by how well they came out.",
        reconstructions=gallery.full,
        brief=gallery.brief,
        drawn=gallery.drawn,
        new=gallery.new,
        curves=curves,
        stages=stages,
        files=_files(paths),
    )


def _headline(seconds: float, scores: dict[str, Any]) -> str:
    ours, typical = scores["seeing"]["shapecycle"], scores["seeing"]["medoid"]
    return (
        f"After {duration(seconds)} of training, one picture of an unknown car becomes a "
        f"textured mesh at a Chamfer distance of {ours['chamfer']['mean']:.4f} from the true shape "
        f"(the most typical training car: {typical['chamfer']:.4f}), and the viewpoint is right "
        f"within 30° for {ours['azimuth_within_30']['mean']:.0%} of the pictures (by chance: 17%)."
    )


def _facts(options: DemoOptions, paths: DemoPaths) -> tuple[tuple[str, str], ...]:
    told = "processor" if options.device == "cpu" else options.device
    threads = f", {torch.get_num_threads()} thread(s)" if options.device == "cpu" else ""
    return (
        ("shapecycle", version("shapecycle")),
        ("Time options for", f"{options.minutes:g} minutes"),
        ("Pictures and shapes seen", f"{load_networks(paths.run)[1].images:,}"),
        ("Computed on", told + threads),
        ("Seed", str(options.seed)),
    )


def _seeing_table(scores: dict[str, Any]) -> ScoreTable:
    seeing = scores["seeing"]
    summary, rows = seeing["shapecycle"], seeing["rows"]
    ours = {name: summary[name]["mean"] for name in (*GEOMETRY, "azimuth_within_30")}
    ours["azimuth_error_degrees"] = summary["azimuth_error_degrees"]["median"]
    chance = {"azimuth_error_degrees": 90.0, "azimuth_within_30": 1 / 6}
    baselines = _baselines(scores, seeing, "; silhouettes in the true cameras")
    shapes = len({row["shape"] for row in rows})
    return ScoreTable(
        f"Picture to shape: {len(rows)} held-out pictures of {shapes} cars",
        (
            *_geometry_columns(),
            Column("azimuth_error_degrees", "azimuth error, median", "lower", ".1f"),
            Column("azimuth_within_30", "azimuth within 30°", "higher", ".0%"),
        ),
        (
            ScoreRow("shapecycle", ours, is_ours=True),
            baselines[0],
            ScoreRow("viewpoint by chance", chance, "expected value"),
            baselines[1],
        ),
    )


def _drawing_table(scores: dict[str, Any]) -> ScoreTable:
    drawing = scores["drawing"]
    return ScoreTable(
        f"Shape to picture: {len(drawing['rows'])} held-out shapes, read, rebuilt and drawn "
        f"{DRAWINGS} times each",
        _geometry_columns(),
        (
            ScoreRow("shapecycle", drawing["shapecycle"], is_ours=True),
            *_baselines(scores, drawing, " in the same poses"),
        ),
    )


def _geometry_columns() -> tuple[Column, ...]:
    return (
        Column("chamfer", "Chamfer distance, mean", "lower", ".4f"),
        Column("f_score", "F-score, mean", "higher"),
        Column("normal_consistency", "normal consistency, mean", "higher"),
        Column("silhouette_iou", "silhouette IoU, mean", "higher"),
    )


def _baselines(
    scores: dict[str, Any], part: dict[str, Any], told: str
) -> tuple[ScoreRow, ScoreRow]:
    return (
        ScoreRow("most typical training car", part["medoid"], f"always {scores['medoid']}{told}"),
        ScoreRow("the true shape itself", part["truth"], "two draws of points from it: the limit"),
    )


def _remarks(scores: dict[str, Any]) -> tuple[str, ...]:
    summary = scores["seeing"]["shapecycle"]
    return (
        "Shapes are compared where they are, without aligning them, on 2,048 points drawn by area "
        "from each surface; lengths are in bounding-box diagonals. Chamfer distance: mean distance "
        "to the nearest point of the other surface, averaged over both directions. F-score: at a "
        "distance of 0.02. Silhouette IoU: overlap with the picture's mask, or with the true shape "
        "in the drawing's pose. The true cars also have surfaces nobody sees, inside the body: no "
        "outer surface alone reaches the limit.",
        "The most typical training car is the one with the least mean Chamfer distance to all "
        "other training shapes: what one would answer without looking.",
        "Meshes: a median of "
        f"{summary['self_intersecting_faces']['median']:.1%} of a reconstruction's faces cross a "
        "face they do not touch, and neighbouring faces meet at a mean angle of "
        f"{summary['dihedral_degrees']['median']:.0f}°. The held-out cars are few: small "
        "differences mean little.",
    )


def _files(paths: DemoPaths) -> tuple[tuple[str, str], ...]:
    return (
        (f"{paths.run}/model.safetensors", "the trained model; all verbs take it or its folder"),
        (f"{paths.run}/journal.jsonl", "losses; panels/ beside it holds pictures of the training"),
        (f"{paths.meshes}/", "per picture mesh.glb, render.png and code.json; summary.json"),
        (f"{paths.drawings}/", "per shape and sample a picture, a mesh and a graphics code"),
        (f"{paths.new}/", "new cars: pictures, meshes and graphics codes"),
        (f"{paths.shapes}/", "the training shapes, made by the demo"),
        (f"{paths.out}/metrics.json", "all scores, picture by picture"),
        (f"{paths.settings}", "the settings that differ from the laptop preset"),
        (f"{paths.photos}", "the training pictures, path-traced, part of the package"),
        (f"{paths.held_out}", "the held-out pictures, shapes and cameras"),
    )
