"""The workspace: inputs that pages gave, and the objects that are made of their parts."""

import base64
import io
import json
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import degrees
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image

from shapecycle.code_to_image.compositing import premultiplied, resized, unpremultiplied
from shapecycle.config import SurfaceKind
from shapecycle.data import mesh_files, photos
from shapecycle.data.photos import Photo, load_photo
from shapecycle.errors import DataError
from shapecycle.evaluate.silhouettes import silhouette_iou
from shapecycle.graphics_code import GraphicsCode
from shapecycle.model import Model
from shapecycle.page.composition import MOVED, Composition, Origin
from shapecycle.page.light import in_object_frame
from shapecycle.seen import Seen, SeeOptions

MAX_INPUTS = 16
"""Inputs on the workspace; of more the one that was used longest ago is forgotten."""
MAX_OBJECTS = 64
MAX_SIDE = 1280
"""Pixels along the longer side of a picture, to which larger ones are reduced."""
DRAWN = 384
"""Pixels along the longer side of what is drawn for a page."""
THUMBNAIL = 112
SLIDERS = 5
"""Directions of each part that a page has sliders for."""
KEYPOINTS = 16
K = TypeVar("K")
V = TypeVar("V")


class Forgotten(DataError):
    """What a page names is not in the workspace any more."""


class Recent(Generic[K, V]):
    """A few values, those used last.

    Args:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Return a value, made if it is not there."""
        if key not in self.values:
            self.put(key, make())
        self.values.move_to_end(key)
        return self.values[key]

    def find(self, key: K, kind: str) -> V:
        """Return a value.

        Raises:
            Forgotten: If it is not there.
        """
        if key not in self.values:
            raise Forgotten(f"this {kind} is not there any more", "give it again")
        self.values.move_to_end(key)
        return self.values[key]

    def put(self, key: K, value: V) -> None:
        """Keep a value; let go of one if there are too many."""
        self.values[key] = value
        if len(self.values) > self.count:
            self.values.popitem(last=False)


@dataclass(frozen=True, eq=False)
class Input:
    """An input.

    Attributes:
        name: Its file's, as the page sent it.
        photo: The picture with its mask, reduced; None of a mesh.
        code: Of a mesh; pictures are seen when they are needed.
    """

    name: str
    photo: Photo | None
    code: GraphicsCode | None


@dataclass(frozen=True, eq=False)
class Composed:
    """An object.

    Attributes:
        name: What its files are called.
        code: A batch of one.
        fov_y: Of its picture, in radians.
        size: Height and width of its picture, in pixels.
    """

    name: str
    code: GraphicsCode
    fov_y: float
    size: tuple[int, int]


