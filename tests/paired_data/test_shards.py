"""Shards: what is written is read, in whole files, the same bytes from the same samples."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shapecycle.paired_data.shards import Sample, read_shard, write_shard

SAMPLES: list[Sample] = [
    ("000", {"image.png": b"abc", "json": b"{}"}),
    ("001", {"image.png": b"", "json": b'{"a": 1}'}),
]


def test_samples_come_back_in_their_order(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.tar", SAMPLES)
    assert list(read_shard(tmp_path / "a.tar")) == SAMPLES


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
