"""What a model's verbs accept; anything else is refused by name before work begins."""

from math import radians
from operator import index
from typing import Any

import numpy as np
from jaxtyping import Float, Float32
from torch import Tensor

from shapecycle.config import FOV_DEGREES, ModelSettings
from shapecycle.data.photos import MAX_SIDE, picture_of_mask
from shapecycle.graphics_code import GraphicsCode, Surface

MIN_PIXELS = 8
"""Least height and width of an array that is taken for a picture."""
MAX_COUNT = 10**9
ROUNDING = 1e-3
"""How far from [0, 1] a picture's values may lie."""


def checked_picture(picture: np.ndarray | Tensor, name: str) -> Float32[np.ndarray, "4 h w"]:
    """Return an array as a masked picture: straight alpha, sRGB, in [0, 1], row 0 on top.

    Args:
        picture: Floating-point numbers in [0, 1] or 8-bit ones, h x w x 4; or a bare mask, h x w,
            which becomes a picture of a grey object.
        name: What messages call it.

    Returns:
        The picture with its channels first, as networks take it.

    Raises:
        ValueError: If it is of another layout, type, size or range, or its mask is of no use.
    """
    found = " x ".join(map(str, picture.shape))
    if picture.ndim != 2 and (picture.ndim != 3 or picture.shape[2] != 4):
        raise ValueError(
            f"{name} must be h x w x 4 (red, green, blue, alpha), found {found}: "
            f"{_layout_hint(tuple(picture.shape))}"
        )
    if min(picture.shape[:2]) < MIN_PIXELS:
        raise ValueError(
            f"{name} must be h x w x 4 with h and w at least {MIN_PIXELS}, found {found}: "
            "give a larger picture, channels last"
        )
    values = _values(picture, name)
    _check_range(values, name)
    if values.ndim == 2:
        return _checked_bare_mask(values, name)
    pixels = np.ascontiguousarray(values.transpose(2, 0, 1))
    _check_mask(pixels[3], name)
    return pixels


def _layout_hint(shape: tuple[int, ...]) -> str:
    if len(shape) == 4:
        return "give a list of pictures to `see_all`"
    if len(shape) == 3 and shape[0] == 4:
        return "put channels last, as `picture.transpose(1, 2, 0)` does in NumPy"
    if len(shape) == 3 and 3 in (shape[0], shape[2]):
        return "add the object's mask as the fourth channel"
    return "give colours and the object's mask, channels last"


def _values(picture: np.ndarray | Tensor, name: str) -> Float32[np.ndarray, "..."]:
    """Return an array's numbers, of which 8-bit ones become those in [0, 1]."""
    kind = str(picture.dtype).removeprefix("torch.")
    if isinstance(picture, Tensor):
        picture = picture.detach().float().cpu().numpy()
    values: Float32[np.ndarray, "..."] = np.asarray(picture, dtype=np.float32)
    if kind == "uint8":
        return values / 255
    if not (kind.startswith(("float", "bfloat")) or (kind == "bool" and values.ndim == 2)):
        raise ValueError(
            f"{name} must hold floating-point numbers in [0, 1] or 8-bit ones, found {kind}: "
            "divide by the greatest value there can be, or convert to uint8"
        )
    return values


def _checked_bare_mask(
    values: Float32[np.ndarray, "h w"], name: str
) -> Float32[np.ndarray, "4 h w"]:
    picture = picture_of_mask(values)
    if picture is None:
        found = " x ".join(map(str, values.shape))
        raise ValueError(
            f"{name} must be h x w x 4 (red, green, blue, alpha) or a bare mask, found {found} "
            "that is no mask: masks are white on the object, black around it, and grey on its "
            "rim only; give colours and the object's mask as h x w x 4"
        )
    return picture


def _check_range(pixels: Float32[np.ndarray, "..."], name: str) -> None:
    unusable = int((~np.isfinite(pixels)).sum())
    if unusable:
        raise ValueError(
            f"{name} must be finite, found {unusable} values that are infinite or not a number: "
            "write 0 where nothing is known, with alpha 0"
        )
    low, high = float(pixels.min()), float(pixels.max())
    if low < -ROUNDING or high > 1 + ROUNDING:
        hint = "divide by 255" if low >= 0 and high > 2 else "undo what normalised it, or clip it"
        raise ValueError(f"{name} must be in [0, 1], found {low:.3g} to {high:.3g}: {hint}")


def _check_mask(alpha: Float32[np.ndarray, "h w"], name: str) -> None:
    if alpha.max() <= 0.5:
        raise ValueError(
            f"{name} has an empty mask: alpha reaches {alpha.max():.3g}, and nothing is inside "
            "up to 0.5: write alpha 1 on the object and 0 around it"
        )
    if alpha.min() >= 1:
        raise ValueError(
            f"{name} has no mask: alpha is 1 everywhere: write 1 on the object and 0 around it"
        )


