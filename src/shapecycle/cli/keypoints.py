"""``shapecycle keypoints``."""

import json
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import DisallowNone, Positional, arg

from shapecycle.cli.inputs import Device, check_range, files_of, report_bad
from shapecycle.cli.output import new_folder
from shapecycle.console import say
from shapecycle.errors import ConfigError, DataError

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    from shapecycle.graphics_code import GraphicsCode
    from shapecycle.memory.places import Places
    from shapecycle.model import Model

AUTOMATIC = 12
BESIDE = 0.05
"""Distance from a mesh, in diagonals of its box, from which a point is none of it."""
DOT = 3
"""Radius of a keypoint in an overlay, in pixels at 256 pixels of height."""
DRAWN = 256
"""Side of the pictures of meshes on which keypoints are laid, in pixels."""


@dataclass(frozen=True)
class Keypoints:
    """Find the same points on pictures and meshes: marked ones, or automatic ones.

    Example: shapecycle keypoints chairs photos shapes/a.obj --points marks.json --out found
    """

    model: Positional[Path]
    """Run folder, model file, or a model that comes with the package: cars or chairs."""
    inputs: Positional[tuple[Path, ...]]
    """Pictures, meshes, or folders of them."""
    out: Path
    """Folder to create: keypoints.json, and an overlay for each input."""
    points: Annotated[DisallowNone[Path | None], arg(help_behavior_hint="(default: automatic)")] = (
        None
    )
    """JSON file of the points to find, marked on one input: {"input": "a.png", "points": {"left
    front wheel": [x, y]}} in pixels from the picture's upper left corner, or [x, y, z] on a mesh,
    in its own coordinates. The file's path is taken from where the JSON file is."""
    count: int = AUTOMATIC
    """How many automatic points, spread over the surface."""
    device: Device = "auto"
    """Where to compute."""
    skip_bad: bool = False
    """Leave bad files out instead of stopping; all are named."""

    def run(self) -> None:
        """Find the points on all inputs, or on none if one is bad."""
        from shapecycle.data import mesh_files, photos
        from shapecycle.devices import chosen_device
        from shapecycle.errors import ShapecycleError
        from shapecycle.model import load

        check_range(self.count, 1, 200, "--count")
        marked = None if self.points is None else _marks(self.points)
        suffixes = (*photos.SUFFIXES, *mesh_files.SUFFIXES)
        files = files_of(self.inputs, suffixes, "pictures and meshes")
        model = load(self.model, device=chosen_device(self.device))
        inputs: list[_Input] = []
        bad: list[ShapecycleError] = []
        for file in files:
            try:
                inputs.append(_Input.of(model, file))
            except ShapecycleError as error:
                bad.append(error)
        report_bad(bad, len(files), skip_bad=self.skip_bad, kind="inputs")
        names, places = self._places(model, marked)
        with new_folder(self.out) as out:
            found = {}
            for one in inputs:
                found[one.path.name] = one.found(model, names, places)
                one.overlay(found[one.path.name]).save(out / f"{one.path.stem}.png")
            text = json.dumps(found, indent=1) + "\n"
            (out / "keypoints.json").write_text(text, encoding="utf-8")
        say(f"{len(names)} keypoints on {len(inputs)} inputs written to")
        print(self.out)

    def _places(
        self, model: "Model", marked: tuple[Path, dict[str, list[float]]] | None
    ) -> "tuple[list[str], Places]":
        if marked is not None:
            path, points = marked
            return list(points), _Input.of(model, path).marked(model, points, str(self.points))
        places = model.places(self.count)
        return [f"point {k}" for k in range(len(places))], places


