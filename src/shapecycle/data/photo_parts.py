"""Many photographs in parts that are read one after another: tar shards, or files by the thousand.

A sample of a shard is a picture, ``KEY.png`` (or .jpg, .jpeg, .webp) or ``KEY.image.png``, with its
mask as alpha or as ``KEY.mask.png``. Whatever else belongs to the key is passed over.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from shapecycle.data.folders import counted
from shapecycle.data.photos import SUFFIXES, PackedPhoto, Photo, load_photo
from shapecycle.data.shards import INDEX, counts_of, read_shard, shards_beside
from shapecycle.errors import DataError

MASK = "mask.png"
PICTURES = tuple(f"{before}{suffix[1:]}" for before in ("", "image.") for suffix in SUFFIXES)
"""What the names of a sample's picture may end in."""
FILES_A_PART = 1000
LOOKED_INTO = 64
"""Parts from which pictures are taken to begin with."""

Named = tuple[Path, Callable[[], Photo]]
"""What a picture is called, and what loads it."""


@dataclass(frozen=True)
class Part:
    """Some pictures, in a fixed order.

    Attributes:
        path: The shard; or the first of the files.
        files: Files of a folder; none of a shard.
    """

    path: Path
    files: tuple[Path, ...] = ()

    def read(self, first: int = 0) -> Iterator[Named]:
        """Give the pictures from a number on, not yet decoded.

        Raises:
            DataError: If the shard is damaged.
        """
        if self.files:
            yield from ((file, partial(load_photo, file)) for file in self.files[first:])
            return
        for key, files in read_shard(self.path, first=first, wanted=is_wanted):
            yield picture_of(self.path, key, files)


@dataclass(frozen=True)
class PhotoParts:
    """All photographs of a training that are read in turn, and how.

    Attributes:
        parts: Where they lie.
        size: Side of the crops, in pixels.
        margin: What the crops leave around the objects.
        skip_bad: Whether bad ones are passed over.
        count: How many they are, where that is known without reading them.
        fingerprint: What changes with the parts.
        note: What they are, in words.
    """

    parts: tuple[Part, ...]
    size: int
    margin: float
    skip_bad: bool
    count: int | None
    fingerprint: str
    note: str

    def some(self, count: int) -> Iterator[Named]:
        """Give so many pictures from all over, fewer where there are not as many."""
        chosen = min(LOOKED_INTO, len(self.parts))
        for k in range(chosen):
            part = self.parts[k * len(self.parts) // chosen]
            # What some have too few of, the next ones give more of.
            wanted = -(-count // (chosen - k))
            for named in islice(part.read(), wanted):
                count -= 1
                yield named

    def find(self, path: Path) -> Photo:
        """Read a picture by what it is called.

        Raises:
            DataError: If it is not there, or not usable.
        """
        shards = [part for part in self.parts if not part.files and path.is_relative_to(part.path)]
        if not shards:
            return load_photo(path)
        for found, load in shards[0].read():
            if found == path:
                return load()
        raise DataError(f"{path}: it is no longer there", "leave the pictures as they are")


def parts_of_shards(
    images: Path, shards: Sequence[Path], *, size: int, margin: float, skip_bad: bool
) -> PhotoParts:
    """Describe the pictures of shards; none of them is opened."""
    counts = counts_of(images)
    count = sum(counts[path.name] for path in shards) if counts else None
    there = "" if count is None else f"{counted(count, 'pictures')} in "
    note = f"{there}{counted(len(shards), 'shards')}, read in turn, in another order each time"
    beside = shards_beside(images, shards)
    if beside:
        note += (
            f"; {counted(len(beside), 'shards')} beside them, not in {INDEX}, left out "
            f"({beside[0].name})"
        )
    files = [(path.name, path.stat().st_size) for path in shards]
    parts = tuple(Part(path) for path in shards)
    return PhotoParts(parts, size, margin, skip_bad, count, _digest(files), note)


def parts_of_folder(
    files: Sequence[Path], *, size: int, margin: float, skip_bad: bool
) -> PhotoParts:
    """Describe the many pictures of a folder."""
    runs = [tuple(files[k : k + FILES_A_PART]) for k in range(0, len(files), FILES_A_PART)]
    return PhotoParts(
        tuple(Part(run[0], run) for run in runs),
        size,
        margin,
        skip_bad,
        len(files),
        _digest([path.name for path in files]),
        f"{counted(len(files), 'pictures')}, too many to be held in the memory: read in turn, "
        "in another order each time",
    )


def is_wanted(ending: str) -> bool:
    """Whether a file of a sample is a picture or its mask, by what its name ends in."""
    return ending == MASK or ending in PICTURES


def picture_of(shard: Path, key: str, files: Mapping[str, bytes], *, to_see: bool = False) -> Named:
    """Return the picture among the files of a shard's sample; ``to_see`` as `load_photo` has it."""
    ending = next((ending for ending in PICTURES if ending in files), None)
    if ending is None:
        return shard / key, partial(_refuse, shard / key)
    path = shard / f"{key}.{ending.rpartition('.')[2]}"
    packed = PackedPhoto(path, files[ending], files.get(MASK))
    return path, partial(load_photo, packed, to_see=to_see)


def _refuse(path: Path) -> Photo:
    name = path.name
    raise DataError(
        f"{path}: no file of this sample is called {name}.png or {name}.image.png (or "
        f"{', '.join(SUFFIXES[1:])})",
        f"a key ends at the first dot of a name; its files follow each other, a mask is KEY.{MASK}",
    )


def _digest(files: object) -> str:
    return hashlib.sha256(repr(files).encode(errors="surrogateescape")).hexdigest()
