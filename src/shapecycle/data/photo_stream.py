"""Photographs that are too many for the memory: each of several processes reads its share in turn.

In every epoch each picture is seen once, by one of the processes. They go through the parts in an
order that is drawn anew for each epoch, alike in all of them; each has some parts open at once, and
shuffles what it reads in blocks. Where it stands is a few numbers: a training that goes on reads
the block that it was in again, and nothing else.
"""

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from shapecycle.console import say
from shapecycle.data.folders import MAX_NAMED, counted
from shapecycle.data.photo_parts import Named, PhotoParts
from shapecycle.data.photos import Window, cropped
from shapecycle.errors import CheckpointError, DataError, ShapecycleError

BLOCK_BYTES = 2**25
"""Of crops that are shuffled together; the next as many are read meanwhile."""
OPEN = 4
"""Parts that are read at once."""
EVEN = 16
"""Parts a process from which they are dealt out as a whole; of fewer each gets some pictures."""
DECODED_AT_ONCE = 32
MAX_DECODERS = 8


class Taken(NamedTuple):
    """Some photographs: what they are called, crops in straight alpha, 0 to 255, and windows."""

    paths: list[Path]
    rgba: UInt8[Tensor, "n 4 size size"]
    windows: Float32[Tensor, "n 3"]


@dataclass(frozen=True)
class Place:
    """Where a block begins.

    Attributes:
        epoch: Number of the epoch.
        block: Number of the block in it.
        begun: How many of this process's parts were opened in it.
        open: Numbers of those that are open, among its own, and of the next sample in each.
        found: Usable pictures so far in the epoch.
    """

    epoch: int = 0
    block: int = 0
    begun: int = 0
    open: tuple[tuple[int, int], ...] = ()
    found: int = 0


class _Crop(NamedTuple):
    path: Path
    pixels: UInt8[np.ndarray, "4 size size"]
    window: Window


@dataclass(frozen=True, eq=False)
class _Block:
    end: Place
    photos: Taken
    bad: list[str]