def checked_shapes(shape: Tensor, settings: ModelSettings) -> Float[Tensor, "b n"]:
    """Return shape codes if the model of these settings can decode them.

    Raises:
        TypeError: If it is no tensor.
        ValueError: If there are none, their length is another model's, or they are not finite.
    """
    batch = len(shape) if isinstance(shape, Tensor) and shape.ndim > 1 else 1
    _check_part("`shape`", shape, (max(1, batch), settings.shape_code_size))
    return shape


def checked_code(code: GraphicsCode, settings: ModelSettings) -> GraphicsCode:
    """Return graphics codes if the model of these settings can draw them.

    Raises:
        TypeError: If it is no graphics code, or a part is no tensor.
        ValueError: If there are none, a part is of another size than this model's, or it is not
            finite.
    """
    if not isinstance(code, GraphicsCode):
        hint = ": give its `code`" if hasattr(code, "code") else ""
        raise TypeError(f"`code` must be a GraphicsCode, found {type(code).__name__}{hint}")
    batch = max(1, len(code))
    parts: dict[str, tuple[Tensor, tuple[int, ...]]] = {
        "shape": (code.shape, (settings.shape_code_size,)),
        "texture.code": (code.texture.code, (settings.texture_code_size,)),
        "pose.angles": (code.pose.angles, (3,)),
        "pose.translation": (code.pose.translation, (3,)),
        "light": (code.light, (9, 3)),
    }
    images = {"texture.texels": code.texture.texels, "texture.fill": code.texture.fill}
    if code.surface is not None and not isinstance(code.surface, Surface):
        found = type(code.surface).__name__
        raise TypeError(f"`code.surface` must be a Surface or None, found {found}")
    if code.surface is not None:
        if not isinstance(code.surface.moves, Tensor) or code.surface.moves.ndim != 3:
            raise ValueError("`code.surface.moves` must be a batch of handles, b x m x 3 numbers")
        parts["surface.source"] = (code.surface.source, ())
        parts["surface.moves"] = (code.surface.moves, (code.surface.moves.shape[1], 3))
        images["surface.texels"] = code.surface.texels
    for name, image in images.items():
        if image is not None:
            side = image.shape[-1]
            parts[name] = (image, (4, side, side))
    for name, (part, size) in parts.items():
        _check_part(f"`code.{name}`", part, (batch, *size))
    return code


def _check_part(name: str, part: Any, size: tuple[int, ...]) -> None:
    if not isinstance(part, Tensor):
        raise TypeError(f"{name} must be a tensor, found {type(part).__name__}")
    if tuple(part.shape) != size:
        wanted, found = (" x ".join(map(str, x)) or "one" for x in (size, part.shape))
        raise ValueError(
            f"{name} must be {wanted} numbers for this model, found {found}: use codes of this "
            "model, with as many of each part"
        )
    if not part.isfinite().all():
        raise ValueError(f"{name} must be finite, found numbers that are infinite or not a number")


def checked_count(count: int, name: str, *, minimum: int, maximum: int = MAX_COUNT) -> int:
    """Return a whole number that is large enough.

    Raises:
        TypeError: If it is no whole number.
        ValueError: If it is less than ``minimum`` or more than ``maximum``.
    """
    try:
        number = index(count)
    except TypeError as fault:
        raise TypeError(f"`{name}` must be a whole number, found {count!r}") from fault
    if not minimum <= number <= maximum:
        bounds = f"at least {minimum}" if number < minimum else f"at most {maximum:,}"
        raise ValueError(f"`{name}` must be {bounds}, found {number}")
    return number


def checked_fov_y(fov_y: float) -> float:
    """Return a vertical field of view.

    Raises:
        ValueError: If it is less than 5 degrees or more than 120.
    """
    low, high = map(radians, FOV_DEGREES)
    if not low <= fov_y <= high:
        raise ValueError(f"`fov_y` must be in [{low:.4f}, {high:.4f}] radians, found {fov_y}")
    return fov_y


def checked_size(size: int | tuple[int, int]) -> tuple[int, int]:
    """Return height and width of a picture to be drawn, in pixels.

    Raises:
        TypeError: If it is neither a whole number nor two.
        ValueError: If one is less than 1 or more than ``MAX_SIDE``.
    """
    sides = (size, size) if not isinstance(size, tuple | list) else tuple(size)
    if len(sides) != 2:
        raise TypeError(f"`size` must be a side, or height and width, found {size!r}")
    height, width = (checked_count(n, "size", minimum=1, maximum=MAX_SIDE) for n in sides)
    return height, width
