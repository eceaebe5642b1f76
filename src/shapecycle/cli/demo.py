"""``shapecycle demo``: from two folders to a report, on a world of small cars.

The demo does what the other verbs do, one after the other, and compares what they wrote with
a truth they did not see, beside answers that need no learning.
"""

import json
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from math import isfinite, pi, radians
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from shapecycle.cli.commands import Demo, Generate, Reconstruct, Render, Train
from shapecycle.cli.evaluate import score, shape_of, summarised
from shapecycle.cli.output import chosen_device
from shapecycle.cli.reconstruct import silhouette_iou
from shapecycle.cli.train import say
from shapecycle.errors import ConfigError, DataError

if TYPE_CHECKING:
    from shapecycle.camera import Pose
    from shapecycle.code_to_image.drawing import View
    from shapecycle.demo.report import (
        Drawn,
        Picture,
        Reconstruction,
        Report,
        ScoreRow,
        ScoreTable,
        Views,
    )
    from shapecycle.mesh import Mesh
    from shapecycle.studio import Model

SHAPES = 150
DRAWINGS = 3
NEW = 8
SIDES = {"front": 0.0, "side": pi / 2, "behind": pi}
"""Azimuths from which reconstructions are shown, in radians."""
TILE = (100, 160)
"""Height and width of the pictures of meshes, in pixels."""
LOSSES = {
    "shape_distance": "Shapes: distance to the surface",
    "shape_silhouette": "Shapes: silhouettes missed",
    "shape_cycle_vertices": "Known scenes: vertices missed",
    "shape_cycle_pose": "Known scenes: pose missed",
    "image_cycle_silhouette": "Pictures: silhouettes missed",
    "image_cycle_colour": "Pictures: colours missed",
}

Scores = dict[str, Any]


@dataclass(frozen=True)
class World:
    """What the demo plays with.

    Attributes:
        pictures: Folder with ``train/images``, and ``val/images``, ``val/shapes`` and
            ``val/cameras.json`` of other cars.
        seeds: The cars that are the training shapes.
        fov_y_degrees: Vertical field of view of all cameras, in degrees.
        settings: What else differs from the preset's settings.
    """

    pictures: Path
    seeds: Sequence[int]
    fov_y_degrees: float
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Places:
    """Where everything of one demo lies: under ``out``, and the pictures that came with us."""

    out: Path
    pictures: Path

    @property
    def photos(self) -> Path:
        """The training pictures."""
        return self.pictures / "train" / "images"

    @property
    def held_out(self) -> Path:
        """Pictures, shapes and cameras that the training does not see."""
        return self.pictures / "val"

    @property
    def shapes(self) -> Path:
        """The training shapes."""
        return self.out / "shapes"

    @property
    def settings(self) -> Path:
        """The settings of the training."""
        return self.out / "settings.yaml"

    @property
    def run(self) -> Path:
        """The run folder with the model."""
        return self.out / "run"

    @property
    def meshes(self) -> Path:
        """What was reconstructed from the held-out pictures."""
        return self.out / "reconstructions"

    @property
    def drawings(self) -> Path:
        """What was drawn of the held-out shapes."""
        return self.out / "drawings"

    @property
    def new(self) -> Path:
        """New cars."""
        return self.out / "new-cars"


@dataclass
class Diary:
    """Which phase took how long; each is announced when it begins."""

    phases: list[tuple[str, float, str]] = field(default_factory=list)

    @contextmanager
    def phase(self, told: str, command: str = "") -> Iterator[None]:
        """Announce and time a phase; ``command`` is the command that does the same."""
        say(f"\n[{len(self.phases) + 1}] {told}")
        start = time.monotonic()
        yield
        self.phases.append((told, time.monotonic() - start, command))

    def seconds_of(self, beginning: str) -> float:
        """Return how long the phases took that are told with this beginning."""
        return sum(seconds for told, seconds, _ in self.phases if told.startswith(beginning))


def cars_world() -> World:
    """Return the world that comes with the package."""
    from shapecycle.demo import cars

    return World(Path(cars.__file__).parents[1] / "pictures", cars.SHAPE_SEEDS[:SHAPES], 40.0)


