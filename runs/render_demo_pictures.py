"""Path-trace pictures of procedural cars or chairs: studio and sky light, no background.

    python runs/render_demo_pictures.py --out DIR [--world chairs] [--limit N] [--views N]

writes ``train/images``, ``val/images``, ``val/shapes`` and ``val/cameras.json`` under DIR.
Pictures already there are kept, so an interrupted run goes on where it stopped. `--held-out 60`
makes 60 held-out objects instead of those of the demo, which are the first, and `--sets val`
leaves the training pictures out: 600 pictures for `evaluate-drawings` with `--views 10`. Needs the
``pictures`` extra (Mitsuba 3); a few seconds a picture on two CPU cores. `--sheet FILE` lays
the training pictures out on white.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import drjit as dr
import mitsuba as mi
import numpy as np
from car_paint import sample_car_look
from chair_finish import sample_chair_look
from jaxtyping import Float, Int
from PIL import Image
from reflectance import Reflectance

from shapecycle.demo import cars, chairs
from shapecycle.demo.parts import Part, write_ply
from shapecycle.mesh import Mesh

FOV_Y_DEGREES = 40.0
SIDE = 128
SAMPLES = 256
VIEWS = 5
CREASE_DEGREES = 38.0
INTEGRATOR: dict[str, Any] = {"type": "path", "max_depth": 6, "hide_emitters": True}
NEAREST = 1.3
"""Closest a camera comes; nearer, the perspective hides the wheels of cars seen from the front."""

mi.set_variant("scalar_rgb")


@dataclass(frozen=True)
class View:
    """A camera near an object. Degrees; transforms are target_from_source."""

    azimuth: float
    elevation: float
    position: Float[np.ndarray, "3"]
    target: Float[np.ndarray, "3"]
    camera_from_object: Float[np.ndarray, "4 4"]


@dataclass(frozen=True)
class Subject:
    """What is in a picture."""

    mesh: Mesh
    parts: tuple[Part, ...]
    look: Callable[[Part], Reflectance]


@dataclass(frozen=True)
class PictureWorld:
    """Objects by seed, and which of them are in which set."""

    subject: Callable[[int], Subject]
    train: range
    held_out: range
    measured: tuple[int, ...]
    """Axes of the picture, 0 for its width, of which the larger extent fills the picture."""


def car_subject(seed: int) -> Subject:
    """The car of a seed, in its paint."""
    car = cars.sample_car(seed)
    look = sample_car_look(np.random.default_rng([seed, 1]))
    return Subject(cars.car_mesh(car), cars.car_parts(car), look)


def chair_subject(seed: int) -> Subject:
    """The chair of a seed, in its wood, fabric and metal."""
    chair = chairs.sample_chair(seed)
    look = sample_chair_look(np.random.default_rng([seed, 1]))
    return Subject(chairs.chair_mesh(chair), chairs.chair_parts(chair), look)


WORLDS = {
    "cars": PictureWorld(car_subject, cars.TRAIN_PICTURE_SEEDS, cars.HELD_OUT_SEEDS, (0,)),
    # Chairs are mostly taller than wide.
    "chairs": PictureWorld(
        chair_subject, chairs.TRAIN_PICTURE_SEEDS, chairs.HELD_OUT_SEEDS, (0, 1)
    ),
}


def main() -> None:
    """Render what is missing under ``--out``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--world", choices=WORLDS, default="cars", help="what is in the pictures")
    parser.add_argument("--limit", type=int, default=None, help="only so many objects of each set")
    parser.add_argument("--views", type=int, default=VIEWS, help="only so many views of each")
    parser.add_argument("--held-out", type=int, default=None, help="so many held-out objects")
    parser.add_argument("--sets", nargs="+", choices=("train", "val"), default=["train", "val"])
    parser.add_argument("--processes", type=int, default=1, help="share the objects out among them")
    parser.add_argument("--sheet", type=Path, default=None, help="file for a sheet of pictures")
    arguments = parser.parse_args()
    world = WORLDS[arguments.world]
    held_out = world.held_out
    if arguments.held_out:
        held_out = range(held_out.start, held_out.start + arguments.held_out)
    seeds = {"train": world.train[: arguments.limit], "val": held_out[: arguments.limit]}
    for name in arguments.sets:
        render = partial(render_object, arguments.world, arguments.out / name, arguments.views)
        if arguments.processes == 1:
            list(map(render, seeds[name]))
            continue
        with ProcessPoolExecutor(arguments.processes, get_context("spawn"), use_one_thread) as pool:
            list(pool.map(render, seeds[name]))
    if "val" in arguments.sets:
        write_truth(world, arguments.out / "val", seeds["val"], arguments.views)
    if arguments.sheet:
        write_sheet(arguments.sheet, sorted((arguments.out / "train" / "images").glob("*.png")))


