"""Photographs read in turn: every one once an epoch, whoever reads, whatever was stopped."""

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from shapecycle.data import photo_set, photo_stream
from shapecycle.data.photo_parts import PhotoParts
from shapecycle.data.photo_sampler import PhotoSampler
from shapecycle.data.photo_set import load_photos, parts_of
from shapecycle.data.photo_stream import PhotoStream
from shapecycle.data.shards import Sample, write_shard
from shapecycle.errors import CheckpointError, DataError

SIZE = 8
COUNTS = (70, 1, 40, 25, 64)
"""Of pictures in the shards: 200."""
ALL = sum(COUNTS)


def _png(value: int, *, mode: str = "RGBA") -> bytes:
    pixels = np.zeros((10, 10, 4), np.uint8)
    pixels[2:8, 3:8] = value, value // 2, 9, 255
    made = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(made, "PNG")
    return made.getvalue()


def _write(folder: Path, *, bad: int = -1) -> None:
    folder.mkdir()
    numbers = iter(range(ALL))
    for k, count in enumerate(COUNTS):
        samples: list[Sample] = []
        for number in (next(numbers) for _ in range(count)):
            contents = b"nothing" if number == bad else _png(number)
            samples.append((f"{number:03d}", {"png": contents, "json": b"{}"}))
        write_shard(folder / f"{k}.tar", samples)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photo_stream") / "shards"
    _write(folder)
    return folder


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 64."""
    monkeypatch.setattr(photo_stream, "BLOCK_BYTES", 1)


def _parts(images: Path, *, skip_bad: bool = False) -> PhotoParts:
    parts = parts_of(images, size=SIZE, margin=0.1, skip_bad=skip_bad)
    assert parts is not None
    return parts


@contextmanager
def _stream(
    parts: PhotoParts, *, seed: int = 0, rank: int = 0, size: int = 1
) -> Iterator[PhotoStream]:
    stream = PhotoStream(parts, seed=seed, rank=rank, size=size)
    try:
        yield stream
    finally:
        stream.close()


def _keys(stream: PhotoStream, count: int, *, at_once: int = 7) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        found += [path.stem for path in stream.take(min(at_once, count - len(found))).paths]
    return found


@pytest.mark.parametrize("many", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_picture_comes_once_an_epoch(
    shards: Path, size: int, many: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Shards as a whole, or some pictures of each.
    monkeypatch.setattr(photo_stream, "EVEN", 0 if many else 16)
    own: list[list[str]] = []
    for rank in range(size):
        with _stream(_parts(shards), rank=rank, size=size) as stream:
            own.append([])
            while stream.position()["epoch"] < 2:
                own[-1] += [path.stem for path in stream.take(1).paths]
                if stream.position()["epoch"] == 2:
                    own[-1].pop()  # the next epoch's first
    for epoch_counts in [Counter(key for keys in own for key in keys)]:
        assert set(epoch_counts.values()) == {2}
        assert len(epoch_counts) == ALL


def test_an_epoch_is_seen_before_the_next_begins_in_another_order(shards: Path) -> None:
    with _stream(_parts(shards)) as stream:
        first, second = _keys(stream, ALL), _keys(stream, ALL)
    assert sorted(first) == sorted(second) == [f"{k:03d}" for k in range(ALL)]
    assert first != second
    assert first != sorted(first)
    with _stream(_parts(shards), seed=1) as other:
        assert _keys(other, ALL) != first


@pytest.mark.parametrize("before", [0, 1, 63, 64, 65, 150, ALL - 1, ALL, ALL + 1, 2 * ALL + 70])
def test_one_that_goes_on_reads_what_one_without_a_stop_reads(shards: Path, before: int) -> None:
    with _stream(_parts(shards)) as whole:
        _keys(whole, before)
        place = whole.position()
        expected = _keys(whole, ALL)
    with _stream(_parts(shards), seed=9) as again:
        assert again.go_to([place])
        assert _keys(again, ALL) == expected


def test_going_on_reads_no_sample_of_earlier_blocks(
    shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _stream(_parts(shards)) as stream:
        earlier = _keys(stream, 128)  # two blocks
        _keys(stream, 2)
        place, expected = stream.position(), _keys(stream, ALL - 130)
    decoded: list[str] = []
    decode = PhotoStream._decode

    def counting(self: PhotoStream, named: tuple) -> object:  # type: ignore[type-arg]
        decoded.append(named[0].stem)
        return decode(self, named)

    monkeypatch.setattr(PhotoStream, "_decode", counting)
    with _stream(_parts(shards)) as again:
        again.go_to([place])
        assert _keys(again, ALL - 130) == expected
    assert len(set(decoded[: ALL - 128])) == ALL - 128
    assert not set(decoded[: ALL - 128]) & set(earlier)


def test_another_number_of_processes_begins_a_new_epoch(shards: Path) -> None:
    parts = _parts(shards)
    with _stream(parts, rank=0, size=2) as one, _stream(parts, rank=1, size=2) as two:
        _keys(one, 30), _keys(two, 30)
        places = [one.position(), two.position()]
    with _stream(parts) as alone:
        assert not alone.go_to(places)
        assert sorted(_keys(alone, ALL)) == [f"{k:03d}" for k in range(ALL)]
        assert places[0]["epoch"] == 0


def test_other_shards_are_no_way_to_go_on(shards: Path, tmp_path: Path) -> None:
    _write(tmp_path / "other")
    (tmp_path / "other" / "4.tar").unlink()
    with _stream(_parts(shards)) as stream:
        place = stream.position()
    with (
        _stream(_parts(tmp_path / "other")) as other,
        pytest.raises(CheckpointError, match="not those"),
    ):
        other.go_to([place])


def test_crops_and_windows_are_those_of_a_folder_of_the_same_pictures(
    shards: Path, tmp_path: Path
) -> None:
    for k in range(ALL):
        (tmp_path / f"{k:03d}.png").write_bytes(_png(k))
    folder = load_photos(tmp_path, size=SIZE)
    with _stream(_parts(shards)) as stream:
        taken = stream.take(ALL)
    order = [int(path.stem) for path in taken.paths]
    assert torch.equal(taken.rgba, folder.rgba[order])
    assert torch.equal(taken.windows, folder.windows[order])


def test_masks_of_their_own_count_as_twins_do(tmp_path: Path) -> None:
    alpha = Image.open(io.BytesIO(_png(100))).getchannel("A")
    mask = io.BytesIO()
    alpha.save(mask, "PNG")
    opaque = {"image.png": _png(100, mode="RGB"), "mask.png": mask.getvalue()}
    write_shard(tmp_path / "a.tar", [(str(k), opaque) for k in range(8)])
    packed = load_photos(tmp_path, size=SIZE)
    write_shard(tmp_path / "a.tar", [(str(k), {"png": _png(100)}) for k in range(8)])
    assert torch.equal(packed.rgba, load_photos(tmp_path, size=SIZE).rgba)


def test_a_bad_picture_is_named_with_its_shard_or_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write(tmp_path / "shards", bad=100)
    with (
        _stream(_parts(tmp_path / "shards")) as stream,
        pytest.raises(DataError, match=r"2\.tar/100\.png: this is not a picture[^+]+--skip-bad"),
    ):
        _keys(stream, ALL)
    with _stream(_parts(tmp_path / "shards", skip_bad=True)) as stream:
        assert sorted(_keys(stream, ALL - 1)) == [f"{k:03d}" for k in range(ALL) if k != 100]
    assert "2.tar/100.png: this is not a picture" in capsys.readouterr().err


def test_a_sample_without_a_picture_is_named_with_what_is_wanted(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.tar", [("1", {"npz": b"", "json": b""})])
    with pytest.raises(
        DataError, match=r"  a\.tar/1: no file of this sample is called 1\.png[^+]+KEY\.mask"
    ):
        load_photos(tmp_path, size=SIZE)


def test_a_damaged_shard_is_named_when_it_is_read(tmp_path: Path) -> None:
    _write(tmp_path / "shards")
    cut = tmp_path / "shards" / "3.tar"
    cut.write_bytes(cut.read_bytes()[:9000])
    with _stream(_parts(tmp_path / "shards")) as stream, pytest.raises(DataError, match=r"3\.tar"):
        _keys(stream, ALL)


def test_pictures_that_are_all_bad_end_the_reading(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.tar", [(str(k), {"png": b""}) for k in range(9)])
    with (
        _stream(_parts(tmp_path, skip_bad=True)) as stream,
        pytest.raises(DataError, match="usable"),
    ):
        stream.take(1)


def test_to_begin_with_some_are_loaded_from_all_over(
    shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_set, "TO_BEGIN_WITH", 60)
    photos = load_photos(shards, size=SIZE)
    assert Counter(path.parent.name for path in photos.paths) == {
        "0.tar": 12, "1.tar": 1, "2.tar": 16, "3.tar": 16, "4.tar": 15,
    }  # fmt: skip
    for k in (0, 12, 59):
        whole = photos.load(k)
        assert whole.path == photos.paths[k]
        assert whole.rgba[0].max() * 255 == pytest.approx(int(whole.path.stem))
    assert "5 shards" in photos.notes[0]


def test_a_folder_of_very_many_is_read_in_turn_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_set, "MANY", 30)
    for k in range(31):
        (tmp_path / f"{k:03d}.png").write_bytes(_png(k))
    photos = load_photos(tmp_path, size=SIZE)
    assert photos.parts is not None
    assert photos.parts.count == len(photos) == 31
    assert photos.load(3).path == tmp_path / "003.png"
    with _stream(photos.parts) as stream:
        assert sorted(_keys(stream, 31)) == [f"{k:03d}" for k in range(31)]
    (tmp_path / "030.png").unlink()
    assert load_photos(tmp_path, size=SIZE).parts is None


def test_shards_and_pictures_in_one_folder_are_refused(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.tar", [("1", {"png": _png(1)})])
    (tmp_path / "b.png").write_bytes(_png(1))
    with pytest.raises(DataError, match=r"shards \(a\.tar\) and pictures \(b\.png\)"):
        load_photos(tmp_path, size=SIZE)


def test_what_a_training_samples_is_read_in_turn(shards: Path) -> None:
    photos = load_photos(shards, size=SIZE)
    generator = torch.Generator().manual_seed(0)
    sampler = PhotoSampler(photos, generator=generator, device=torch.device("cpu"))
    try:
        seen = torch.cat([sampler.sample(20)[0] for _ in range(ALL // 20)])
    finally:
        sampler.close()
    values = (255 * seen[:, 0].amax((1, 2))).round().int().tolist()
    assert sorted(values) == list(range(ALL))
    assert len(sampler.rgba) == len(photos)


def test_a_picture_is_found_in_its_shard_and_nowhere_else(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.tar", [(f"x/{k}", {"png": _png(10 + k)}) for k in range(8)])
    photos = load_photos(tmp_path, size=SIZE)
    assert photos.load(3).rgba[0].max() * 255 == pytest.approx(13)
    with pytest.raises(DataError, match="no longer there"):
        _parts(tmp_path).find(tmp_path / "a.tar" / "9.png")


def test_shards_that_an_index_leaves_out_are_named(shards: Path, tmp_path: Path) -> None:
    for name in ("a", "b", "meshes-0"):
        write_shard(tmp_path / f"{name}.tar", [("1", {"png": _png(1)})])
    (tmp_path / "index.json").write_text('{"shards": [{"file": "a.tar", "count": 1}]}')
    parts = _parts(tmp_path)
    assert [part.path.name for part in parts.parts] == ["a.tar"]
    assert "1 shard beside them, not in index.json, left out (b.tar)" in parts.note