class Workspace:
    """Makes objects, one at a time: nothing here may be called from two threads at once.

    Args:
        model: What sees, reads and draws.
        title: What the model is called.
    """

    def __init__(self, model: Model, title: str) -> None:
        self.model, self.title = model, title
        self.inputs: Recent[str, Input] = Recent(MAX_INPUTS)
        self.objects: Recent[str, Composed] = Recent(MAX_OBJECTS)
        self._keys: Recent[Composition, str] = Recent(MAX_OBJECTS)
        self._seen: Recent[tuple[str, int, SurfaceKind], Seen] = Recent(MAX_INPUTS)
        self._textured: Recent[object, GraphicsCode] = Recent(MAX_OBJECTS)

    def about(self) -> dict[str, Any]:
        """Return what a page needs to know of the model."""
        sliders = {}
        for part in MOVED:
            found = self.model.directions(part, SLIDERS)
            sliders[part] = [] if found is None else [float(x) for x in found.share]
        return {
            "title": self.title,
            "sliders": sliders,
            "has_memory": bool(self.model.memory.sources),
        }

    def add_input(self, name: str, contents: bytes) -> dict[str, Any]:
        """Add a file: a picture or a mesh, by its name's ending.

        Raises:
            DataError, GeometryError: If it cannot be used.
        """
        ending = Path(name).suffix.lower()
        if ending not in (*photos.SUFFIXES, *mesh_files.SUFFIXES):
            known = ", ".join((*photos.SUFFIXES, *mesh_files.SUFFIXES))
            raise DataError(
                f"{name}: this is neither a picture nor a mesh", f"files end in {known}"
            )
        key = token_urlsafe(9)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"input{ending}"
            file.write_bytes(contents)
            try:
                if ending in mesh_files.SUFFIXES:
                    return self._add_mesh(key, name, file)
                return self._add_picture(key, name, file)
            except DataError as error:
                # Nobody knows the folder's name.
                raise DataError(error.what.replace(str(file), name), error.hint) from None

    def _add_mesh(self, key: str, name: str, file: Path) -> dict[str, Any]:
        canvas, code = self.model.canvas(file)
        code = self.model.in_frame(code)
        self.inputs.put(key, Input(name, None, code))
        remarks = []
        if canvas.fit.is_doubtful:
            remarks.append("this shape is unlike those that the model was trained on")
        return {
            "key": key, "name": name, "kind": "mesh", "remarks": remarks,
            "picture": uri(self.model.draw(code, THUMBNAIL, framed=True)[0]),
        }  # fmt: skip

    def _add_picture(self, key: str, name: str, file: Path) -> dict[str, Any]:
        photo = load_photo(file, to_see=True)
        origin = "the picture's own"
        if photo.is_bare_mask:
            origin = "the picture is a mask"
        elif photo.is_on_background:
            origin = "from its background"
        photo = reduced(photo)
        self.inputs.put(key, Input(name, photo, None))
        seen = self._see(key, 1, "auto")
        hypotheses = [
            {
                "azimuth": round(degrees(float(one.pose.angles[0, 0])) % 360),
                "plausibility": one.plausibility,
                "picture": uri(
                    self.model.draw(replace(seen.code, pose=one.pose), THUMBNAIL, framed=True)[0]
                ),
            }
            for one in seen.hypotheses
        ]
        remarks = []
        if seen.half_turn_is_likely:
            remarks.append("the object may as well face the other way: try another pose")
        if seen.unlike_training_shapes:
            remarks.append("the shape is far from those that the model was trained on")
        rgba = photo.rgba.transpose(1, 2, 0)
        mask = np.repeat(rgba[..., 3:], 3, axis=2)
        return {
            "key": key, "name": name, "kind": "picture", "remarks": remarks,
            "hypotheses": hypotheses, "mask_origin": origin,
            "picture": uri(_small(rgba)), "mask": uri(_small(mask)),
        }  # fmt: skip

    def compose(self, composition: Composition) -> dict[str, Any]:
        """Make an object, and draw it.

        Raises:
            Forgotten: If an input is not there any more.
        """
        key = self._keys.get(composition, lambda: token_urlsafe(9))
        made = self.objects.get(key, lambda: self._compose(composition))
        height, width = made.size
        scale = DRAWN / max(height, width)
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        picture = self.model.draw(made.code, size, fov_y=made.fov_y)[0]
        camera = made.code.pose.camera_from_object()[0].double().cpu().numpy()
        return {
            "key": key,
            "name": made.name,
            "picture": uri(picture),
            "light": in_object_frame(made.code.light, made.code.pose).tolist(),
            "object_from_camera": np.linalg.inv(camera).tolist(),
            "fov_y": made.fov_y,
            "aspect": width / height,
            **self._report_of(composition, made),
        }

    def _report_of(self, composition: Composition, made: Composed) -> dict[str, Any]:
        """Return what can be said of an input that was seen, as it was seen."""
        if not composition.is_as_seen or composition.shape.input is None:
            return {}
        photo = self._input(composition.shape.input).photo
        if photo is None:
            return {}
        seen = self._see(composition.shape.input, composition.hypothesis, composition.surface)
        choice = seen.surface_choice
        alpha = self.model.draw(made.code, made.size, fov_y=made.fov_y)[0][..., 3]
        return {
            "silhouette_iou": silhouette_iou(alpha, photo.rgba[3]),
            "surface": "template" if choice.source is None else f"carried from {choice.source}",
            "reason": choice.reason,
        }

    def glb(self, key: str) -> tuple[str, bytes]:
        """Return an object's name and its GLB file."""
        made = self._object(key)
        return made.name, self.model.mesh(made.code).to_glb(name=made.name)

    def picture(self, key: str) -> tuple[str, bytes]:
        """Return an object's name and its picture, in the input's size, as PNG."""
        made = self._object(key)
        return made.name, png(self.model.draw(made.code, made.size, fov_y=made.fov_y)[0])

    def code(self, key: str) -> tuple[str, bytes]:
        """Return an object's name and its code, as `reconstruct` writes it."""
        made = self._object(key)
        camera = made.code.pose.camera_from_object()[0].tolist()
        record = {
            "code": made.code.to_json(),
            "size": list(made.size),
            "camera_from_object": camera,
            "fov_y": made.fov_y,
        }
        return made.name, (json.dumps(record, indent=1) + "\n").encode()

    def points(self, key: str) -> list[list[float]]:
        """Return where the same points lie on every object: of this one, in its frame."""
        found = self.model.places(KEYPOINTS).on(self.model.surfaces, self._object(key).code)
        points: list[list[float]] = found.tolist()
        return points

    def _object(self, key: str) -> Composed:
        return self.objects.find(key, "object")

    def _input(self, key: str) -> Input:
        return self.inputs.find(key, "input")

    def _see(self, key: str, hypothesis: int, surface: SurfaceKind) -> Seen:
        photo = self._input(key).photo
        assert photo is not None
        if surface == "carried" and not self.model.memory.sources:
            raise DataError("this model remembers no shapes that could be carried")
        options = SeeOptions(hypothesis=hypothesis, surface=surface)
        return self._seen.get(
            (key, hypothesis, surface), lambda: self.model.see_photos([photo], options)[0]
        )

    def _compose(self, composition: Composition) -> Composed:
        model, place = self.model, composition.pose
        code = self._textured.get(
            _texture_key(composition), lambda: self._with_texture(composition)
        )
        fov_y, size, name = model.networks.fov_y, (DRAWN, DRAWN), "object"
        pose, light = code.pose, code.light
        if place.input is None:
            pose, _ = model.sample_view(1, _generator(place.seed, 2))
        else:
            pose = self._code(place, composition).pose
            photo = self._input(place.input).photo
            if photo is not None:
                fov_y = self._see(place.input, composition.hypothesis, composition.surface).fov_y
                size = (photo.rgba.shape[1], photo.rgba.shape[2])
        if composition.light.input is None:
            _, light = model.sample_view(1, _generator(composition.light.seed, 3))
        else:
            light = self._code(composition.light, composition).light
        code = replace(code, pose=pose, light=light)
        for part, amounts in zip(MOVED, composition.along, strict=True):
            code = model.moved_along(code, part, amounts)
        if place != composition.shape or place.input is None:
            code = model.in_frame(code)
        if composition.shape.input is not None:
            name = Path(self._input(composition.shape.input).name).stem
        return Composed(name, code, fov_y, size)

    def _with_texture(self, composition: Composition) -> GraphicsCode:
        """Return a shape with its texture."""
        model, shape, texture = self.model, composition.shape, composition.texture
        bare = self._code(shape, composition)
        if texture == shape and texture.input is not None:
            return bare
        if texture.input is None:
            return model.dressed(bare, _generator(texture.seed, 1))
        other, photo = self._code(texture, composition), self._input(texture.input).photo
        if photo is not None and bare.surface is not None:
            return model.dressed_as(bare, photo, other)
        return model.with_texture_of(bare, other)

    def _code(self, origin: Origin, composition: Composition) -> GraphicsCode:
        """Return the code that a part comes from."""
        model = self.model
        if origin.input is None:
            shape = model.sample_shape(1, _generator(origin.seed, 0))
            return replace(model.plain(shape), surface=model.nearest_surface(shape))
        given = self._input(origin.input)
        if given.code is not None:
            return given.code
        return self._see(origin.input, composition.hypothesis, composition.surface).code


