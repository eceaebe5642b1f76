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
from jaxtyping import Float, Float32
from PIL import Image

from shapecycle.data.backgrounds import on_background
from shapecycle.data.photos import MASK_HINT, load_photo, near_miss, pixels_of_file, twin_of
from shapecycle.errors import DataError

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
    path: Path,
    *,
    background: Float[np.ndarray, "3"] | None = None,
    command: str | None = None,
    side: int | None = None,
) -> Masked:
    """Load a picture and find its mask.

    Args:
        path: A PNG, JPEG or WebP file.
        background: The background's sRGB colour in [0, 1]; by default that of the picture's rim,
            if it is of one colour.
        command: A command that is called with the picture's path and that of the mask to write,
            white on the object, if nothing else gives one.
        side: Pixels along the longer side to which pictures on a background are shrunk first.

    Raises:
        DataError: If the picture cannot be read, or no mask can be had.
    """
    rgba = pixels_of_file(path, side=side)
    if rgba[3].min() < 1:
        return Masked(load_photo(path).rgba, "alpha")
    if twin_of(path) is not None:
        return Masked(load_photo(path).rgba, "twin")
    alpha = on_background(rgba[:3], background)
    if alpha is not None:
        return Masked(np.concatenate([rgba[:3], alpha[None]]), "background")
    if command is not None:
        rgba = pixels_of_file(path)
        mask = _commanded(path, command, rgba.shape[1:])
        return Masked(np.concatenate([rgba[:3], mask[None]]), "command")
    miss = near_miss(path)
    other = "" if miss is None else f" (there is {miss.parent.name}/{miss.name})"
    raise DataError(
        f"{path}: no mask: it is opaque, there is no twin{other}, and its rim is not of one colour",
        f"{MASK_HINT}; or name a program that makes masks: --masker COMMAND",
    )


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
