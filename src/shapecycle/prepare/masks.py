"""Masks of pictures that have none, where they can be had without guessing.

The ladder: the picture's own alpha, a twin in a folder of masks, a background of one colour, and a
command of the user's own. What none of these gives is reported, and never guessed.
"""

import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float32
from PIL import Image
from scipy import ndimage  # type: ignore[import-untyped]

from shapecycle.data.photos import load_photo, pixels_of_file
from shapecycle.errors import DataError

RING = 0.02
"""Width of the picture's rim that shows the background, as a share of its shorter side."""
EVEN = 0.9
"""Share of the rim that must have the background's colour."""
OFF = 0.06
"""Distance of sRGB colours, in each channel about, up to which a pixel of the rim has it."""
STRICT = 0.5
"""Part of the threshold below which what the object surrounds is an opening, not a part of it."""
BAND = 3
"""Pixels inside the outline that may be mixtures with the background."""
SPECK = 0.001
"""Area, as a share of the picture, of pieces and openings that are noise."""
COMMAND_SECONDS = 600.0
"""What a command may take for one picture."""


@dataclass(frozen=True, eq=False)
class Masked:
    """A picture with its mask.

    Attributes:
        rgba: Straight alpha, sRGB, in [0, 1], row 0 on top.
        origin: Where the mask comes from: "alpha", "twin", "background" or "command".
    """

    rgba: Float32[np.ndarray, "4 h w"]
    origin: str


def masked(
    path: Path, *, background: Float[np.ndarray, "3"] | None = None, command: str | None = None
) -> Masked:
    """Load a picture and find its mask.

    Args:
        path: A PNG, JPEG or WebP file.
        background: The background's sRGB colour in [0, 1]; by default that of the picture's rim,
            if it is of one colour.
        command: A command that is called with the picture's path and that of the mask to write,
            white on the object, if nothing else gives one.

    Raises:
        DataError: If the picture cannot be read, or no mask can be had.
    """
    rgba = pixels_of_file(path)
    if rgba[3].min() < 1:
        return Masked(load_photo(path).rgba, "alpha")
    try:
        return Masked(load_photo(path).rgba, "twin")
    except DataError as error:
        if "no mask" not in error.what:
            raise
        hint = error.hint
    alpha = on_background(rgba[:3], background)
    if alpha is not None:
        return Masked(np.concatenate([rgba[:3], alpha[None]]), "background")
    if command is not None:
        mask = _commanded(path, command, rgba.shape[1:])
        return Masked(np.concatenate([rgba[:3], mask[None]]), "command")
    raise DataError(
        f"{path}: no mask: it is opaque, there is no twin, and its rim is not of one colour",
        f"{hint}; or name a program that makes masks: --masker COMMAND",
    )


def on_background(
    colours: Float32[np.ndarray, "3 h w"], background: Float[np.ndarray, "3"] | None = None
) -> Float32[np.ndarray, "h w"] | None:
    """Return the mask of an object on a background of one colour; None if it is not of one.

    What has the background's colour and is joined to the rim is outside, and so is what the object
    surrounds, where it has that colour closely; specks are neither.

    Args:
        colours: sRGB, in [0, 1].
        background: Its colour; by default the median of the rim.
    """
    height, width = colours.shape[1:]
    reach = max(1, round(RING * min(height, width)))
    is_rim = np.ones((height, width), dtype=bool)
    is_rim[reach:-reach, reach:-reach] = False
    rim = colours[:, is_rim]
    colour = np.median(rim, axis=1) if background is None else np.asarray(background)
    away = np.abs(colours - colour[:, None, None]).max(0)
    on_rim = away[is_rim]
    if (on_rim < OFF).mean() < EVEN:
        return None
    # Noise of the camera, and of JPEG, is seen on the rim.
    noise = float(np.quantile(on_rim[on_rim < OFF], 0.98))
    threshold = max(0.02, 1.5 * noise)
    near: Bool[np.ndarray, "h w"] = away < threshold
    pieces, _ = ndimage.label(near)
    outside = np.isin(pieces, np.unique(pieces[is_rim & near])) & near
    openings = _without_specks(near & ~outside & (away < STRICT * threshold + noise), SPECK)
    inside = _without_specks(~(outside | openings), SPECK)
    if not inside.any():
        return None
    return _matted(colours, colour, inside)


def _matted(
    colours: Float32[np.ndarray, "3 h w"],
    background: Float[np.ndarray, "3"],
    inside: Bool[np.ndarray, "h w"],
) -> Float32[np.ndarray, "h w"]:
    """Return coverage: along the outline a pixel mixes the background with the object nearby."""
    core = ndimage.binary_erosion(inside, iterations=BAND)
    alpha = inside.astype(np.float32)
    if not core.any():
        return alpha
    band = ndimage.binary_dilation(inside) & ~core
    row, column = ndimage.distance_transform_edt(~core, return_distances=False, return_indices=True)
    own = colours[:, row, column] - background[:, None, None]
    mixed = colours - background[:, None, None]
    share = (own * mixed).sum(0) / np.maximum((own * own).sum(0), 1e-4)
    alpha[band] = share[band].clip(0, 1)
    return alpha


def _without_specks(mask: Bool[np.ndarray, "h w"], share: float) -> Bool[np.ndarray, "h w"]:
    pieces, count = ndimage.label(mask)
    if count == 0:
        return mask
    areas = np.bincount(pieces.ravel())
    large = areas >= max(4, share * mask.size)
    large[0] = False
    kept: Bool[np.ndarray, "h w"] = large[pieces]
    return kept


def _commanded(path: Path, command: str, size: tuple[int, ...]) -> Float32[np.ndarray, "h w"]:
    """Call a command for a mask.

    Raises:
        DataError: If it cannot be called, fails, or writes no mask of the picture's size.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mask.png"
        words = [*shlex.split(command), str(path.absolute()), str(file)]
        try:
            done = subprocess.run(words, capture_output=True, timeout=COMMAND_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as fault:
            raise DataError(
                f"{path}: --masker {command} cannot be called: {fault}",
                "it is called with two paths: the picture, and the mask to write",
            ) from fault
        if done.returncode or not file.is_file():
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            said = f": {last[0]}" if last else ""
            raise DataError(
                f"{path}: --masker {command} ended with {done.returncode} and "
                f"{'a' if file.is_file() else 'no'} mask{said}",
                "it is called with two paths: the picture, and the mask to write",
            )
        with Image.open(file) as picture:
            mask = np.asarray(picture.convert("L"), dtype=np.float32) / 255
    if mask.shape != size:
        raise DataError(
            f"{path}: the mask of --masker is {mask.shape[1]} x {mask.shape[0]}, the picture "
            f"{size[1]} x {size[0]}",
            "it must be of the picture's size, after EXIF rotation",
        )
    return mask
