"""Shards: what is written is read, in whole files, the same bytes from the same samples."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shapecycle.data import shards
from shapecycle.data.shards import (
    Sample,
    counts_of,
    list_shards,
    read_shard,
    samples_of,
    write_shard,
)
from shapecycle.errors import DataError

SAMPLES: list[Sample] = [
    ("000", {"image.png": b"abc", "json": b"{}"}),
    ("001", {"image.png": b"", "json": b'{"a": 1}'}),
    ("some/002", {"image.png": b"x" * 2000, "json": b'{"a": 2}'}),
]


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    write_shard(tmp_path / "a.tar", SAMPLES)
    return tmp_path / "a.tar"


def _tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for about, contents in members:
            about.size = len(contents)
            tar.addfile(about, io.BytesIO(contents))
    return path


def test_samples_come_back_in_their_order(shard: Path) -> None:
    assert list(read_shard(shard)) == SAMPLES
    assert samples_of(shard) == 3


def test_from_any_sample_on_the_rest_comes_back(shard: Path) -> None:
    for first in range(5):
        assert list(read_shard(shard, first=first)) == SAMPLES[first:]


def test_what_is_not_wanted_is_not_read_and_its_sample_still_counts(shard: Path) -> None:
    found = list(read_shard(shard, wanted=lambda ending: ending == "json"))
    assert [key for key, _ in found] == [key for key, _ in SAMPLES]
    assert [set(files) for _, files in found] == [{"json"}] * 3
    assert samples_of(shard) == 3


def test_the_same_samples_make_the_same_file(tmp_path: Path) -> None:
    for name in ("a.tar", "b.tar"):
        write_shard(tmp_path / name, SAMPLES)
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_of_a_shard_that_was_not_finished_nothing_is_left(tmp_path: Path) -> None:
    def broken() -> Iterator[Sample]:
        yield SAMPLES[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shard(tmp_path / "a.tar", broken())
    assert not list(tmp_path.iterdir())


def test_a_shard_cut_off_anywhere_never_passes_for_a_shorter_one(shard: Path) -> None:
    whole = shard.read_bytes()
    data = 512 * (len(whole.rstrip(b"\0")) // 512 + 1)  # what follows is padding
    for length in [*range(0, data, 256), data - 1]:
        shard.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"a\.tar: the shard is damaged"):
            list(read_shard(shard))
        assert samples_of(shard) == 0


def test_a_damaged_header_is_no_early_end(shard: Path) -> None:
    whole = bytearray(shard.read_bytes())
    with tarfile.open(shard) as tar:
        headers = [member.offset for member in tar]
    assert len(headers) == 6
    for at in headers:
        shard.write_bytes(whole[: at + 100] + b"\xff" * 60 + whole[at + 160 :])
        with pytest.raises(DataError, match="damaged"):
            list(read_shard(shard))


def test_what_other_programs_put_into_shards_is_passed_over(tmp_path: Path) -> None:
    folder, link = tarfile.TarInfo("./x"), tarfile.TarInfo("x/2.png")
    folder.type, link.type, link.linkname = tarfile.DIRTYPE, tarfile.SYMTYPE, "/etc/passwd"
    path = _tar(
        tmp_path / "a.tar",
        (folder, b""),
        (tarfile.TarInfo("./x/._1.png"), b"resource fork"),
        (tarfile.TarInfo("./x/1.png"), b"one"),
        (tarfile.TarInfo("./x/1.cls"), b"3"),
        (link, b""),
    )
    assert list(read_shard(path)) == [("x/1", {"png": b"one", "cls": b"3"})]


def test_a_file_larger_than_any_picture_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "MAX_BYTES", 10)
    path = _tar(tmp_path / "a.tar", (tarfile.TarInfo("1.png"), b"x" * 11))
    with pytest.raises(DataError, match=r"1\.png in it has 11 bytes"):
        list(read_shard(path))
    assert samples_of(path) == 1


def test_a_compressed_shard_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("1.png"))
    with pytest.raises(DataError, match="without compression"):
        list(read_shard(tmp_path / "a.tar"))


def test_the_shards_of_a_folder_are_those_of_its_index(shard: Path) -> None:
    folder = shard.parent
    write_shard(folder / "meshes.tar", SAMPLES)
    assert [p.name for p in list_shards(folder)] == ["a.tar", "meshes.tar"]
    (folder / "index.json").write_text('{"shards": [{"file": "a.tar", "count": 3}]}')
    assert list_shards(folder) == [shard]
    assert counts_of(folder) == {"a.tar": 3}
    assert list_shards(shard) == [shard]
    (folder / "index.json").write_text('{"shards": [{"file": "b.tar", "count": 3}]}')
    with pytest.raises(DataError, match=r"b\.tar, which is not there"):
        list_shards(folder)


@pytest.mark.parametrize(
    "index",
    ["", "[]", '{"shards": 3}', '{"shards": [{"file": "../a.tar", "count": 3}]}', "[" * 100_000],
)
def test_an_index_of_another_program_is_passed_over(shard: Path, index: str) -> None:
    (shard.parent / "index.json").write_text(index)
    assert list_shards(shard.parent) == [shard]
    assert counts_of(shard.parent) == {}