@dataclass(frozen=True, eq=False)
class _Input:
    """A picture or a mesh, and what was seen or read of it."""

    path: Path
    code: "GraphicsCode"
    picture: "Float[np.ndarray, 'h w 4']"
    fov_y: float
    object_from_mesh: "Float[np.ndarray, '4 4'] | None"

    @staticmethod
    def of(model: "Model", path: Path) -> "_Input":
        from shapecycle.data.mesh_files import SUFFIXES
        from shapecycle.data.photos import load_photo
        from shapecycle.seen import SeeOptions

        fov_y = model.networks.fov_y
        if path.suffix.lower() in SUFFIXES:
            canvas, code = model.canvas(path)
            code = model.in_frame(code)
            picture = model.draw(code, DRAWN)[0]
            return _Input(path, code, picture, fov_y, canvas.object_from_mesh)
        photo = load_photo(path, to_see=True)
        code = model.see_photos([photo], SeeOptions())[0].code
        return _Input(path, code, photo.rgba.transpose(1, 2, 0), fov_y, None)

    def marked(self, model: "Model", points: dict[str, list[float]], source: str) -> "Places":
        """Return the places of points that were marked on this input.

        Raises:
            DataError: If they have another number of coordinates, or do not lie on the object.
        """
        import torch

        from shapecycle.memory.places import Places, lifted

        wanted = 2 if self.object_from_mesh is None else 3
        for name, point in points.items():
            if len(point) != wanted:
                raise DataError(
                    f"{source}: '{name}' has {len(point)} numbers, and needs {wanted} on "
                    f"{self.path.name}",
                    "pixels [x, y] on pictures, [x, y, z] in the file's coordinates on meshes",
                )
        given = torch.tensor(list(points.values()), dtype=torch.float32, device=model.device)
        if self.object_from_mesh is not None:
            matrix = torch.from_numpy(self.object_from_mesh).to(given)
            at = given @ matrix[:3, :3].T + matrix[:3, 3]
            places = Places.at(model.surfaces, self.code, at)
            away = (places.on(model.surfaces, self.code) - at).norm(dim=1)
            self._check_on(list(points), (away < BESIDE).tolist(), source)
            return places
        with torch.no_grad():
            at, is_on = lifted(model.surfaces, self.code, given, self._view())
        self._check_on(list(points), is_on.tolist(), source)
        return Places.at(model.surfaces, self.code, at)

    def _check_on(self, names: list[str], is_on: list[bool], source: str) -> None:
        off = [name for name, on in zip(names, is_on, strict=True) if not on]
        if off:
            raise DataError(
                f"{source}: {', '.join(map(repr, off))} on {self.path.name} beside the object",
                "mark points well inside its outline, or on its surface",
            )

    def found(self, model: "Model", names: list[str], places: "Places") -> dict[str, Any]:
        """Return where places are: in object space, in pixels, and whether they are seen."""
        import numpy as np
        import torch

        from shapecycle.code_to_image.renderer import depth
        from shapecycle.paired_data.keypoints import seen_keypoints

        with torch.no_grad():
            at = places.on(model.surfaces, self.code)
            (drawn,) = model.surfaces(self.code)
            view = self._view()
            camera = self.code.pose.place(drawn.vertices)
            away = depth(camera, drawn.faces.topology, view)
            pixels = seen_keypoints(at[None], self.code.pose, away, view)[0]
        result: dict[str, Any] = {}
        for name, point, pixel in zip(names, at.tolist(), pixels.tolist(), strict=True):
            result[name] = {
                "position": point,
                "pixel": pixel[:2],
                "is_seen": bool(pixel[2]),
            }
            if self.object_from_mesh is not None:
                there = np.linalg.inv(self.object_from_mesh) @ [*point, 1]
                result[name] = {"position": point, "in_file": there[:3].tolist()}
                result[name]["pixel_of_overlay"] = pixel[:2]
        return result

    def overlay(self, found: dict[str, Any]) -> Any:
        """Return the input's picture with the points on it; hollow ones are hidden."""
        import numpy as np
        from PIL import Image, ImageDraw

        alpha = self.picture[..., 3:]
        on_white = self.picture[..., :3] * alpha + 1 - alpha
        image = Image.fromarray((on_white.clip(0, 1) * 255).round().astype(np.uint8))
        draw = ImageDraw.Draw(image)
        radius = max(3, round(DOT * image.height / 256))
        for number, one in enumerate(found.values()):
            x, y = one.get("pixel", one.get("pixel_of_overlay"))
            hue = f"hsl({(number * 137) % 360}, 90%, 45%)"
            box = (x - radius, y - radius, x + radius, y + radius)
            draw.ellipse(box, fill=hue if one.get("is_seen", True) else None, outline=hue)
        return image

    def _view(self) -> Any:
        import torch

        from shapecycle.camera import View

        height, width = self.picture.shape[:2]
        window = torch.tensor([[0.0, 0.0, 1.0]], device=self.code.shape.device)
        return View(window, (height, width), self.fov_y)


def _marks(path: Path) -> tuple[Path, dict[str, list[float]]]:
    """Read which points were marked, and on what.

    Raises:
        ConfigError: If the file is none of this kind.
    """
    form = '{"input": "a.png", "points": {"name": [x, y]}}'
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        points = {
            str(name): [float(value) for value in point] for name, point in found["points"].items()
        }
        source = path.parent / str(found["input"])
    except OSError as fault:
        raise ConfigError(f"--points {path} cannot be read: {fault.strerror}", form) from fault
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise ConfigError(f"--points {path} does not hold marked points ({fault})", form) from fault
    if not points:
        raise ConfigError(f"--points {path} holds no points", form)
    for name, point in points.items():
        if not all(map(isfinite, point)):
            raise ConfigError(f"--points {path}: '{name}' is not finite", form)
    return source, points