def reduced(photo: Photo) -> Photo:
    """Return a picture of at most `MAX_SIDE` pixels along its longer side."""
    height, width = photo.rgba.shape[1:]
    scale = MAX_SIDE / max(height, width)
    if scale >= 1:
        return photo
    whole = premultiplied(torch.from_numpy(photo.rgba)[None])
    size = (max(8, round(height * scale)), max(8, round(width * scale)))
    small = unpremultiplied(resized(whole, size))[0].clamp(0, 1)
    return replace(photo, rgba=small.numpy())


def png(picture: Float[np.ndarray, "h w c"]) -> bytes:
    """Return a picture in [0, 1] as a PNG file."""
    buffer = io.BytesIO()
    pixels = (picture.clip(0, 1) * 255).round().astype(np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def uri(picture: Float[np.ndarray, "h w c"]) -> str:
    """Return a picture as a data URI."""
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode()


def _small(picture: Float[np.ndarray, "h w c"]) -> Float[np.ndarray, "a b c"]:
    """Reduce a picture for a page."""
    height, width = picture.shape[:2]
    scale = min(1.0, DRAWN / max(height, width))
    planes = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    return resized(planes, size)[0].permute(1, 2, 0).numpy()


def _texture_key(composition: Composition) -> object:
    """Return what a shape with its texture depends on."""
    return (composition.shape, composition.texture, composition.hypothesis, composition.surface)


def _generator(seed: int, part: int) -> torch.Generator:
    """Return what one part is sampled from: others play no part."""
    state = np.random.SeedSequence([seed, part]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state) >> 1)