def run(command: Demo) -> None:
    """Play the demo and print where the report is."""
    print(play(command, cars_world()))


def play(command: Demo, world: World) -> Path:
    """Make shapes, train, reconstruct, draw, generate and score; write the report.

    Returns:
        The path of ``report.html``.

    Raises:
        ConfigError: If the time or the device cannot be had.
        DataError: If the pictures are not there.
    """
    _check(command, world)
    from shapecycle.demo.report import html_of

    places, diary = Places(free_folder(command.out), world.pictures), Diary()
    places.out.mkdir(parents=True, exist_ok=True)
    say(f"everything goes to {places.out}")
    # What the verbs print as results is progress here: the last line is the report's path.
    with redirect_stdout(sys.stderr):
        _act(command, world, places, diary)
        with diary.phase("Comparing what was written with the truth"):
            scores = _scores(world, places)
            (places.out / "metrics.json").write_text(json.dumps(scores, indent=1) + "\n")
        with diary.phase("Drawing the pictures of this page"):
            gallery = _gallery(world, places, scores)
    path = places.out / "report.html"
    path.write_text(html_of(_report(command, places, diary, scores, gallery)), encoding="utf-8")
    return path


def free_folder(out: Path) -> Path:
    """Return the folder, or the first of ``out-2``, ``out-3``, ... that holds nothing."""
    candidate, number = out, 1
    while candidate.is_file() or (candidate.is_dir() and any(candidate.iterdir())):
        number += 1
        candidate = out.with_name(f"{out.name}-{number}")
    return candidate


def _check(command: Demo, world: World) -> None:
    if not (isfinite(command.minutes) and command.minutes > 0):
        raise ConfigError(f"--minutes must be positive, found {command.minutes}")
    chosen_device(command.device)
    places = Places(command.out, world.pictures)
    for needed in (places.photos, places.held_out / "images", places.held_out / "shapes"):
        if not needed.is_dir():
            raise DataError(
                f"the demo's pictures are not there: there is no folder {needed}",
                "install shapecycle again, with its package data",
            )


# Acting ---------------------------------------------------------------------------------------


def _act(command: Demo, world: World, places: Places, diary: Diary) -> None:
    """Do what the other verbs do, with their own functions."""
    from shapecycle.cli import reconstruct, sample, train
    from shapecycle.demo.cars import write_shapes

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
    import yaml

    model = {"fov_y_degrees": world.fov_y_degrees, **world.settings.get("model", {})}
    path.write_text(yaml.safe_dump({**world.settings, "model": model}, sort_keys=False))


def _count(folder: Path) -> int:
    return sum(1 for path in folder.iterdir() if path.suffix in (".png", ".ply"))


# Scoring --------------------------------------------------------------------------------------


def _scores(world: World, places: Places) -> dict[str, Any]:
    """Score the model's files and the baselines against the truth.

    Returns:
        ``seeing`` and ``drawing``, each with the ``shapecycle`` summary, the mean scores of
        ``medoid`` and of ``truth`` against itself, and ``rows``; and ``medoid``, a file name.
    """
    from shapecycle.data.mesh_files import load_mesh
    from shapecycle.evaluate.geometry import compare
    from shapecycle.evaluate.pose import read_cameras

    files = sorted(places.shapes.iterdir())
    training = [load_mesh(path) for path in files]
    typical = medoid(training)
    truths = {path.stem: load_mesh(path) for path in sorted((places.held_out / "shapes").iterdir())}
    typical_scores = {k: vars(compare(training[typical], mesh)) for k, mesh in truths.items()}
    truth_scores = {k: vars(compare(mesh, mesh)) for k, mesh in truths.items()}

    cameras = read_cameras(places.held_out / "cameras.json")
    seen = []
    for path in sorted((places.held_out / "images").iterdir()):
        shape = shape_of(path, places.held_out / "shapes")
        row = score(places.meshes / path.stem, shape, cameras[path.stem])
        seen.append({"image": path.name, "shape": shape.stem, **row})
        if len(seen) % 10 == 0:
            say(f"  {len(seen)} pictures")
    drawn = [
        {"shape": stem, **_drawing_scores(places.drawings / stem, mesh, training[typical], world)}
        for stem, mesh in truths.items()
    ]
    typical_seen = [
        typical_scores[row["shape"]]
        | {"silhouette_iou": _typical_iou(row["image"], training[typical], cameras, world)}
        for row in seen
    ]
    typical_drawn = [
        typical_scores[row["shape"]] | {"silhouette_iou": row.pop("medoid_silhouette_iou")}
        for row in drawn
    ]
    return {
        "medoid": files[typical].name,
        "seeing": {
            "shapecycle": summarised([{k: v for k, v in r.items() if k != "shape"} for r in seen]),
            "medoid": means(typical_seen),
            "truth": means([truth_scores[row["shape"]] for row in seen]),
            "rows": seen,
        },
        "drawing": {
            "shapecycle": means(drawn),
            "medoid": means(typical_drawn),
            "truth": means([truth_scores[row["shape"]] for row in drawn]),
            "rows": drawn,
        },
    }


