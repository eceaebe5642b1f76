"""The graphics code: shape, texture, pose and light. Every arrow of the package meets here."""

import base64
import io
import json
import reprlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.camera import Pose
from shapecycle.errors import DataError


@dataclass(frozen=True, eq=False)
class Texture:
    """How a surface is coloured, for a batch.

    Attributes:
        code: The texture code ("xi_T" in the paper), decoded into a whole albedo image.
        texels: What a photograph showed of the surface, as a UV image: sRGB albedo and, as the
            fourth channel, how well each texel was seen in [0, 1]; None for sampled textures.
    """

    code: Float[Tensor, "b t"]
    texels: Float[Tensor, "b 4 s s"] | None = None


@dataclass(frozen=True, eq=False, repr=False)
class GraphicsCode:
    """What a picture is made of, for a batch of ``b`` pictures.

    Attributes:
        shape: The shape code ("v" in the paper): the deformation of the template.
        texture: The colours of the surface.
        pose: Where the object stands in front of the camera.
        light: Second-order spherical harmonics of the light in the camera's frame, for red,
            green and blue (linear); see `rasterize.shade_sh` for their order.
    """

    shape: Float[Tensor, "b n"]
    texture: Texture
    pose: Pose
    light: Float[Tensor, "b 9 3"]

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
        texels = self.texture.texels
        return GraphicsCode(
            shape=function(self.shape),
            texture=Texture(
                function(self.texture.code), None if texels is None else function(texels)
            ),
            pose=Pose(function(self.pose.angles), function(self.pose.translation)),
            light=function(self.light),
        )

    def detach(self) -> "GraphicsCode":
        """Return the same code, cut off from its gradients."""
        return self.map(torch.Tensor.detach)

    def __repr__(self) -> str:
        return f"GraphicsCode(batch of {len(self)})"

    def with_shape_of(self, other: "GraphicsCode") -> "GraphicsCode":
        """Return this code with the shapes of another of the same batch size."""
        return replace(self, shape=self._matching(other).shape)

    def with_texture_of(self, other: "GraphicsCode") -> "GraphicsCode":
        """Return this code with the textures of another of the same batch size."""
        return replace(self, texture=self._matching(other).texture)

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

        Raises:
            ValueError: If some of the codes have texels and others do not.
        """
        texels = [code.texture.texels for code in codes]
        seen = [t for t in texels if t is not None]
        if seen and len(seen) != len(texels):
            raise ValueError("cannot stack codes with texels and codes without")
        return GraphicsCode(
            shape=torch.cat([code.shape for code in codes]),
            texture=Texture(
                torch.cat([code.texture.code for code in codes]), torch.cat(seen) if seen else None
            ),
            pose=Pose(
                torch.cat([code.pose.angles for code in codes]),
                torch.cat([code.pose.translation for code in codes]),
            ),
            light=torch.cat([code.light for code in codes]),
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
        texels = self.texture.texels
        return {
            "shape": self.shape[0].tolist(),
            "texture": {
                "code": self.texture.code[0].tolist(),
                "texels_png": None if texels is None else _png_from_texels(texels[0]),
            },
            "pose": {
                "azimuth": azimuth,
                "elevation": elevation,
                "roll": roll,
                "translation": self.pose.translation[0].tolist(),
            },
            "light": self.light[0].tolist(),
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
        angles = [_numbers(found, "pose", name) for name in ("azimuth", "elevation", "roll")]
        return GraphicsCode(
            shape=_numbers(found, "shape", size=(None,)),
            texture=Texture(_numbers(found, "texture", "code", size=(None,)), _texels(found)),
            pose=Pose(torch.stack(angles, 1), _numbers(found, "pose", "translation", size=(3,))),
            light=_numbers(found, "light", size=(9, 3)),
        )


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
    return f"nested lists of {' x '.join(map(str, size))} numbers"


def _texels(found: dict[str, Any]) -> Float[Tensor, "1 4 s s"] | None:
    text = found["texture"].get("texels_png")
    if text is None:
        return None
    try:
        texels = _texels_from_png(text)
    except (TypeError, ValueError, OSError, SyntaxError) as fault:  # "broken PNG file" is a syntax
        raise _not_a_code(f"'texture.texels_png' is not a PNG in base64 ({fault})") from fault
    height, width = texels.shape[1:]
    if height != width:
        raise _not_a_code(f"'texture.texels_png' must be square, found {width} x {height} pixels")
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
