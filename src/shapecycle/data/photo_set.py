"""The training photographs: all pictures of a folder, or some to begin with where they are many."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from shapecycle.data.folders import Tell, counted, list_folder, load_all
from shapecycle.data.photo_parts import PhotoParts, parts_of_folder, parts_of_shards
from shapecycle.data.photos import SUFFIXES, Photo, Window, cropped, load_photo
from shapecycle.data.shards import list_shards
from shapecycle.errors import DataError

MANY = 20_000
"""Pictures in a folder up to which all are held in the memory."""
TO_BEGIN_WITH = 2048
"""How many are loaded first where there are more, or where they lie in shards."""

Crop = tuple[UInt8[np.ndarray, "4 size size"], Window]


@dataclass(frozen=True, eq=False)
class PhotoSet:
    """The training pictures, cropped around their objects to one size.

    Attributes:
        rgba: Crops, straight alpha, sRGB, 0 to 255; colour is 0 where alpha is 0.
        windows: centre_x, centre_y, half of each crop in its picture's frame (see ``Window``).
        paths: Their files, sorted; a shard's are named as if it were a folder.
        notes: What was done, one line each.
        parts: Where these are only some of the pictures: all of them, to be read in turn.
    """

    rgba: UInt8[Tensor, "n 4 size size"]
    windows: Float32[Tensor, "n 3"]
    paths: list[Path]
    notes: list[str]
    parts: PhotoParts | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def load(self, index: int) -> Photo:
        """Read one of these pictures again, as a whole.

        Raises:
            DataError: If it is no longer there, or no longer usable.
        """
        path = self.paths[index]
        return load_photo(path) if self.parts is None else self.parts.find(path)


def load_photos(
    images: Path,
    *,
    size: int,
    margin: float = 0.1,
    skip_bad: bool = False,
    minimum: int = 8,
    tell: Tell | None = None,
) -> PhotoSet:
    """Load the pictures of a training, each cropped around its object.

    Args:
        images: A folder of RGBA pictures, or of RGB ones with twins in ``masks/`` (see
            `load_photo`); or a tar shard, or a folder of them (see `data.photo_parts`).
        size: Side of the crops, in pixels.
        margin: What the crops leave around the objects (see `window_of`).
        skip_bad: Leave bad files out and name them in the notes, instead of raising.
        minimum: The fewest usable pictures that will do.
        tell: As `load_all` takes it.

    Returns:
        The crops, in the order of their sorted file names. Of shards, and of more than ``MANY``
        files, some from all over.

    Raises:
        DataError: If the folder is missing, empty or unreadable, if files in it are bad
            (one error names them all), or if too few are usable.
    """
    files: Iterable[tuple[Path, Callable[[], Photo]]]
    ignored = ""
    parts = parts_of(images, size=size, margin=margin, skip_bad=skip_bad)
    if parts is None:
        listing = list_folder(images, "pictures", SUFFIXES)
        files = ((path, partial(load_photo, path)) for path in listing.files)
        count, ignored = len(listing.files), listing.ignored_note
    else:
        files, count = parts.some(TO_BEGIN_WITH), min(TO_BEGIN_WITH, parts.count or TO_BEGIN_WITH)

    def crop(load: Callable[[], Photo]) -> Crop:
        return cropped(load(), size=size, margin=margin)

    crops = ((path, partial(crop, load)) for path, load in files)
    loaded = load_all(
        images, "pictures", count, crops, skip_bad=skip_bad, minimum=minimum, tell=tell
    )
    made = _together(loaded.items, loaded.paths, margin)
    notes = [*made.notes, *loaded.notes, ignored]
    if parts is not None:
        notes = [parts.note, f"to begin with, {notes[0]}", *notes[1:]]
    return replace(made, notes=[note for note in notes if note], parts=parts)


def parts_of(images: Path, *, size: int, margin: float, skip_bad: bool) -> PhotoParts | None:
    """Return the parts in which a training's pictures are read; None where all are held at once.

    Raises:
        DataError: If there are both shards and pictures, or neither.
    """
    shards = list_shards(images)
    if shards:
        there = images.iterdir() if images.is_dir() else ()
        if beside := next((p for p in there if p.suffix.lower() in SUFFIXES), None):
            raise DataError(
                f"{images}: both shards ({shards[0].name}) and pictures ({beside.name}) in it",
                "put the ones or the others elsewhere",
            )
        return parts_of_shards(images, shards, size=size, margin=margin, skip_bad=skip_bad)
    files = list_folder(images, "pictures", SUFFIXES).files
    if len(files) <= MANY:
        return None
    return parts_of_folder(files, size=size, margin=margin, skip_bad=skip_bad)


def _together(crops: Sequence[Crop], paths: list[Path], margin: float) -> PhotoSet:
    pixels, windows = zip(*crops, strict=True)
    halves, size = np.array([window.half for window in windows]), pixels[0].shape[-1]
    note = (
        f"{counted(len(pixels), 'pictures')} cropped to squares around their masks with a margin "
        f"of {margin:.0%} and resampled to {size} x {size} RGBA; the squares span "
        f"{np.median(halves):.2f} of their pictures' height (median; {halves.min():.2f} to "
        f"{halves.max():.2f})"
    )
    rows = torch.tensor([(w.centre_x, w.centre_y, w.half) for w in windows])
    return PhotoSet(torch.from_numpy(np.stack(pixels)), rows, paths, [note])
