"""``shapecycle reconstruct``."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import radians
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import DisallowNone, Positional, arg

from shapecycle.cli.appearance import Backgrounds
from shapecycle.cli.drawing import PIXELS_HELD, codes_at_once
from shapecycle.cli.inputs import Device, check_range, files_of, load_share
from shapecycle.cli.output import new_folder
from shapecycle.cli.reconstruct_shards import ShardReconstruction
from shapecycle.cli.sample_files import generator_of
from shapecycle.cli.seen_files import (
    Behind,
    Drawn,
    Result,
    check_surface,
    doubts_of,
    files_of_seen,
    remarks,
    seen_and_drawn,
)
from shapecycle.cli.shard_work import check_workers
from shapecycle.cli.together import own_device, together
from shapecycle.cli.writer import Writer
from shapecycle.config import SurfaceKind
from shapecycle.console import say
from shapecycle.data.folders import counted
from shapecycle.errors import ConfigError, DataError

if TYPE_CHECKING:
    from shapecycle.data.photos import Photo, PhotoFile
    from shapecycle.model import Model
    from shapecycle.parallel import Team
    from shapecycle.seen import SeeOptions

TRANSPARENT = Backgrounds(None)


@dataclass(frozen=True)
class Reconstruct:
    """Turn masked pictures into textured meshes (GLB), renders and graphics codes.

    Example: shapecycle reconstruct run photos/a.png photos/b.png --out out
    """

    model: Positional[Path]
    """Run folder, model file, or a model that comes with the package: cars or chairs."""
    inputs: Positional[tuple[Path, ...]]
    """Pictures, bare masks, or folders of them; or tar shards, or folders of those."""
    out: Path
    """Folder to create; one subfolder per picture, or one shard per shard."""
    refine_steps: int = 30
    """Steps of fitting each shape and pose to its mask; 0 keeps the network's first answer, on the
    template unless --surface carried asks for more."""
    surface: SurfaceKind = "auto"
    """The decoded template, a remembered shape that is carried to it, or whichever of the two
    code.json then gives the reason for."""
    hypothesis: int | None = None
    """Which pose hypothesis to take, as code.json ranks them; by default 1, the most plausible."""
    azimuth_hint: float | None = None
    """Take the most plausible pose within 30 degrees of this azimuth; in degrees, 0 is the front
    and 90 the object's +x side."""
    fov: float | None = None
    """Vertical field of view of the pictures, in degrees; by default the model's."""
    background: Annotated[
        DisallowNone[str | None], arg(help_behavior_hint="(default: transparent)")
    ] = None
    """What stands behind render.png: a colour, a picture, or a folder of pictures."""
    device: Device = "auto"
    """Where to compute."""
    skip_bad: bool = False
    """Leave bad files out instead of stopping; all are named, of shards in index.json."""
    workers: Annotated[DisallowNone[int | None], arg(help_behavior_hint="(default: none)")] = None
    """Of shards: share them out among so many workers on Ray (extra "ray"), on this machine or on
    the cluster that RAY_ADDRESS names."""
    resume: bool = False
    """Of shards: go on where an earlier run with the same options stopped."""

    def run(self) -> None:
        """Reconstruct all pictures, or none if one is bad; of shards, one shard after another."""
        from shapecycle.data.shards import list_shards

        options, backgrounds = self._options(), Backgrounds(self.background)
        check_workers(self.workers)
        if shards := [shard for path in self.inputs for shard in list_shards(path)]:
            self._check_only_shards()
            ShardReconstruction(
                self.model, tuple(shards), self.out, options,
                self.background, self.device, self.skip_bad,
            ).run(resume=self.resume, workers=self.workers)  # fmt: skip
            return
        for option, given in (("--workers", self.workers is not None), ("--resume", self.resume)):
            if given:
                raise ConfigError(
                    f"{option} is for tar shards, and {self.inputs[0]} is none",
                    f"leave {option} out, or put the pictures into shards",
                )
        self._run_on_files(options, backgrounds)

    def _check_only_shards(self) -> None:
        """Raise if pictures are given beside shards.

        Raises:
            DataError: Naming one.
        """
        from shapecycle.data.shards import list_shards

        for path in self.inputs:
            if not list_shards(path):
                raise DataError(
                    f"{path} is no tar shard and holds none, but others of the inputs are shards",
                    "give shards and pictures in two calls",
                )

    def _run_on_files(self, options: "SeeOptions", backgrounds: Backgrounds) -> None:
        from shapecycle.data.photos import SUFFIXES, PhotoFile
        from shapecycle.model import load

        with together() as team:
            files = team.first(lambda: files_of(self.inputs, tuple(SUFFIXES), "pictures"))
            with new_folder(self.out, team) as out:
                model = team.own(lambda: load(self.model, device=own_device(self.device, team)))
                check_surface(self.surface, model)
                pictures = load_share(
                    files,
                    partial(PhotoFile.checked, to_see=True),
                    team,
                    skip_bad=self.skip_bad,
                    kind="pictures",
                )
                results = reconstruct(model, pictures, out, team, options, backgrounds)
            found = doubts_of(results)
            for line in remarks(found, len(results), is_pose_chosen=options.is_pose_chosen):
                say(line)
            say(f"{counted(len(results), 'reconstructions')} written to")
            if team.is_first:
                print(self.out)

    def _options(self) -> "SeeOptions":
        """Return how the pictures are seen.

        Raises:
            ConfigError: If an option is out of its range, or two choose the pose.
        """
        from shapecycle.config import FOV_DEGREES
        from shapecycle.seen import HYPOTHESES, SeeOptions

        check_range(self.refine_steps, 0, 10_000, "--refine-steps")
        if self.hypothesis is not None and self.azimuth_hint is not None:
            raise ConfigError("--hypothesis and --azimuth-hint both choose the pose", "give one")
        if self.hypothesis is not None:
            check_range(self.hypothesis, 1, HYPOTHESES, "--hypothesis")
        if self.azimuth_hint is not None:
            check_range(self.azimuth_hint, -360, 360, "--azimuth-hint")
        if self.fov is not None:
            check_range(self.fov, *FOV_DEGREES, "--fov")
        return SeeOptions(
            self.refine_steps,
            hypothesis=1 if self.hypothesis is None else self.hypothesis,
            azimuth_hint=None if self.azimuth_hint is None else radians(self.azimuth_hint),
            fov_y=None if self.fov is None else radians(self.fov),
            surface=self.surface,
        )


