"""Reconstructions of the pictures in tar shards, written to a shard for each."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapecycle.cli.appearance import Backgrounds
from shapecycle.cli.drawing import PIXELS_HELD, codes_at_once
from shapecycle.cli.filling import fill
from shapecycle.cli.output import write_new_file
from shapecycle.cli.sample_files import generator_of
from shapecycle.cli.seen_files import (
    Result,
    check_surface,
    doubts_of,
    files_of_seen,
    remarks,
    seen_and_drawn,
)
from shapecycle.cli.shard_work import Made, Work, fingerprint
from shapecycle.cli.together import own_device, together
from shapecycle.cli.writer import Writer
from shapecycle.console import say
from shapecycle.data.folders import MAX_NAMED, counted
from shapecycle.data.shards import INDEX
from shapecycle.errors import CheckpointError, DataError

if TYPE_CHECKING:
    from shapecycle.data.photos import Photo
    from shapecycle.data.shards import Sample
    from shapecycle.model import Model
    from shapecycle.parallel import Team
    from shapecycle.seen import SeeOptions

SETTINGS = "reconstruction.json"
FILES = {
    "render.png": "the picture drawn anew: sRGB, straight alpha; without alpha where there is a "
    "background",
    "mesh.glb": "textured mesh",
    "code.json": "graphics code, camera, hypotheses, silhouette IoU and doubts",
}


@dataclass(frozen=True)
class ShardReconstruction:
    """What reconstructs the pictures of shards; it can be sent to other processes.

    Attributes:
        model: Run folder, model file, or name of one that comes with the package.
        shards: Those that are read.
        out: Folder of those that are written, and of a summary for each, all of the same names.
        options: How the pictures are seen.
        background: What stands behind the renders.
        device: Where to compute.
        skip_bad: Leave bad pictures out, and name them in the summaries.
    """

    model: Path
    shards: tuple[Path, ...]
    out: Path
    options: "SeeOptions"
    background: str | None
    device: str
    skip_bad: bool

    def run(self, *, resume: bool, workers: int | None) -> None:
        """Write the shards that are not there yet, then their index.

        Args:
            resume: Whether to go on where an earlier run stopped.
            workers: How many make them on Ray; None without.
        """
        with together() as team:
            team.first(self._check_names)
            model = team.own(lambda: self._model(team))
            settings = team.first(self._settings)
            fill(
                self.out, self, partial(self._write, model), team, model.device,
                name=SETTINGS, settings=settings, missing=self._missing,
                count=len(self.shards), resume=resume, workers=workers,
            )  # fmt: skip
            for line in team.first(self._finish):
                say(line)
            if team.is_first:
                print(self.out)

    def prepared(self) -> Work:
        """Load the model, in a process that makes shards."""
        from shapecycle.parallel import ALONE

        return partial(self._write, self._model(ALONE))

    def _model(self, team: "Team") -> "Model":
        from shapecycle.model import load

        model = load(self.model, device=own_device(self.device, team))
        check_surface(self.options.surface, model)
        return model

    def _check_names(self) -> None:
        """Raise if two shards would be written to one.

        Raises:
            DataError: Naming both.
        """
        named: dict[str, Path] = {}
        for shard in self.shards:
            other = named.get(shard.name.casefold())
            if other is not None and other.samefile(shard):
                raise DataError(f"{shard} is given twice", "give every shard once")
            named[shard.name.casefold()] = shard
            if other is not None:
                raise DataError(
                    f"{other} and {shard} would both be written to '{shard.name}'",
                    "rename one, or give them in two calls",
                )

    def _settings(self) -> dict[str, Any]:
        """Return what decides the reconstructions."""
        from shapecycle.model_file import found_file

        behind = Backgrounds(self.background)
        return {
            "model": fingerprint([found_file(self.model)]),
            "shards": [[shard.name, shard.stat().st_size] for shard in self.shards],
            "options": json.loads(json.dumps(asdict(self.options), default=str)),
            "background": self.background,
            "backgrounds": fingerprint(behind.files),
        }

    def _missing(self) -> list[int]:
        """Return the shards that are to be made, after clearing up after killed processes.

        Raises:
            CheckpointError: If one that is there is damaged.
        """
        from shapecycle.atomic import clear_stale
        from shapecycle.data.shards import samples_of

        missing = []
        for number, shard in enumerate(self.shards):
            path = self.out / shard.name
            clear_stale(path)
            clear_stale(self._summary_path(number))
            if not path.exists():
                missing.append(number)
                continue
            summary = self._summary(number)
            if (found := samples_of(path)) != summary["count"]:
                raise CheckpointError(
                    f"{path} is damaged: {found} of its {summary['count']} samples can be read",
                    "delete it, and give --resume again",
                )
        return missing

    def _write(self, model: "Model", number: int) -> Made:
        """See the pictures of a shard, and write what was seen."""
        from shapecycle.data.shards import write_shard

        write_shard(self.out / self.shards[number].name, self._samples(model, number))
        return Made(number, self._summary(number)["count"])

    def _samples(self, model: "Model", number: int) -> "Iterator[Sample]":
        """Give what was seen in the pictures of a shard, in its order; then note how it went."""
        results: list[Result] = []
        left_out: dict[str, str] = {}
        backgrounds = Backgrounds(self.background)
        for keys, photos in self._chunks(number, codes_at_once(model.device.type), left_out):
            order: list[int] = []
            with Writer[tuple[dict[str, bytes], Result]]() as writer:
                for some in seen_and_drawn(model, photos, self.options):
                    jobs = []
                    for one in some:
                        k = one.index
                        behind = partial(backgrounds, generator_of(number + 1, len(results) + k))
                        jobs.append(partial(files_of_seen, photos[k], one, behind))
                        order.append(k)
                    writer.begin(jobs)
                made = dict(zip(order, writer.finish(), strict=True))
            results += [made[k][1] for k in range(len(keys))]
            yield from ((key, made[k][0]) for k, key in enumerate(keys))
        found = {
            "count": len(results),
            "silhouette_iou": sum(one.silhouette_iou for one in results),
            "doubts": doubts_of(results),
            "left_out": left_out,
        }
        # Before the shard is there as a whole: whoever finds it finds both.
        path = self._summary_path(number)
        path.unlink(missing_ok=True)
        write_new_file(path, json.dumps(found, indent=1) + "\n")

    def _chunks(
        self, number: int, at_once: int, left_out: dict[str, str]
    ) -> "Iterator[tuple[list[str], list[Photo]]]":
        """Load some pictures of a shard at a time, whose pixels can be held at once."""
        from shapecycle.data.photo_parts import is_wanted, picture_of
        from shapecycle.data.shards import read_shard

        shard = self.shards[number]
        keys: list[str] = []
        photos: list[Photo] = []
        pixels = 0
        for key, files in read_shard(shard, wanted=is_wanted):
            path, load = picture_of(shard, key, files, to_see=True)
            try:
                photo = load()
            except DataError as fault:
                if not self.skip_bad:
                    raise DataError(
                        fault.what,
                        f"{fault.hint}; or leave such ones out by --skip-bad, with --resume where "
                        "shards are made already",
                    ) from fault
                left_out[key] = fault.what.removeprefix(f"{path}: ")
                continue
            size = photo.rgba[0].size
            if photos and (len(photos) == at_once or pixels + size > PIXELS_HELD):
                yield keys, photos
                keys, photos, pixels = [], [], 0
            keys.append(key)
            photos.append(photo)
            pixels += size
        if photos:
            yield keys, photos

    def _summary_path(self, number: int) -> Path:
        return self.out / f"{self.shards[number].stem}.summary.json"

    def _summary(self, number: int) -> dict[str, Any]:
        """Read what was noted of a shard.

        Raises:
            CheckpointError: If it cannot be read.
        """
        path = self._summary_path(number)
        if not path.is_file():
            shard = self.out / self.shards[number].name
            raise CheckpointError(
                f"{path}, which belongs to {shard}, is not there",
                f"delete {shard}, and give --resume again",
            )
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            found["count"], found["silhouette_iou"], found["doubts"], found["left_out"]
        except (OSError, ValueError, KeyError, TypeError) as fault:
            shard = self.out / self.shards[number].name
            raise CheckpointError(
                f"{path} is damaged ({fault})", f"delete it and {shard}, and give --resume again"
            ) from fault
        return found

    def _finish(self) -> list[str]:
        """Write the index of all shards; return what is to be said."""
        found = [self._summary(number) for number in range(len(self.shards))]
        total = sum(one["count"] for one in found)
        doubts: Counter[str] = sum((Counter(one["doubts"]) for one in found), Counter())
        left_out = {
            f"{shard.name}/{key}": what
            for shard, one in zip(self.shards, found, strict=True)
            for key, what in one["left_out"].items()
        }
        index = {
            "count": total,
            "mean_silhouette_iou": sum(one["silhouette_iou"] for one in found) / max(1, total),
            "doubts": doubts,
            "left_out": left_out,
            "shards": [
                {"file": shard.name, "count": one["count"]}
                for shard, one in zip(self.shards, found, strict=True)
            ],
            "files": FILES,
        }
        (self.out / INDEX).unlink(missing_ok=True)
        write_new_file(self.out / INDEX, json.dumps(index, indent=1) + "\n")
        lines = list(remarks(doubts, total, is_pose_chosen=self.options.is_pose_chosen))
        if left_out:
            lines.append(f"left out {counted(len(left_out), 'pictures')}:")
            lines += [f"    {name}: {what}" for name, what in list(left_out.items())[:MAX_NAMED]]
        return [*lines, f"{counted(total, 'reconstructions')} written to"]
