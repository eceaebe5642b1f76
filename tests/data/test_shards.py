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
    folder = tarfile.TarInfo("./x")
    folder.type = tarfile.DIRTYPE
    path = _tar(
        tmp_path / "a.tar",
        (folder, b""),
        (tarfile.TarInfo("./x/._1.png"), b"resource fork"),
        (tarfile.TarInfo("./x/1.png"), b"one"),
        (tarfile.TarInfo("./x/1.CLS"), b"3"),
    )
    assert list(read_shard(path)) == [("x/1", {"png": b"one", "cls": b"3"})]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_are_neither_followed_nor_passed_over(tmp_path: Path, kind: bytes) -> None:
    link = tarfile.TarInfo("2.png")
    link.type, link.linkname = kind, "1.png"
    path = _tar(tmp_path / "a.tar", (tarfile.TarInfo("1.png"), b"one"), (link, b""))
    with pytest.raises(DataError, match=r"2\.png in it is a link[^+]+--dereference"):
        list(read_shard(path))
    assert list(read_shard(path, wanted=lambda _: False)) == [("1", {}), ("2", {})]


def test_a_picture_that_is_there_twice_is_named(tmp_path: Path) -> None:
    twice = [(tarfile.TarInfo("1.png"), contents) for contents in (b"one", b"two")]
    with pytest.raises(DataError, match=r"1\.png is there twice"):
        list(read_shard(_tar(tmp_path / "a.tar", *twice)))


@pytest.mark.parametrize("name", ["/etc/1.png", "../1.png", "a/../1.png", "a\x1b[31m.png"])
def test_names_that_lead_out_of_a_shard_or_are_no_text_are_refused(
    tmp_path: Path, name: str
) -> None:
    path = _tar(tmp_path / "a.tar", (tarfile.TarInfo(name), b"one"))
    with pytest.raises(DataError, match="is no name of a file in a shard") as caught:
        list(read_shard(path))
    assert "\x1b" not in str(caught.value)


def test_a_shard_that_leads_back_is_no_endless_one(tmp_path: Path) -> None:
    path = _tar(tmp_path / "a.tar", (tarfile.TarInfo("1.png"), b"x" * 600))
    contents = bytearray(path.read_bytes())
    contents[124:136] = (-1024 & (1 << 96) - 1).to_bytes(12, "big")  # its size
    contents[148:156] = b" " * 8
    contents[148:156] = b"%06o\0 " % sum(contents[:512])
    path.write_bytes(contents)
    with pytest.raises(DataError, match="damaged"):
        list(read_shard(path, wanted=lambda _: False))


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