def use_one_thread() -> None:
    """Leave the other cores to the other processes."""
    dr.set_thread_count(1)


def render_object(world_name: str, folder: Path, views: int, seed: int) -> None:
    """Render the first views of the object of a seed into ``folder/images``."""
    world = WORLDS[world_name]
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    subject = world.subject(seed)
    for index, view in enumerate(sample_views(world, subject.mesh, seed, views)):
        file = images / f"{seed}_{index}.png"
        if file.exists():
            continue
        sky = sample_sky(np.random.default_rng([seed, 2, index]))
        rgba = render(subject, view, sky, seed * VIEWS + index)
        partial_file = file.with_suffix(".part")
        Image.fromarray(rgba).save(partial_file, format="PNG", optimize=True)
        partial_file.replace(file)
        print(file, flush=True)


def write_truth(world: PictureWorld, folder: Path, seeds: range, views: int) -> None:
    """Write the shapes and cameras of the held-out objects."""
    shapes = folder / "shapes"
    shapes.mkdir(parents=True, exist_ok=True)
    cameras = {}
    for seed in seeds:
        mesh = world.subject(seed).mesh
        write_ply(shapes / f"{seed}.ply", mesh)
        for index, view in enumerate(sample_views(world, mesh, seed, views)):
            cameras[f"{seed}_{index}"] = {
                "azimuth_degrees": round(view.azimuth, 4),
                "elevation_degrees": round(view.elevation, 4),
                "camera_from_object": view.camera_from_object.round(6).tolist(),
            }
    truth = {"fov_y_degrees": FOV_Y_DEGREES, "views": cameras}
    (folder / "cameras.json").write_text(json.dumps(truth, indent=1) + "\n")


def write_sheet(file: Path, pictures: Sequence[Path], columns: int = 8) -> None:
    """Lay pictures out in rows, on white."""
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * SIDE, rows * SIDE), "white")
    for index, picture in enumerate(pictures):
        with Image.open(picture) as opened:
            row, column = divmod(index, columns)
            sheet.paste(opened, (column * SIDE, row * SIDE), opened)
    sheet.save(file, optimize=True)


def sample_views(world: PictureWorld, mesh: Mesh, seed: int, count: int = VIEWS) -> Iterator[View]:
    """Draw an object's cameras: all around, a little from above, the whole of it in frame."""
    vertices = mesh.vertices.astype(np.float64)
    generator = np.random.default_rng([seed, 3])
    for _ in range(count):
        azimuth, elevation = generator.uniform(0, 360), generator.uniform(5, 30)
        target = generator.uniform(-0.02, 0.02, 3)
        fill = generator.uniform(0.60, 0.85)
        near, far = NEAREST, 6.0
        for _ in range(40):
            distance = (near + far) / 2
            view = view_from(azimuth, elevation, distance, target)
            if fits(world, view, vertices, fill):
                far = distance
            else:
                near = distance
        yield view_from(azimuth, elevation, far, target)


