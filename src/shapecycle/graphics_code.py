"""The graphics code: shape, texture, pose and light. Every arrow of the package meets here."""

import base64
import io
import json
import re
import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from shapecycle.camera import Pose
from shapecycle.errors import DataError
from shapecycle.pooling import resized_to

VERSION = 2
"""Of the JSON that `GraphicsCode.to_json` returns."""


@dataclass(frozen=True, eq=False)
class Texture:
    """How a surface is coloured, for a batch.

    Attributes:
        code: The texture code ("xi_T" in the paper), decoded into a whole albedo image.
        texels: What a photograph showed of the surface, as a UV image: sRGB albedo and, as the
            fourth channel, how well each texel was seen in [0, 1]; None for sampled textures.
        fill: What was borrowed from training photographs for the rest, laid out alike; None where
            nothing was.
    """

    code: Float[Tensor, "b t"]
    texels: Float[Tensor, "b 4 s s"] | None = None
    fill: Float[Tensor, "b 4 s s"] | None = None


@dataclass(frozen=True, eq=False)
class Surface:
    """What a shape code is made a surface of, for a batch.

    Attributes:
        source: Fingerprints of remembered shapes that are carried to the decoded ones; 0 for the
            template itself. See `memory.source.Source`.
        moves: How far handles, which are vertices of the decoded template, are moved further, with
            the space around them, in object units; see `memory.sources.Handles`.
        texels: What a photograph showed of just this surface, as an image in the source's own
            texture coordinates, laid out as those of `Texture`; None where nothing did.
    """

    source: Int[Tensor, " b"]
    moves: Float[Tensor, "b m 3"]
    texels: Float[Tensor, "b 4 a a"] | None = None