def medoid(meshes: "Sequence[Mesh]", points: int = 256) -> int:
    """Return the index of the mesh with the least mean Chamfer distance to all others."""
    from scipy.spatial import cKDTree  # type: ignore[import-untyped]

    drawn = [mesh.sample(points, np.random.default_rng([0, k]))[0] for k, mesh in enumerate(meshes)]
    everything = np.concatenate(drawn)
    distances = np.stack(
        [cKDTree(one).query(everything)[0].reshape(-1, points).mean(1) for one in drawn]
    )
    return int((distances + distances.T).mean(1).argmin())


def means(rows: Sequence[Scores]) -> dict[str, float]:
    """Return the mean of every number in the rows."""
    names = [name for name, value in rows[0].items() if isinstance(value, float)]
    return {name: float(np.mean([row[name] for row in rows])) for name in names}


def _typical_iou(picture: str, mesh: "Mesh", cameras: dict[str, np.ndarray], world: World) -> float:
    """Return how well a mesh covers a held-out picture's mask in the picture's true camera."""
    from shapecycle.data.images import load_photo

    mask = load_photo(world.pictures / "val" / "images" / picture).rgba[3]
    pose = pose_of(cameras[Path(picture).stem])
    drawn = drawn_bare(mesh, pose, _whole_frame(world, (mask.shape[0], mask.shape[1])))
    return silhouette_iou(drawn[..., 3], mask)


def _drawing_scores(folder: Path, truth: "Mesh", typical: "Mesh", world: World) -> Scores:
    """Compare the drawings of one shape, and the mesh they show, with the shape itself."""
    from shapecycle.data.mesh_files import load_mesh
    from shapecycle.evaluate.geometry import compare

    overlaps = []
    for k in range(DRAWINGS):
        alpha = _pixels(folder / f"{k}.png")[..., 3]
        told = json.loads((folder / f"{k}.json").read_text())
        pose = pose_of(np.array(told["camera_from_object"]))
        view = _whole_frame(world, (alpha.shape[0], alpha.shape[1]))
        overlaps.append(
            [
                silhouette_iou(alpha, drawn_bare(mesh, pose, view)[..., 3])
                for mesh in (truth, typical)
            ]
        )
    ours, others = np.mean(overlaps, axis=0).tolist()
    return {
        **vars(compare(load_mesh(folder / "0.glb"), truth)),
        "silhouette_iou": ours,
        "medoid_silhouette_iou": others,
    }


# Looking --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gallery:
    """The pictures of the page."""

    full: "tuple[Reconstruction, ...]"
    brief: "tuple[Reconstruction, ...]"
    drawn: "tuple[Drawn, ...]"
    new: "tuple[Picture, ...]"