def fits(world: PictureWorld, view: View, vertices: Float[np.ndarray, "v 3"], fill: float) -> bool:
    """Whether the object is within its share of the picture and wholly in frame."""
    seen = vertices @ view.camera_from_object[:3, :3].T + view.camera_from_object[:3, 3]
    if seen[:, 2].max() > -0.05:
        return False
    screen = seen[:, :2] / -seen[:, 2:] / np.tan(np.radians(FOV_Y_DEGREES) / 2)
    extent = np.ptp(screen, axis=0)[list(world.measured)].max()
    return bool(extent / 2 <= fill and np.abs(screen).max() <= 0.94)


def view_from(
    azimuth: float, elevation: float, distance: float, target: Float[np.ndarray, "3"]
) -> View:
    """Place a camera without roll, ``distance`` from the origin, looking at ``target``."""
    a, e = np.radians([azimuth, elevation])
    position = distance * np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
    back = (position - target) / np.linalg.norm(position - target)
    right = np.cross([0.0, 1.0, 0.0], back)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(back, right), back])
    matrix[:3, 3] = -matrix[:3, :3] @ position
    return View(azimuth, elevation, position, target, matrix)


def sample_sky(generator: np.random.Generator) -> Float[np.ndarray, "h w 3"]:
    """Draw an environment: a sky over a horizon, with a sun, or softboxes in a studio.

    Args:
        generator: Source of randomness.

    Returns:
        Linear radiance by latitude and longitude, row 0 at the zenith.
    """
    rows, columns = 64, 128
    up = np.pi * (0.5 - (np.arange(rows) + 0.5) / rows)[:, None, None]
    around = 2 * np.pi * ((np.arange(columns) + 0.5) / columns)[None, :, None]
    studio = generator.random() < 0.4
    if studio:
        zenith = horizon = generator.uniform(0.25, 0.5) * np.ones(3)
        floor = generator.uniform(0.15, 0.5) * np.ones(3)
    else:
        zenith = np.array([0.30, 0.48, 0.85]) * generator.uniform(0.6, 1.1)
        horizon = np.array([0.9, 0.9, 0.9]) + generator.uniform(-0.15, 0.25) * np.array(
            [1, 0.1, -1]
        )
        zenith = zenith + (horizon - zenith) * generator.uniform(0, 0.8)
        floor = generator.uniform(0.12, 0.4) * np.array([1.0, 0.95, 0.88])
    height = np.clip(up / (np.pi / 2), 0, 1) ** 0.6
    sky = horizon * (1 - height) + zenith * height
    light = np.where(up > 0, sky, floor * (1 + 0.3 * np.sin(up)))

    if studio:
        for _ in range(int(generator.integers(2, 5))):
            light = light + softbox(up, around, generator)
    else:
        light = np.where(np.abs(up) < skyline(around, generator), 0.35 * floor + 0.08, light)
        light = light + sun(up, around, generator)
    weight = np.clip(np.sin(up), 0, None) * np.cos(up)
    irradiance = (light * weight).sum() / weight.sum() / columns / 3
    return np.asarray(light * generator.uniform(0.7, 1.05) / irradiance)


def softbox(
    up: np.ndarray, around: np.ndarray, generator: np.random.Generator
) -> Float[np.ndarray, "h w 3"]:
    """A bright rectangle with soft edges, above the horizon."""
    height, azimuth = generator.uniform(0.25, 1.2), generator.uniform(0, 2 * np.pi)
    tall, wide = generator.uniform(0.12, 0.35), generator.uniform(0.2, 0.7)
    turn = np.abs((around - azimuth + np.pi) % (2 * np.pi) - np.pi)
    edge = 0.06
    inside = np.clip((tall - np.abs(up - height)) / edge, 0, 1)
    inside = inside * np.clip((wide - turn) / edge, 0, 1)
    tint = 1 + generator.uniform(-0.12, 0.12) * np.array([1, 0, -1])
    return np.asarray(inside * generator.uniform(2, 6) * tint)


