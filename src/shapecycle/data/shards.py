"""Shards: tar files as WebDataset reads them, each there as a whole or not at all.

Source:
    Aizman et al., "High performance I/O for large scale deep learning", IEEE Big Data 2019: files
    of one sample follow each other, their names alike up to the first dot.
"""

import io
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from shapecycle.atomic import atomic_write
from shapecycle.errors import DataError

SUFFIX = ".tar"
MESHES = "meshes"
"""What the names of shards begin with that hold the meshes of the pictures beside them."""
INDEX = "index.json"
"""Beside shards: which files they are, and how many samples each holds."""
MAX_BYTES = 200_000_000
"""Larger files in shards are refused."""
HINT = (
    "write it again: a plain tar file, without compression, in which no file is cut off; "
    "--skip-bad leaves out pictures, no shards"
)

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
    """Count the samples of a tar file that is there as a whole; 0 for one that is not."""
    try:
        return sum(1 for _ in read_shard(path, wanted=lambda _: False))
    except DataError:
        return 0


def read_shard(
    path: Path, *, first: int = 0, wanted: Callable[[str], bool] = lambda _: True
) -> Iterator[Sample]:
    """Give the samples of one tar file, in its order; nothing is unpacked to the disk.

    Folders and hidden files in it are passed over.

    Args:
        path: The file.
        first: How many samples to pass over, without reading them.
        wanted: Of which files, by what their names end in, the contents are read; a sample of none
            is a sample all the same.

    Raises:
        DataError: If it cannot be read to its end; if a wanted file is a link, or there twice; if a
            name leads out of the shard, or is no text.
    """
    number, key, files, reached = -1, "", dict[str, bytes](), -1
    try:
        with path.open("rb") as file, tarfile.open(fileobj=_Bounded(file), mode="r:") as tar:
            _check_end(path)
            while (member := tar.next()) is not None:
                # It would remember every file of a million.
                tar.members.clear()  # type: ignore[attr-defined]
                end: int = tar.offset
                if end <= reached:
                    raise tarfile.ReadError(f"after {member.name} it leads back")
                reached = end
                name = _split(member, path)
                if name is None:
                    continue
                stem, ending = name
                if number < 0 or stem != key:
                    if number >= first:
                        yield key, files
                    number, key, files = number + 1, stem, {}
                if number >= first and wanted(ending):
                    if ending in files:
                        raise DataError(
                            f"{path}: {member.name} is there twice", "give every picture its name"
                        )
                    files[ending] = _contents(tar, member, path)
            _check_all_read(tar)
    except DataError:
        raise
    except OSError as fault:
        raise DataError(f"{path}: the shard cannot be read ({fault.strerror or fault})") from fault
    # Of headers that cannot be, Python raises nearly anything.
    except Exception as fault:
        raise DataError(f"{path}: the shard is damaged ({fault})", HINT) from fault
    if number >= first:
        yield key, files


def list_shards(path: Path) -> list[Path]:
    """Return the shards that a path means: itself, or those in a folder, by its index or its names.

    Returns:
        None of them where a folder holds no tar file, or the path is none.

    Raises:
        DataError: If the folder's index names files that are not there.
    """
    if path.is_file():
        return [path] if path.suffix.lower() == SUFFIX else []
    if not path.is_dir():
        return []
    there = _tar_files(path)
    indexed = counts_of(path)
    if not there or not indexed:
        return there
    # Shards of something else, such as meshes, may lie beside them.
    files = [path / name for name in indexed]
    for file in files:
        if not file.is_file():
            raise DataError(
                f"{path}: its {INDEX} names {file.name}, which is not there",
                f"put it back, or remove {INDEX} to take the shards that are there",
            )
    return files


def shards_beside(folder: Path, shards: Sequence[Path]) -> list[Path]:
    """Return the shards in a folder that are pictures' but for its index, which leaves them out.

    Those that `synthesize` writes meshes into are none.
    """
    indexed = set(shards)
    there = _tar_files(folder) if folder.is_dir() else []
    return [p for p in there if p not in indexed and not p.name.startswith(f"{MESHES}-")]


def _tar_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob(f"*{SUFFIX}") if not p.name.startswith("."))


def counts_of(folder: Path) -> dict[str, int]:
    """Return how many samples the index of a folder gives for each of its shards; {} without one.

    An index that is none of ours is passed over: other programs write files of that name.
    """
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        rows = {row["file"]: row["count"] for row in index["shards"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    fits = all(
        isinstance(name, str) and Path(name).name == name and name.endswith(SUFFIX)
        and isinstance(count, int) and count > 0
        for name, count in rows.items()
    )  # fmt: skip
    return rows if fits else {}


def json_bytes(values: Any) -> bytes:
    """Return plain values as one line of JSON."""
    return json.dumps(values, separators=(",", ":")).encode()


def _split(member: tarfile.TarInfo, path: Path) -> tuple[str, str] | None:
    """Return a file's key, and what its name ends in, in lower case; None for what is none.

    Raises:
        DataError: If its name leads out of the shard, or is no text.
    """
    name = member.name.removeprefix("./")
    folder, _, base = name.rpartition("/")
    stem, _, ending = base.partition(".")
    if not (member.isreg() or member.issym() or member.islnk()) or not stem:
        return None
    if name.startswith("/") or ".." in folder.split("/") or not name.isprintable():
        raise DataError(
            f"{path}: {member.name!a} in it is no name of a file in a shard",
            "pack files by their names from their own folder: tar -C FOLDER -cf SHARD.tar ...",
        )
    return (f"{folder}/{stem}" if folder else stem), ending.lower()


class _Bounded(io.RawIOBase):
    """A file of which no more is asked than it holds: a header may promise terabytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._size = file, file.seek(0, io.SEEK_END)
        file.seek(0)

    def read(self, count: int = -1) -> bytes:
        left = max(0, self._size - self._file.tell())
        return self._file.read(left if count < 0 else min(count, left))

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _contents(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> bytes:
    if not member.isreg():
        raise DataError(
            f"{path}: {member.name} in it is a link, and links are not followed",
            "pack what they lead to: tar --dereference --hard-dereference -cf ...",
        )
    if member.size > MAX_BYTES:
        raise DataError(
            f"{path}: {member.name} in it has {member.size:,} bytes, more than the "
            f"{MAX_BYTES // 1_000_000} million that are read",
            HINT,
        )
    file = tar.extractfile(member)
    contents = b"" if file is None else file.read()
    if len(contents) != member.size:
        raise tarfile.ReadError(f"{member.name} is cut off")
    return contents


def _check_end(path: Path) -> None:
    """Raise unless a tar file ends in two empty blocks: one that is cut off would seem shorter."""
    with path.open("rb") as file:
        length = file.seek(0, io.SEEK_END)
        file.seek(max(0, length - 2 * tarfile.BLOCKSIZE))
        if any(file.read()):
            raise tarfile.ReadError("it is cut off")


def _check_all_read(tar: tarfile.TarFile) -> None:
    """Raise unless an empty block follows: at a damaged header, reading just stops."""
    end: int = tar.offset
    assert tar.fileobj is not None
    tar.fileobj.seek(end)
    if any(tar.fileobj.read(tarfile.BLOCKSIZE)):
        raise tarfile.ReadError(f"the header at byte {end} is none")