def _gallery(world: World, places: Places, scores: dict[str, Any]) -> Gallery:
    from shapecycle.demo.report import picture_of
    from shapecycle.studio import load

    model = load(places.run)
    seen, drawn = scores["seeing"]["rows"], scores["drawing"]["rows"]
    first_of_each = {row["shape"]: row for row in reversed(seen)}
    return Gallery(
        full=tuple(_in_full(model, world, places, row) for row in reversed(first_of_each.values())),
        brief=tuple(_in_brief(places, row, width=96) for row in seen),
        drawn=tuple(_drawn(world, places, row) for row in drawn),
        new=tuple(
            picture_of(_pixels(places.new / f"{k}.png"), f"new car {k}", width=192)
            for k in range(NEW)
        ),
    )


def _in_brief(places: Places, row: Scores, width: int | None = None) -> "Reconstruction":
    from shapecycle.demo.report import Reconstruction, picture_of

    name = row["image"]
    photo = _pixels(places.held_out / "images" / name)
    redrawn = _pixels(places.meshes / Path(name).stem / "render.png")
    return Reconstruction(
        name=name,
        photo=picture_of(photo, f"held-out picture {name}", width=width),
        redrawn=picture_of(redrawn, f"what was seen in {name}, drawn again", width=width),
        scores={k: v for k, v in row.items() if isinstance(v, float)},
    )


def _in_full(model: "Model", world: World, places: Places, row: Scores) -> "Reconstruction":
    from dataclasses import replace

    from shapecycle.data.mesh_files import load_mesh

    stem = Path(row["image"]).stem
    mesh = load_mesh(places.meshes / stem / "mesh.glb")
    truth = load_mesh(places.held_out / "shapes" / f"{row['shape']}.ply")
    views = (
        _dressed_views(model, places.meshes / stem / "code.json", world, row["image"]),
        _bare_views("its surface", mesh, world, row["image"]),
        _bare_views("true shape", truth, world, row["image"]),
    )
    return replace(_in_brief(places, row), views=views)


def _drawn(world: World, places: Places, row: Scores) -> "Drawn":
    from shapecycle.data.mesh_files import load_mesh
    from shapecycle.demo.report import Drawn, picture_of

    stem = row["shape"]
    truth = load_mesh(places.held_out / "shapes" / f"{stem}.ply")
    shape = drawn_bare(truth, around(radians(35)), _close_up(world, (160, 160)))
    return Drawn(
        name=f"{stem}.ply",
        shape=picture_of(shape, f"held-out shape {stem}, without texture"),
        drawings=tuple(
            picture_of(
                _pixels(places.drawings / stem / f"{k}.png"),
                f"drawing {k} of held-out shape {stem}",
                width=160,
            )
            for k in range(DRAWINGS)
        ),
        silhouette_iou=row["silhouette_iou"],
    )


def _dressed_views(model: "Model", code_file: Path, world: World, name: str) -> "Views":
    """Draw a reconstruction with its texture from all sides, in neutral light."""
    from dataclasses import replace

    import torch

    from shapecycle.camera import Pose
    from shapecycle.code_to_image.drawing import shrink, straight
    from shapecycle.demo.report import Views, picture_of
    from shapecycle.graphics_code import GraphicsCode

    code = GraphicsCode.from_json(json.loads(code_file.read_text())["code"])
    poses = [around(azimuth) for azimuth in SIDES.values()]
    pose = Pose(torch.cat([p.angles for p in poses]), torch.cat([p.translation for p in poses]))
    code = code.map(lambda x: x.expand(len(poses), *x.shape[1:]))
    code = replace(code, pose=pose, light=neutral_light().expand(len(poses), 9, 3))
    view = _close_up(world, (2 * TILE[0], 2 * TILE[1]), count=len(poses))
    with torch.no_grad():
        drawn = straight(shrink(model.translator.drawer.draw(code, view), 2))
    pictures = drawn.permute(0, 2, 3, 1).numpy()
    return Views(
        "mesh",
        tuple(
            picture_of(picture, f"the mesh reconstructed from {name}, {side}")
            for picture, side in zip(pictures, SIDES, strict=True)
        ),
    )