class PhotoStream:
    """Reads photographs in turn, and decodes ahead.

    Args:
        parts: All of them.
        seed: Of their order.
        rank: Number of this process, from 0.
        size: Number of all processes.
    """

    def __init__(self, parts: PhotoParts, *, seed: int = 0, rank: int = 0, size: int = 1) -> None:
        self.parts, self.seed, self.rank, self.size = parts, seed, rank, size
        self._at_once = max(64, BLOCK_BYTES // (4 * parts.size**2))
        shares = size if len(parts.parts) < EVEN * size else 1
        self._units = [(part, k, shares) for part in parts.parts for k in range(shares)]
        self._readers: dict[int, tuple[int, Iterator[Named]]] = {}
        self._is_closed = False
        self._reader = ThreadPoolExecutor(1, "photographs")
        decoders = max(1, min(MAX_DECODERS, (os.cpu_count() or 1) - 1))
        self._decoders = ThreadPoolExecutor(decoders, "decoding photographs")
        self._next: Future[_Block] | None = None
        self._begin(Place(), 0)

    def read_ahead(self) -> "Future[_Block]":
        """Begin to read the next block, if that has not begun."""
        if self._next is None:
            self._next = self._reader.submit(self._read, self._start)
        return self._next

    def take(self, count: int) -> Taken:
        """Return the next so many photographs.

        Raises:
            DataError: If one of them is bad, and bad ones are not passed over; or if all are.
        """
        paths: list[Path] = []
        rgba: list[Tensor] = []
        windows: list[Tensor] = []
        while len(paths) < count:
            photos = self._block().photos
            some = slice(self._offset, self._offset + count - len(paths))
            self._offset += len(photos.paths[some])
            paths += photos.paths[some]
            rgba.append(photos.rgba[some])
            windows.append(photos.windows[some])
        return Taken(paths, torch.cat(rgba), torch.cat(windows))

    def position(self) -> dict[str, Any]:
        """Return where this stands, as plain numbers."""
        return {
            **vars(self._start), "open": [list(pair) for pair in self._start.open],
            "offset": self._offset, "seed": self.seed, "fingerprint": self.parts.fingerprint,
        }  # fmt: skip

    def go_to(self, positions: Sequence[Mapping[str, Any]]) -> bool:
        """Go on where the processes of an earlier training stood.

        Args:
            positions: Of each of them.

        Returns:
            Whether just there. Where they were another number, a new epoch begins.

        Raises:
            CheckpointError: If they read something else.
        """
        if any(found["fingerprint"] != self.parts.fingerprint for found in positions):
            raise CheckpointError(
                "cannot resume: the pictures are not those that the run was begun with",
                "give the same files, or train into a new folder",
            )
        self.seed = int(positions[0]["seed"])
        if len(positions) != self.size:
            self._begin(Place(1 + max(int(found["epoch"]) for found in positions)), 0)
            return False
        own = positions[self.rank]
        epoch, block, begun, found = (int(own[k]) for k in ("epoch", "block", "begun", "found"))
        opened = tuple((int(unit), int(sample)) for unit, sample in own["open"])
        self._begin(Place(epoch, block, begun, opened, found), int(own["offset"]))
        return True

    def close(self) -> None:
        """Stop reading."""
        self._is_closed = True
        for pool in (self._reader, self._decoders):
            pool.shutdown(cancel_futures=True)

    # Blocks -----------------------------------------------------------------------------------

    def _begin(self, place: Place, offset: int) -> None:
        """Stand where a block is used from some picture on."""
        self._start, self._offset = place, offset
        self._current: _Block | None = None
        self._next = None

    def _block(self) -> _Block:
        """Return the block in use, the next one where that is used up."""
        while self._current is None or self._offset >= len(self._current.photos.paths):
            if self._current is not None:
                self._start, self._offset = self._current.end, 0
            self._current = self.read_ahead().result()
            self._next = self._reader.submit(self._read, self._current.end)
            if bad := self._current.bad:
                say("\n".join([f"left out {counted(len(bad), 'pictures')}:", *bad[:MAX_NAMED]]))
        return self._current

    def _read(self, start: Place) -> _Block:
        """Read, decode and shuffle a block; in the reading thread."""
        rng = np.random.default_rng([self.seed, start.epoch])
        own = rng.permutation(len(self._units))[self.rank :: self.size].tolist()
        opened, begun = deque(start.open), start.begun
        crops: list[_Crop] = []
        bad: list[str] = []
        while len(crops) < self._at_once and not self._is_closed:
            some: list[Named] = []
            while len(some) < min(DECODED_AT_ONCE, self._at_once - len(crops)):
                while len(opened) < OPEN and begun < len(own):
                    opened.append((begun, 0))
                    begun += 1
                if not opened:
                    break
                number, sample = opened.popleft()
                if (found := self._sample(own[number], sample)) is not None:
                    opened.append((number, found[0]))
                    some.append(found[1])
            if not some:
                break
            for result in self._decoders.map(self._decode, some):
                if isinstance(result, _Crop):
                    crops.append(result)
                elif not self.parts.skip_bad:
                    raise result
                else:
                    bad.append(result.what)
        end = Place(start.epoch, start.block + 1, begun, tuple(opened), start.found + len(crops))
        if not opened and begun == len(own):
            end = Place(start.epoch + 1)
            if not start.found + len(crops):
                raise DataError(
                    f"no usable picture for process {self.rank} of {self.size}",
                    "give more pictures, or fewer processes",
                )
        return _Block(end, self._shuffled(crops, start), bad)

    def _sample(self, unit: int, first: int) -> tuple[int, Named] | None:
        """Return a unit's sample from a number on, and the number that follows; None at its end."""
        part, share, shares = self._units[unit]
        number, reader = self._readers.pop(unit, (-1, iter(())))
        if number != first:
            number, reader = first, part.read(first)
        for named in reader:
            number += 1
            if (number - 1) % shares == share:
                self._readers[unit] = number, reader
                return number, named
        return None

    def _decode(self, named: Named) -> "_Crop | DataError":
        path, load = named
        try:
            pixels, window = cropped(load(), size=self.parts.size, margin=self.parts.margin)
        except ShapecycleError as fault:
            return DataError(
                fault.what, f"{fault.hint}; or go on without such ones: --resume --skip-bad"
            )
        return _Crop(path, pixels, window)

    def _shuffled(self, crops: list[_Crop], start: Place) -> Taken:
        rng = np.random.default_rng([self.seed, start.epoch, start.block, self.rank])
        side = self.parts.size
        rgba = np.empty((len(crops), 4, side, side), np.uint8)
        windows = np.empty((len(crops), 3), np.float32)
        paths = []
        for row, k in enumerate(rng.permutation(len(crops)).tolist()):
            path, rgba[row], window = crops[k]
            windows[row] = window.centre_x, window.centre_y, window.half
            paths.append(path)
        return Taken(paths, torch.from_numpy(rgba), torch.from_numpy(windows))
