"""Shards: tar files as WebDataset reads them, each there as a whole or not at all.

Source:
    Aizman et al., "High performance I/O for large scale deep learning", IEEE Big Data 2019: files
    of one sample follow each other, their names alike up to the first dot.
"""

import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from shapecycle.atomic import atomic_write

Sample = tuple[str, Mapping[str, bytes]]
"""Its key, and its files by what their names end in."""


def write_shard(path: Path, samples: Iterable[Sample]) -> None:
    """Write samples into one tar file; the same samples always make the same file.

    Raises:
        OSError: If it cannot be written.
    """
    with (
        atomic_write(path) as partial,
        tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for key, files in samples:
            for ending, contents in files.items():
                about = tarfile.TarInfo(f"{key}.{ending}")
                about.size = len(contents)
                tar.addfile(about, io.BytesIO(contents))


def samples_of(path: Path) -> int:
    """Count the samples of a tar file that is there as a whole; 0 for one that is not.

    Raises:
        OSError: If it cannot be read.
    """
    keys = set()
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                keys.add(member.name.partition(".")[0])
        with path.open("rb") as file:
            file.seek(-tarfile.RECORDSIZE, io.SEEK_END)
            # A tar file ends in two empty blocks.
            is_ended = not any(file.read()[-2 * tarfile.BLOCKSIZE :])
    except (tarfile.TarError, ValueError, OSError):
        return 0
    return len(keys) if is_ended else 0


def read_shard(path: Path) -> Iterator[Sample]:
    """Give the samples of one tar file, in its order.

    Raises:
        OSError, tarfile.TarError: If it cannot be read.
    """
    key, files = "", dict[str, bytes]()
    with tarfile.open(path) as tar:
        for member in tar:
            contents = tar.extractfile(member)
            if contents is None:
                continue
            stem, _, ending = member.name.partition(".")
            if stem != key and files:
                yield key, files
                files = {}
            key = stem
            files[ending] = contents.read()
    if files:
        yield key, files


def json_bytes(values: Any) -> bytes:
    """Return plain values as one line of JSON."""
    return json.dumps(values, separators=(",", ":")).encode()