def _bare_views(what: str, mesh: "Mesh", world: World, name: str) -> "Views":
    """Draw a mesh without texture from all sides, in the same light."""
    from shapecycle.demo.report import Views, picture_of

    view = _close_up(world, TILE)
    return Views(
        what,
        tuple(
            picture_of(drawn_bare(mesh, around(azimuth), view), f"{what}, {side}, for {name}")
            for side, azimuth in SIDES.items()
        ),
    )


def drawn_bare(mesh: "Mesh", pose: "Pose", view: "View") -> Float[np.ndarray, "h w 4"]:
    """Draw a mesh in grey, in neutral light.

    Returns:
        Straight-alpha sRGB in [0, 1], row 0 on top.
    """
    import torch

    from shapecycle.code_to_image import rasterize as rz
    from shapecycle.code_to_image.solid_texture import SolidTexture
    from shapecycle.cycles.random_scenes import WarpedShapes, draw_raw

    vertices = torch.from_numpy(mesh.vertices).float()[None]
    shape = WarpedShapes(vertices, vertices, vertices, rz.Topology.stack([mesh.faces]))
    nothing = torch.zeros(1, 1, 3)
    grey = SolidTexture(
        colours=torch.full((1, 1, 3), 0.75),
        normals=nothing,
        offsets=torch.zeros(1, 1),
        centres=nothing,
        radii=torch.ones(1, 1, 3),
        kind=torch.zeros(1, 1),
        mirrored=torch.zeros(1, 1, 1),
    )
    drawn = draw_raw(shape, grey, pose, neutral_light(), view)[0]
    result: np.ndarray = drawn.permute(1, 2, 0).numpy()
    return result


def neutral_light() -> Any:
    """Return white light, most of it from above right: harmonics (1 9 3) of the camera's frame."""
    import torch

    from shapecycle.code_to_image.rasterize import sh_basis

    lamp = torch.nn.functional.normalize(torch.tensor([[0.4, 0.75, 0.55]]), dim=1)
    # A clamped cosine lobe, as in `code_to_image.lighting.sample_light`.
    lobe = torch.tensor([pi] + [2 * pi / 3] * 3 + [pi / 4] * 5)
    light = 0.6 * sh_basis(lamp[:, :, None])[:, :, 0] * lobe
    light[:, 0] += 0.45 * 2 * pi**0.5
    return light[:, :, None].expand(1, 9, 3)


def around(azimuth: float) -> "Pose":
    """Return the pose of a camera a little above, two diagonals away."""
    import torch

    from shapecycle.camera import Pose

    return Pose(torch.tensor([[azimuth, radians(15), 0.0]]), torch.tensor([[0.0, 0.0, -2.2]]))


def pose_of(camera_from_object: Float[np.ndarray, "4 4"]) -> "Pose":
    """Return the angles and translation of a rigid matrix that does not look straight down."""
    import torch

    from shapecycle.camera import Pose

    m = camera_from_object
    angles = [
        np.arctan2(m[2, 0], m[2, 2]),
        np.arcsin(np.clip(m[2, 1], -1, 1)),
        np.arctan2(-m[0, 1], m[1, 1]),
    ]
    return Pose(
        torch.tensor(np.array([angles]), dtype=torch.float32),
        torch.tensor(m[None, :3, 3], dtype=torch.float32),
    )


def _whole_frame(world: World, size: tuple[int, int]) -> "View":
    import torch

    from shapecycle.code_to_image.drawing import View

    return View(torch.tensor([[0.0, 0.0, 1.0]]), size, radians(world.fov_y_degrees))


def _close_up(world: World, size: tuple[int, int], count: int = 1) -> "View":
    """Return views that `around` fills with an object, whatever the world's field of view."""
    import torch

    from shapecycle.code_to_image.drawing import View

    height, width = size
    fov_y = radians(world.fov_y_degrees)
    # At 2.2 diagonals a long object is nearly 1 wide, with the share of the perspective.
    half = 0.5 * height / width / (2.2 * np.tan(fov_y / 2))
    return View(torch.tensor([[0.0, 0.0, float(half)]]).expand(count, 3), size, fov_y)


def _pixels(path: Path) -> Float[np.ndarray, "h w 4"]:
    from PIL import Image

    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGBA"), dtype=np.float32) / 255