def sun(
    up: np.ndarray, around: np.ndarray, generator: np.random.Generator
) -> Float[np.ndarray, "h w 3"]:
    """A bright disc with a glow, low and warm or high and white; weak under clouds."""
    height, azimuth = generator.uniform(0.3, 1.2), generator.uniform(0, 2 * np.pi)
    cosine = np.sin(up) * np.sin(height) + np.cos(up) * np.cos(height) * np.cos(around - azimuth)
    angle = np.arccos(np.clip(cosine, -1, 1))
    warm = np.array([1.0, 0.75 + 0.2 * height / 1.2, 0.5 + 0.42 * height / 1.2])
    strength = generator.uniform(0, 1) ** 0.8
    return np.asarray(
        warm * strength * (70 * np.exp(-((angle / 0.09) ** 2)) + 1.2 * np.exp(-angle / 0.3))
    )


def skyline(around: np.ndarray, generator: np.random.Generator) -> Float[np.ndarray, "1 w 1"]:
    """Height of trees and houses over the horizon, in radians."""
    waves = [
        generator.uniform(0, 0.06) * np.sin(around * k + generator.uniform(0, 6)) for k in (1, 3, 7)
    ]
    return np.asarray(np.clip(generator.uniform(-0.05, 0.12) + sum(waves), 0, None))


def render(
    subject: Subject, view: View, sky: Float[np.ndarray, "h w 3"], seed: int
) -> Int[np.ndarray, "128 128 4"]:
    """Path-trace one picture.

    Returns:
        Straight-alpha sRGB bytes, row 0 on top.
    """
    return to_bytes(trace(subject, view, sky, seed, INTEGRATOR))


def trace(
    subject: Subject,
    view: View,
    sky: Float[np.ndarray, "h w 3"],
    seed: int,
    integrator: dict[str, Any],
) -> Float[np.ndarray, "128 128 c"]:
    """Run an integrator for one view; linear premultiplied radiance and alpha come first."""
    with tempfile.TemporaryDirectory() as folder:
        scene = scene_of(subject, sky, Path(folder)) | {"integrator": integrator}
        up = mi.ScalarTransform4f().look_at(
            origin=view.position.tolist(), target=view.target.tolist(), up=[0, 1, 0]
        )
        scene["sensor"] = {
            "type": "perspective",
            "fov": FOV_Y_DEGREES,
            "fov_axis": "y",
            "near_clip": 0.01,
            "to_world": up,
            "film": {
                "type": "hdrfilm",
                "width": SIDE,
                "height": SIDE,
                "pixel_format": "rgba",
                "rfilter": {"type": "box"},
            },
            "sampler": {"type": "multijitter", "sample_count": SAMPLES},
        }
        loaded = mi.load_dict(scene)
    return np.array(mi.render(loaded, seed=seed), dtype=np.float64)


def to_bytes(premultiplied: Float[np.ndarray, "h w 4"]) -> Int[np.ndarray, "h w 4"]:
    """Encode linear premultiplied radiance as straight-alpha sRGB bytes."""
    alpha = np.clip(premultiplied[..., 3:], 0, 1)
    colour = np.clip(premultiplied[..., :3] / np.maximum(alpha, 1e-6), 0, None)
    # Highlights roll off above 0.8 rather than clip, as in a camera.
    colour = np.where(colour > 0.8, 1 - 0.2 * np.exp(-(colour - 0.8) / 0.4), colour)
    encoded = np.where(
        colour <= 0.0031308, 12.92 * colour, 1.055 * np.maximum(colour, 1e-9) ** (1 / 2.4) - 0.055
    )
    rgba = np.concatenate([encoded * (alpha > 0.002), alpha], axis=2)
    return np.round(rgba * 255).astype(np.uint8)