def reconstruct(
    model: "Model",
    pictures: "Mapping[int, PhotoFile]",
    out: Path,
    team: "Team",
    options: "SeeOptions",
    backgrounds: Backgrounds = TRANSPARENT,
) -> list[Result]:
    """Write ``<stem>/{mesh.glb,render.png,code.json}`` for every picture, and ``summary.json``.

    Args:
        model: What sees and draws.
        pictures: This process's share of the pictures, by their numbers among all.
        out: The folder that all processes write into.
        team: The processes that share the pictures out.
        options: How the pictures are seen.
        backgrounds: What stands behind the renders.

    Returns:
        The results of all processes, in the pictures' order.
    """
    chunks = list(_chunks(pictures, codes_at_once(model.device.type)))
    shares = team.each(lambda: (len(chunks), len(pictures)))
    rounds, count, done = max(n for n, _ in shares), sum(n for _, n in shares), 0
    with Writer[tuple[int, Result]]() as writer:
        for k in range(rounds):
            chunk = chunks[k] if k < len(chunks) else {}
            done += sum(
                team.each(partial(_reconstruct, model, chunk, out, writer, options, backgrounds))
            )
            say(f"  {done} of {counted(count, 'pictures')}")
        found = dict(pair for share in team.each(writer.finish) for pair in share)
    results = [found[number] for number in sorted(found)]
    team.first(lambda: _write_summary(results, out))
    return results


def _chunks(pictures: "Mapping[int, PhotoFile]", at_once: int) -> "Iterator[dict[int, PhotoFile]]":
    """Split pictures into runs of at most so many, whose pixels can be held at once."""
    chunk: dict[int, PhotoFile] = {}
    pixels = 0
    for number, picture in pictures.items():
        if chunk and (len(chunk) == at_once or pixels + picture.pixels > PIXELS_HELD):
            yield chunk
            chunk, pixels = {}, 0
        chunk[number] = picture
        pixels += picture.pixels
    if chunk:
        yield chunk


def _reconstruct(
    model: "Model",
    pictures: "Mapping[int, PhotoFile]",
    out: Path,
    writer: Writer[tuple[int, Result]],
    options: "SeeOptions",
    backgrounds: Backgrounds,
) -> int:
    """See and draw some pictures, and begin to write what was seen; return how many."""
    numbers, chunk = list(pictures), [picture.load() for picture in pictures.values()]
    for some in seen_and_drawn(model, chunk, options):
        jobs = []
        for one in some:
            number = numbers[one.index]
            behind = partial(backgrounds, generator_of(0, number))
            jobs.append(partial(_write, number, chunk[one.index], one, out, behind))
        writer.begin(jobs)
    return len(chunk)


def _write(
    number: int, photo: "Photo", drawn: Drawn, out: Path, behind: Behind
) -> tuple[int, Result]:
    files, result = files_of_seen(photo, drawn, behind)
    folder = out / photo.path.stem
    folder.mkdir(parents=True)
    for name, contents in files.items():
        (folder / name).write_bytes(contents)
    return number, result


def _write_summary(results: list[Result], out: Path) -> None:
    import numpy as np

    mean = float(np.mean([result.silhouette_iou for result in results]))
    summary = {"mean_silhouette_iou": mean, "pictures": [vars(result) for result in results]}
    (out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