@dataclass(frozen=True, eq=False, repr=False)
class GraphicsCode:
    """What a picture is made of, for a batch of ``b`` pictures.

    Attributes:
        shape: The shape code ("v" in the paper): the deformation of the template.
        texture: The colours of the surface.
        pose: Where the object stands in front of the camera.
        light: Second-order spherical harmonics of the light in the camera's frame, for red,
            green and blue (linear); see `rasterize.shade_sh` for their order.
        surface: What the shape is made a surface of; None for the template of all of them.
    """

    shape: Float[Tensor, "b n"]
    texture: Texture
    pose: Pose
    light: Float[Tensor, "b 9 3"]
    surface: Surface | None = None

    def __len__(self) -> int:
        return len(self.shape)

    def __getitem__(self, index: Any) -> "GraphicsCode":
        """Take some items; an integer keeps the batch axis, with one item.

        Raises:
            IndexError: If an integer is out of range.
        """
        pick = [range(len(self))[index]] if isinstance(index, int) else index
        return self.map(lambda x: x[pick])

    def map(self, function: Callable[[Tensor], Tensor]) -> "GraphicsCode":
        """Apply a function to every tensor, as ``code.map(torch.Tensor.detach)``."""
        return GraphicsCode(
            shape=function(self.shape),
            texture=Texture(
                function(self.texture.code),
                _mapped(self.texture.texels, function),
                _mapped(self.texture.fill, function),
            ),
            pose=Pose(function(self.pose.angles), function(self.pose.translation)),
            light=function(self.light),
            surface=None
            if self.surface is None
            else Surface(
                function(self.surface.source),
                function(self.surface.moves),
                _mapped(self.surface.texels, function),
            ),
        )

    def detach(self) -> "GraphicsCode":
        """Return the same code, cut off from its gradients."""
        return self.map(torch.Tensor.detach)

    def __repr__(self) -> str:
        return f"GraphicsCode(batch of {len(self)})"

    def on_template(self) -> "GraphicsCode":
        """Return this code with the template's surface, its handles where they were moved to.

        Another model, which has other handles, draws ``dataclasses.replace(code, surface=None)``.
        """
        surface = self.surface
        if surface is not None:
            surface = Surface(torch.zeros_like(surface.source), surface.moves)
        return replace(self, surface=surface)

    def with_shape_of(self, other: "GraphicsCode") -> "GraphicsCode":
        """Return this code with the shapes and surfaces of another of the same batch size.

        Colours stay: of the other surface's own texels none are taken.
        """
        surface = self._matching(other).surface
        if surface is not None:
            surface = replace(surface, texels=None)
        return replace(self, shape=other.shape, surface=surface)

    def with_texture_of(self, other: "GraphicsCode") -> "GraphicsCode":
        """Return this code with the textures of another of the same batch size.

        Texels of a surface's own go along where both surfaces are carried from the same source.
        """
        surface, theirs = self.surface, self._matching(other).surface
        if surface is not None:
            texels = None if theirs is None else theirs.texels
            if texels is not None and theirs is not None:
                alike = (surface.source == theirs.source)[:, None, None, None]
                texels = torch.cat([texels[:, :3], texels[:, 3:] * alike], 1)
            surface = replace(surface, texels=texels)
        return replace(self, texture=other.texture, surface=surface)

    def with_pose_of(self, other: "GraphicsCode") -> "GraphicsCode":
        """Return this code with the poses of another of the same batch size."""
        return replace(self, pose=self._matching(other).pose)

    def with_light_of(self, other: "GraphicsCode") -> "GraphicsCode":
        """Return this code with the lights of another of the same batch size."""
        return replace(self, light=self._matching(other).light)

    def _matching(self, other: "GraphicsCode") -> "GraphicsCode":
        """Return the other code if it has as many items.

        Raises:
            TypeError: If it is no graphics code.
            ValueError: If it has more or fewer items.
        """
        if not isinstance(other, GraphicsCode):
            raise TypeError(f"a GraphicsCode is needed, found {type(other).__name__}")
        if len(other) != len(self):
            raise ValueError(f"a batch of {len(self)} is needed, found one of {len(other)}")
        return other

    @staticmethod
    def stack(codes: "list[GraphicsCode]") -> "GraphicsCode":
        """Join several batches into one; textures with and without texels do not mix.

        Texels of fewer pixels are enlarged to the size of the others.

        Raises:
            ValueError: If some of the codes have texels and others do not, or if they are those of
                models with other handles.
        """
        texels = [code.texture.texels for code in codes]
        seen = [t for t in texels if t is not None]
        if seen and len(seen) != len(texels):
            raise ValueError("cannot stack codes with texels and codes without")
        return GraphicsCode(
            shape=torch.cat([code.shape for code in codes]),
            texture=Texture(
                torch.cat([code.texture.code for code in codes]),
                _joined(seen) if seen else None,
                _joined_fills(codes, max((t.shape[-1] for t in seen), default=1)),
            ),
            pose=Pose(
                torch.cat([code.pose.angles for code in codes]),
                torch.cat([code.pose.translation for code in codes]),
            ),
            light=torch.cat([code.light for code in codes]),
            surface=_joined_surfaces(codes),
        )

    def interpolated(self, other: "GraphicsCode", share: float) -> "GraphicsCode":
        """Go some way from this code to another of the same batch size, without a jump.

        Example:
            >>> def seen_from(azimuth: float) -> GraphicsCode:
            ...     angles = torch.tensor([[azimuth, 0.0, 0.0]])
            ...     pose = Pose(angles, torch.tensor([[0.0, 0.0, -2.0]]))
            ...     texture = Texture(torch.zeros(1, 4))
            ...     return GraphicsCode(torch.zeros(1, 4), texture, pose, torch.zeros(1, 9, 3))
            >>> half_way = seen_from(6.0).interpolated(seen_from(0.5), 0.5)
            >>> round(float(half_way.pose.angles[0, 0]) % 6.2832, 2)  # the shorter way round
            0.11

        Numbers are blended, azimuths the shorter way round. Of textures the codes are, and texels
        fade by their weights. A surface stays the one it is: where the other has another source,
        this one's is carried to the other's shape.

        Args:
            other: Where share 1 leads.
            share: In [0, 1].

        Raises:
            TypeError, ValueError: If it is no graphics code, or has more or fewer items.
        """
        theirs = self._matching(other)
        angles = theirs.pose.angles - self.pose.angles
        angles = torch.remainder(angles + torch.pi, 2 * torch.pi) - torch.pi

        def between(ours: Tensor, their: Tensor) -> Tensor:
            return ours + share * (their - ours)

        return GraphicsCode(
            shape=between(self.shape, theirs.shape),
            texture=Texture(
                between(self.texture.code, theirs.texture.code),
                _faded(self.texture.texels, theirs.texture.texels, share),
                _faded_fill(self.texture, theirs.texture, share),
            ),
            pose=Pose(
                self.pose.angles + share * angles,
                between(self.pose.translation, theirs.pose.translation),
            ),
            light=between(self.light, theirs.light),
            surface=_between(self.surface, theirs.surface, share),
        )

    def to_json(self) -> dict[str, Any]:
        """Return one code (a batch of 1) as plain JSON values.

        Angles are radians and lengths object units, as in the code; texels become an 8-bit RGBA
        PNG in base64.

        Raises:
            ValueError: If the batch does not hold exactly one code.
        """
        if len(self) != 1:
            raise ValueError(f"`to_json` takes a batch of one code, not of {len(self)}")
        azimuth, elevation, roll = self.pose.angles[0].tolist()
        texels, fill, surface = self.texture.texels, self.texture.fill, self.surface
        return {
            "version": VERSION,
            "shape": self.shape[0].tolist(),
            "texture": {
                "code": self.texture.code[0].tolist(),
                "texels_png": None if texels is None else _png_from_texels(texels[0]),
                "fill_png": None if fill is None else _png_from_texels(fill[0]),
            },
            "pose": {
                "azimuth": azimuth,
                "elevation": elevation,
                "roll": roll,
                "translation": self.pose.translation[0].tolist(),
            },
            "light": self.light[0].tolist(),
            "surface": None if surface is None else _surface_json(surface),
        }

    @staticmethod
    def from_json(values: dict[str, Any] | str) -> "GraphicsCode":
        """Read what `to_json` gave, or its text.

        Lengths of shape and texture code are the model's; `model.Model` compares them.

        Raises:
            DataError: If a part is missing, or is no list of finite numbers of the right form.
        """
        try:
            found = json.loads(values) if isinstance(values, str) else values
        except (ValueError, RecursionError) as fault:
            raise _not_a_code(f"it is not JSON: {fault}") from fault
        if not isinstance(found, dict):
            raise _not_a_code(f"it is a JSON {type(found).__name__}, not an object")
        version = found.get("version", 1)  # the first one had no surface
        if version not in (1, VERSION) or isinstance(version, bool):
            raise _not_a_code(f"its version is {version!r}, this one reads {VERSION}")
        angles = [_numbers(found, "pose", name) for name in ("azimuth", "elevation", "roll")]
        return GraphicsCode(
            shape=_numbers(found, "shape", size=(None,)),
            texture=Texture(
                _numbers(found, "texture", "code", size=(None,)),
                _texels(found, "texture", "texels_png"),
                _texels(found, "texture", "fill_png"),
            ),
            pose=Pose(torch.stack(angles, 1), _numbers(found, "pose", "translation", size=(3,))),
            light=_numbers(found, "light", size=(9, 3)),
            surface=None if found.get("surface") is None else _surface(found),
        )