def scene_of(subject: Subject, sky: Float[np.ndarray, "h w 3"], folder: Path) -> dict[str, Any]:
    """The object under its light, as a scene dictionary without sensor and integrator."""
    scene: dict[str, Any] = {
        "type": "scene",
        "sky": {"type": "envmap", "bitmap": mi.Bitmap(sky.astype(np.float32))},
    }
    for index, part in enumerate(subject.parts):
        file = folder / f"{index}.ply"
        corners, normals = creased(part.vertices, part.faces)
        reflectance = subject.look(part)
        # Where nothing needs texture coordinates none are given: they would turn the frames
        # that reflections are sampled in, and with them the noise of the pictures.
        patterned = reflectance["base_color"]["type"] == "bitmap"
        uv = texture_coordinates(corners) if patterned else None
        write_triangles(file, corners, normals, uv)
        scene[f"part{index}"] = {
            "type": "ply",
            "filename": str(file),
            "bsdf": {"type": "twosided", "material": reflectance},
        }
    return scene


def creased(
    vertices: Float[np.ndarray, "v 3"], faces: Int[np.ndarray, "f 3"]
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
    """Give every face corner its own vertex and a normal that is smooth but for creases.

    Returns:
        Vertices and unit normals of all corners, three for each face.
    """
    a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
    weighted = np.cross(b - a, c - a)
    unit = weighted / np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-12)

    corner = faces.reshape(-1)
    owner = np.repeat(np.arange(len(faces)), 3)
    order = np.argsort(corner, kind="stable")
    count = np.bincount(corner, minlength=len(vertices))
    start = np.concatenate([[0], np.cumsum(count)[:-1]])
    # Every pair (corner, face that shares the corner's vertex).
    repeats = count[corner]
    first = np.repeat(np.arange(len(corner)), repeats)
    step = np.arange(len(first)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    other = owner[order[np.repeat(start[corner], repeats) + step]]

    smooth = (unit[owner[first]] * unit[other]).sum(1) > np.cos(np.radians(CREASE_DEGREES))
    smooth |= owner[first] == other
    normals = np.zeros((len(corner), 3))
    np.add.at(normals, first[smooth], weighted[other[smooth]])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return vertices[corner], normals


def texture_coordinates(corners: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 2"]:
    """Lay a pattern over a part from the six sides of a box.

    Args:
        corners: Three for each face, in object units.

    Returns:
        Along the part's longest axis, and across it.
    """
    longest = int(np.ptp(corners, axis=0).argmax())
    others = [axis for axis in range(3) if axis != longest]
    a, b, c = corners.reshape(-1, 3, 3).transpose(1, 0, 2)
    facing = np.abs(np.cross(b - a, c - a)).argmax(1).repeat(3)
    # A face across the first of the other axes shows the second, and the other way round.
    across = np.where(facing == others[0], corners[:, others[1]], corners[:, others[0]])
    along = np.where(facing == longest, corners[:, others[1]], corners[:, longest])
    return np.stack([along, across], axis=1)


def write_triangles(
    file: Path,
    corners: Float[np.ndarray, "n 3"],
    normals: Float[np.ndarray, "n 3"],
    uv: Float[np.ndarray, "n 2"] | None,
) -> None:
    """Write a binary PLY file of triangles that share no vertices."""
    names = ["x", "y", "z", "nx", "ny", "nz", *([] if uv is None else ["u", "v"])]
    properties = "".join(f"property float {name}\n" for name in names)
    count = len(corners) // 3
    header = (
        f"ply\nformat binary_little_endian 1.0\nelement vertex {len(corners)}\n{properties}"
        f"element face {count}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    records = np.empty(count, dtype=[("count", "u1"), ("indices", "<i4", 3)])
    records["count"], records["indices"] = 3, np.arange(3 * count).reshape(-1, 3)
    points = np.concatenate([corners, normals, *([] if uv is None else [uv])], axis=1).astype("<f4")
    file.write_bytes(header.encode() + points.tobytes() + records.tobytes())


if __name__ == "__main__":
    main()
