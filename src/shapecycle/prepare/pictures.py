"""Pictures of one's own: what is odd about each, and about a folder of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32
from PIL import Image
from scipy import ndimage  # type: ignore[import-untyped]
from scipy.fft import dctn  # type: ignore[import-untyped]

from shapecycle.data.photos import crop, window_of
from shapecycle.prepare.masks import Masked

CUT = 0.02
"""Share of the mask's extent along a border of the frame from which it is cut by it."""
SMALL = 48
"""Pixels along the longer side of an object below which it is too small to learn from."""
PIECE = 0.03
"""Area of a second piece of the mask, as a share of it, from which there are several."""
BLURRED = 0.5
"""Sharpness, as a share of the folder's median, below which a picture is blurred."""
EDGES = 0.05
"""Share of the pixels, those of greatest gradient, whose sharpness counts."""
ALIKE = 4
"""Of 63 bits of a hash, up to how many may differ in two pictures of the same."""
SAME_COLOURS = 0.03
"""Mean difference of their colours, likewise."""
HASHED, COMPARED = 8, 32
"""Side of the frequencies that make a hash, and of the pictures that are hashed."""
SHARP_SIDE = 256
"""Side at which sharpness is measured, in pixels, at most."""


@dataclass(frozen=True)
class Measured:
    """What is measured of a picture by itself.

    Attributes:
        problems: What is odd, looked at alone.
        sharpness: Of the strongest edges inside the mask, the Laplacian over the gradient: what a
            blur lowers, and the object's pattern hardly changes.
        hash: Bits that pictures which look alike share.
        colours: The picture on white, coarsely.
    """

    problems: tuple[str, ...]
    sharpness: float
    hash: Bool[np.ndarray, " n"]
    colours: Float32[np.ndarray, "3 s s"]


def measured(picture: Masked) -> Measured:
    """Look at one picture."""
    mask = picture.rgba[3] > 0.5
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    problems = []
    borders = {
        "top": (mask[0], width), "bottom": (mask[-1], width),
        "left": (mask[:, 0], height), "right": (mask[:, -1], height),
    }  # fmt: skip
    cut = [name for name, (line, extent) in borders.items() if line.sum() > CUT * extent]
    if cut:
        problems.append(f"cut by the frame ({', '.join(cut)})")
    if max(height, width) < SMALL:
        problems.append(f"tiny: {width} x {height} pixels")
    areas = np.sort(np.bincount(ndimage.label(mask, np.ones((3, 3)))[0].ravel())[1:])[::-1]
    pieces = int((areas > PIECE * areas.sum()).sum())
    if pieces > 1:
        problems.append(f"in {pieces} pieces")
    window = window_of(picture.rgba[3])
    # Not enlarged: what joins pixels linearly has no edges.
    side = min(SHARP_SIDE, max(COMPARED, round(window.half * picture.rgba.shape[1])))
    close = crop(picture.rgba, window, side)
    coarse = np.stack([_shrunk(plane * close[3] + 1 - close[3]) for plane in close[:3]])
    return Measured(tuple(problems), _sharpness(close), perceptual_hash(close), coarse)


def _sharpness(rgba: Float32[np.ndarray, "4 h w"]) -> float:
    grey = rgba[:3].mean(0)
    inside = ndimage.binary_erosion(rgba[3] > 0.99, iterations=3)
    if not inside.any():
        return 0.0
    gradient = np.hypot(ndimage.sobel(grey, 0), ndimage.sobel(grey, 1))[inside] / 8
    # Beside an edge that lies between two pixels, for on it the Laplacian is zero.
    bend = ndimage.maximum_filter(np.abs(ndimage.laplace(grey)), 3)[inside]
    strong = gradient >= np.quantile(gradient, 1 - EDGES)
    return float(bend[strong].mean() / max(gradient[strong].mean(), 1e-6))


def perceptual_hash(rgba: Float32[np.ndarray, "4 h w"]) -> Bool[np.ndarray, " n"]:
    """Return bits that agree in pictures that look alike.

    Source:
        C. Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010: signs
        of the lowest frequencies of the cosine transform, against their median.
    """
    small = _shrunk(rgba[:3].mean(0) * rgba[3] + 1 - rgba[3])
    low = dctn(small, norm="ortho")[:HASHED, :HASHED].ravel()[1:]
    bits: Bool[np.ndarray, " n"] = low > np.median(low)
    return bits


def _shrunk(plane: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "s s"]:
    image = Image.fromarray(plane.astype(np.float32))
    small = image.resize((COMPARED, COMPARED), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32)


def of_the_folder(paths: Sequence[Path], found: Sequence[Measured]) -> list[tuple[str, ...]]:
    """Return what is odd about each picture, beside the others too."""
    if not found:
        return []
    median = float(np.median([one.sharpness for one in found]))
    hashes = np.stack([one.hash for one in found])
    problems = []
    for k, one in enumerate(found):
        odd = list(one.problems)
        if one.sharpness < BLURRED * median:
            odd.append(f"blurred: {one.sharpness / median:.0%} of the folder's sharpness")
        alike = np.flatnonzero((hashes[:k] != one.hash).sum(1) <= ALIKE).tolist()
        same = [j for j in alike if np.abs(found[j].colours - one.colours).mean() < SAME_COLOURS]
        if same:
            odd.append(f"looks like {paths[same[0]].name}")
        problems.append(tuple(odd))
    return problems