def _mapped(texels: Tensor | None, function: Callable[[Tensor], Tensor]) -> Tensor | None:
    return None if texels is None else function(texels)


def _joined(images: list[Tensor]) -> Tensor:
    """Join images of any sizes, enlarged to that of the largest."""
    side = max(image.shape[-1] for image in images)
    return torch.cat([resized_to(image, side) for image in images])


def _faded(
    ours: Float[Tensor, "b 4 s s"] | None, theirs: Float[Tensor, "b 4 t t"] | None, share: float
) -> Float[Tensor, "b 4 u u"] | None:
    """Blend texels by their weights; none weigh nothing."""
    given = [texels for texels in (ours, theirs) if texels is not None]
    if not given:
        return None
    side = max(texels.shape[-1] for texels in given)
    total = given[0].new_zeros(len(given[0]), 4, side, side)
    for texels, part in ((ours, 1 - share), (theirs, share)):
        if texels is not None:
            texels = resized_to(texels, side)
            weight = part * texels[:, 3:]
            total = total + torch.cat([weight * texels[:, :3], weight], 1)
    return torch.cat([total[:, :3] / total[:, 3:].clamp(min=1e-6), total[:, 3:]], 1)


def _faded_fill(ours: Texture, theirs: Texture, share: float) -> Float[Tensor, "b 4 s s"] | None:
    """Blend what was borrowed, in the size of the blended texels."""
    fill = _faded(ours.fill, theirs.fill, share)
    sides = [one.texels.shape[-1] for one in (ours, theirs) if one.texels is not None]
    return fill if fill is None or not sides else resized_to(fill, max(sides))