# Telling --------------------------------------------------------------------------------------


def _report(
    command: Demo, places: Places, diary: Diary, scores: dict[str, Any], gallery: Gallery
) -> "Report":
    from shapecycle.demo.report import Phase, Report, curves_of

    lines = (places.run / "journal.jsonl").read_text().splitlines()
    curves, stages = curves_of([json.loads(line) for line in lines], LOSSES)
    return Report(
        headline=_headline(diary.seconds_of("Training"), scores),
        facts=_facts(command, places),
        phases=tuple(Phase(*phase) for phase in diary.phases),
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
        files=_files(places),
    )


def _headline(seconds: float, scores: dict[str, Any]) -> str:
    from shapecycle.demo.report import duration

    ours, typical = scores["seeing"]["shapecycle"], scores["seeing"]["medoid"]
    return (
        f"After {duration(seconds)} of training, one picture of an unknown car becomes a "
        f"textured mesh at a Chamfer distance of {ours['chamfer']['mean']:.4f} from the true shape "
        f"(the most typical training car: {typical['chamfer']:.4f}), and the viewpoint is right "
        f"within 30° for {ours['azimuth_within_30']['mean']:.0%} of the pictures (by chance: 17%)."
    )


def _facts(command: Demo, places: Places) -> tuple[tuple[str, str], ...]:
    from importlib.metadata import version

    import torch

    from shapecycle.model import load_networks

    device = chosen_device(command.device)
    told = "processor" if device == "cpu" else device
    threads = f", {torch.get_num_threads()} thread(s)" if device == "cpu" else ""
    return (
        ("shapecycle", version("shapecycle")),
        ("Time asked for", f"{command.minutes:g} minutes"),
        ("Pictures and shapes seen", f"{load_networks(places.run)[1].images:,}"),
        ("Computed on", told + threads),
        ("Seed", str(command.seed)),
    )


GEOMETRY = ("chamfer", "f_score", "normal_consistency", "silhouette_iou")


def _seeing_table(scores: dict[str, Any]) -> "ScoreTable":
    from shapecycle.demo.report import Column, ScoreRow, ScoreTable

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


def _drawing_table(scores: dict[str, Any]) -> "ScoreTable":
    from shapecycle.demo.report import ScoreRow, ScoreTable

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


def _geometry_columns() -> Any:
    from shapecycle.demo.report import Column

    return (
        Column("chamfer", "Chamfer distance, mean", "lower", ".4f"),
        Column("f_score", "F-score, mean", "higher"),
        Column("normal_consistency", "normal consistency, mean", "higher"),
        Column("silhouette_iou", "silhouette IoU, mean", "higher"),
    )


def _baselines(
    scores: dict[str, Any], part: dict[str, Any], told: str
) -> "tuple[ScoreRow, ScoreRow]":
    from shapecycle.demo.report import ScoreRow

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
        f"{summary['crossing_faces']['median']:.1%} of a reconstruction's faces cross a face they "
        "do not touch, and neighbouring faces meet at a mean angle of "
        f"{summary['dihedral_degrees']['median']:.0f}°. The held-out cars are few: small "
        "differences mean little.",
    )


def _files(places: Places) -> tuple[tuple[str, str], ...]:
    return (
        (f"{places.run}/model.safetensors", "the trained model; all verbs take it or its folder"),
        (f"{places.run}/journal.jsonl", "losses; panels/ beside it holds pictures of the training"),
        (f"{places.meshes}/", "per picture mesh.glb, render.png and code.json; summary.json"),
        (f"{places.drawings}/", "per shape and sample a picture, a mesh and a graphics code"),
        (f"{places.new}/", "new cars: pictures, meshes and graphics codes"),
        (f"{places.shapes}/", "the training shapes, made by the demo"),
        (f"{places.out}/metrics.json", "all scores, picture by picture"),
        (f"{places.settings}", "the settings that differ from the laptop preset"),
        (f"{places.photos}", "the training pictures, path-traced, part of the package"),
        (f"{places.held_out}", "the held-out pictures, shapes and cameras"),
    )