def _between(ours: Surface | None, theirs: Surface | None, share: float) -> Surface | None:
    """Move the handles of a surface to another's; its source stays.

    Texels of its own fade where the other has another source.
    """
    if ours is None and theirs is None:
        return None
    given = ours if ours is not None else theirs
    assert given is not None
    _check_handles([one for one in (ours, theirs) if one is not None])
    source = torch.zeros_like(given.source) if ours is None else ours.source
    still = torch.zeros_like(given.moves)
    start = still if ours is None else ours.moves
    end = still if theirs is None else theirs.moves
    other = torch.zeros_like(source) if theirs is None else theirs.source
    alike = (source == other)[:, None, None]
    # Handles were moved for their own source alone.
    moves = start + share * (torch.where(alike, end, 0.0) - start)
    own, their = (None if one is None else one.texels for one in (ours, theirs))
    if their is not None:
        their = torch.cat([their[:, :3], their[:, 3:] * alike[..., None]], 1)
    return Surface(source, moves, None if ours is None else _faded(own, their, share))


def _check_handles(surfaces: list[Surface]) -> None:
    """Raise if surfaces are those of different models.

    Raises:
        ValueError: Naming their numbers of handles.
    """
    counts = {one.moves.shape[1] for one in surfaces}
    if len(counts) > 1:
        numbers = " and ".join(map(str, sorted(counts)))
        raise ValueError(f"codes of different models do not mix: they have {numbers} handles")


def _joined_fills(codes: list[GraphicsCode], side: int) -> Float[Tensor, "b 4 s s"] | None:
    """Join what was borrowed, in the texels' size; nothing was for codes without."""
    if all(code.texture.fill is None for code in codes):
        return None
    fills = [
        code.shape.new_zeros(len(code), 4, side, side)
        if code.texture.fill is None
        else resized_to(code.texture.fill, side)
        for code in codes
    ]
    return torch.cat(fills)


def _joined_surfaces(codes: list[GraphicsCode]) -> Surface | None:
    """Join surfaces; codes without one have the template's."""
    given = [code.surface for code in codes if code.surface is not None]
    if not given:
        return None
    _check_handles(given)
    first = given[0]
    side = max((one.texels.shape[-1] for one in given if one.texels is not None), default=0)
    parts = []
    for code in codes:
        count, one = len(code), code.surface
        if one is None:
            one = Surface(
                first.source.new_zeros(count), first.moves.new_zeros(count, *first.moves.shape[1:])
            )
        if side and one.texels is None:
            one = replace(one, texels=first.moves.new_zeros(count, 4, side, side))
        parts.append(one)
    return Surface(
        torch.cat([one.source for one in parts]),
        torch.cat([one.moves for one in parts]),
        _joined([one.texels for one in parts if one.texels is not None]) if side else None,
    )


def _surface_json(surface: Surface) -> dict[str, Any]:
    source = int(surface.source[0])
    return {
        "kind": "carried" if source else "template",
        "source": f"{source:016x}" if source else None,
        "handles": surface.moves[0].tolist(),
        "texels_png": None if surface.texels is None else _png_from_texels(surface.texels[0]),
    }


def _surface(found: dict[str, Any]) -> Surface:
    """Read what `_surface_json` gave, as a batch of one."""
    part = found["surface"]
    if not isinstance(part, dict) or part.get("kind") not in ("template", "carried"):
        raise _not_a_code("'surface.kind' must be 'template' or 'carried'")
    source = 0
    if part["kind"] == "carried":
        name = part.get("source")
        if (
            name == "0" * 16
            or not isinstance(name, str)
            or not re.fullmatch("[0-7][0-9a-f]{15}", name)
        ):
            raise _not_a_code(f"'surface.source' must be 16 hexadecimal digits, found {name!r}")
        source = int(name, 16)
    moves = _numbers(found, "surface", "handles", size=(None, 3))
    return Surface(torch.tensor([source]), moves, _texels(found, "surface", "texels_png"))


def _not_a_code(reason: str) -> DataError:
    parts = ", ".join(field.name for field in fields(GraphicsCode))
    return DataError(f"this is not a graphics code: {reason}", f"it needs {parts}")


def _numbers(found: dict[str, Any], *path: str, size: tuple[int | None, ...] = ()) -> Tensor:
    """Take one part out of a JSON object, as a batch of one.

    Args:
        found: The whole object.
        path: Where the part is in it.
        size: Lengths of its nested lists, None for any; empty for a number by itself.
    """
    name, value = ".".join(path), found
    try:
        for key in path:
            value = value[key]
    except (KeyError, TypeError, IndexError) as fault:
        raise _not_a_code(f"'{name}' is missing") from fault
    wanted = f"'{name}' must be {_described(size)}, found"
    try:
        numbers = torch.tensor(value, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError, OverflowError) as fault:
        raise _not_a_code(f"{wanted} {reprlib.repr(value)}") from fault
    fits = numbers.ndim == len(size) and numbers.numel() > 0
    if not fits or any(n not in (None, m) for n, m in zip(size, numbers.shape, strict=True)):
        raise _not_a_code(f"{wanted} {_described(numbers.shape)}")
    if not numbers.isfinite().all():
        raise _not_a_code(f"'{name}' holds numbers that are not finite")
    return numbers[None]


def _described(size: Sequence[int | None]) -> str:
    """Say how lists of numbers nest."""
    if len(size) == 0:
        return "a number"
    if len(size) == 1:
        return "a list of numbers" if size[0] is None else f"a list of {size[0]} numbers"
    sizes = " x ".join("any number" if n is None else str(n) for n in size)
    return f"nested lists of {sizes} numbers"


def _texels(found: dict[str, Any], part: str, name: str) -> Float[Tensor, "1 4 s s"] | None:
    text = found[part].get(name)
    if text is None:
        return None
    try:
        texels = _texels_from_png(text)
    except (TypeError, ValueError, OSError, SyntaxError) as fault:  # "broken PNG file" is a syntax
        raise _not_a_code(f"'{part}.{name}' is not a PNG in base64 ({fault})") from fault
    height, width = texels.shape[1:]
    if height != width:
        raise _not_a_code(f"'{part}.{name}' must be square, found {width} x {height} pixels")
    return texels[None]


def _png_from_texels(texels: Float[Tensor, "4 s s"]) -> str:
    """Encode as an 8-bit RGBA PNG in base64."""
    from PIL import Image

    # By NumPy: in a thread that writes files, PyTorch would start threads of its own.
    values = texels.detach().cpu().numpy().transpose(1, 2, 0)
    pixels = (values.clip(0, 1) * 255).round().astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels), "RGBA").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def _texels_from_png(text: str) -> Float[Tensor, "4 s s"]:
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(text)), formats=("PNG",)) as picture:
        pixels = np.asarray(picture.convert("RGBA"), dtype=np.float32) / 255
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())
