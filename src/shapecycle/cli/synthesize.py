"""``shapecycle synthesize``."""

import hashlib
import json
import time
from collections import ChainMap
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tyro.conf import OmitArgPrefixes, Positional

from shapecycle.cli.appearance import Appearance, AppearanceSampler
from shapecycle.cli.inputs import MAX_SEED, Device, check_range, files_of
from shapecycle.cli.output import check_creatable, check_unused, write_new_file
from shapecycle.cli.sample_files import generator_of
from shapecycle.cli.together import own_device, together
from shapecycle.console import say
from shapecycle.data.folders import counted
from shapecycle.errors import CheckpointError, ConfigError, DataError, ShapecycleError

if TYPE_CHECKING:
    from shapecycle.data.shards import Sample
    from shapecycle.model import Model
    from shapecycle.paired_data.objects import Things
    from shapecycle.paired_data.scenes import Scenes
    from shapecycle.parallel import Team

SETTINGS, INDEX = "synthesis.json", "index.json"
MESHES = "meshes"
CHANNELS = {
    "image.png": "sRGB, straight alpha; without alpha where there is a background",
    "mask.png": "coverage, 8 bits",
    "depth.png": "16 bits: 10,000 for one object unit along the camera's axis; 0 is nothing",
    "normal.png": "unit normals in the camera's frame, 255 (n + 1) / 2; grey is nothing",
    "json": "object, camera, angles in radians, keypoints in pixels and whether seen, codes",
}


@dataclass(frozen=True)
class Synthesize:
    """Draw many pictures with all that is known of them, as shards for training other networks.

    Example: shapecycle synthesize run --count 20000 --size 64 --out data
    """

    model: Positional[Path]
    """Run folder, model file, or a model that comes with the package: cars or chairs."""
    count: int
    """Pictures."""
    out: Path
    """Folder to create."""
    shapes: tuple[Path, ...] = ()
    """Shape files, or folders of them, that are drawn as they are; by default new shapes between
    remembered ones."""
    views: int = 8
    """Pictures of each object: one shape in one texture, in several poses and lights."""
    size: int = 64
    """Side of the square pictures, in pixels."""
    surface: Literal["own", "template"] = "own"
    """Draw surfaces of their own kind, or the decoded template."""
    keypoints: int = 16
    """Points of the surface that are found in every picture."""
    meshes: bool = False
    """Also write every object as a textured mesh (GLB)."""
    shard: int = 1024
    """Pictures in a shard; a multiple of the views."""
    seed: int = 0
    """Seed of all that is sampled."""
    appearance: OmitArgPrefixes[Appearance] = field(default_factory=Appearance)
    up: str = "+y"
    """Axis that points up in the shape files."""
    front: str = "+z"
    """Axis that points to the front in the shape files."""
    resume: bool = False
    """Go on where an earlier run with the same options stopped."""
    device: Device = "auto"
    """Where to compute."""

    def run(self) -> None:
        """Write the shards that are not there yet, each as a whole, then their index."""
        from shapecycle.model import load

        self._check()
        with together() as team:
            files = team.first(self._files)
            model = team.own(lambda: load(self.model, device=own_device(self.device, team)))
            sampler = team.own(lambda: AppearanceSampler(model, self.appearance))
            things, scenes = team.own(lambda: self._prepared(model, sampler, files))
            settings = team.first(lambda: self._begin(files, sampler))
            missing = team.first(self._missing)
            try:
                self._draw(team, missing, sampler, things, scenes)
            except ShapecycleError:
                team.first(self._forget)
                raise
            doubtful = dict(ChainMap(*team.each(lambda: things.doubtful)))
            for path in sorted(doubtful):
                say(doubtful[path].doubt(path))
            team.first(lambda: self._finish(settings))
            say(f"{counted(self.count, 'pictures')} are in")
            if team.is_first:
                print(self.out)

    def _draw(
        self,
        team: "Team",
        missing: Sequence[int],
        sampler: AppearanceSampler,
        things: "Things",
        scenes: "Scenes",
    ) -> None:
        """Share the missing shards out, and say how it goes."""
        count = -(-self.count // self.shard)
        start, drawn, done = time.monotonic(), 0, count - len(missing)
        if done:
            say(f"{done} of {counted(count, 'shards')} are there already")
        for first in range(0, len(missing), team.size):
            some = team.share(missing[first : first + team.size])
            work = partial(self._write, some, sampler, things, scenes)
            drawn += sum(team.each(work))
            done += min(team.size, len(missing) - first)
            speed = drawn / (time.monotonic() - start)
            say(f"  {done} of {counted(count, 'shards')}  {speed:.0f} pictures/s")

    def _check(self) -> None:
        from shapecycle.data.shapes import axes_of

        check_range(self.count, 1, 100_000_000, "--count")
        check_range(self.views, 1, 1024, "--views")
        check_range(self.size, 16, 2048, "--size")
        check_range(self.keypoints, 1, 200, "--keypoints")
        check_range(self.shard, 1, 1_000_000, "--shard")
        check_range(self.seed, 0, MAX_SEED, "--seed")
        if self.shard % self.views:
            raise ConfigError(
                f"--shard {self.shard} is no multiple of --views {self.views}",
                f"give {max(1, self.shard // self.views) * self.views}",
            )
        if self.appearance.turntable:
            raise ConfigError("--turntable makes animations, and shards hold none", "leave it out")
        axes_of(self.up, self.front)  # raises if they are none
        self.appearance.check()

    def _files(self) -> list[Path]:
        """List the given shapes, after looking at each.

        Raises:
            DataError: If one cannot be drawn.
        """
        from shapecycle.data.mesh_files import SUFFIXES, load_mesh

        files = files_of(self.shapes, tuple(SUFFIXES), "shapes") if self.shapes else []
        for path in files:
            if load_mesh(path).is_point_cloud:
                raise DataError(
                    f"{path} holds points without faces, which cannot be coloured",
                    "give triangle meshes",
                )
        return files

    def _begin(self, files: Sequence[Path], sampler: AppearanceSampler) -> dict[str, Any]:
        """Make the folder, or see that it was begun with the same options; return those.

        Raises:
            CheckpointError: If it holds something else.
        """
        settings = self._settings(files, sampler)
        begun = self.out / SETTINGS
        if not self.resume:
            check_unused(self.out)
            check_creatable(self.out)
            self.out.mkdir(parents=True, exist_ok=True)
            write_new_file(begun, json.dumps(settings, indent=1) + "\n")
            return settings
        try:
            before = json.loads(begun.read_text())
        except FileNotFoundError as fault:
            raise CheckpointError(
                f"{self.out} was not begun: it holds no {SETTINGS}", "name a new folder"
            ) from fault
        except (OSError, ValueError) as fault:
            raise CheckpointError(f"{begun} is damaged: {fault}", "name a new folder") from fault
        if not isinstance(before, dict):
            raise CheckpointError(f"{begun} is damaged: no options in it", "name a new folder")
        for name, now in settings.items():
            if before.get(name) != now:
                told = " ".join(f"({x!s:.60})" for x in (before.get(name), now))
                raise CheckpointError(
                    f"{self.out} was begun with another {name}: before and now {told}",
                    "give the same options and files, or name a new folder",
                )
        return settings

    def _forget(self) -> None:
        """Take back what was begun, where nothing was drawn."""
        if not self.resume and not any(self.out.glob("*.tar")):
            (self.out / SETTINGS).unlink(missing_ok=True)
            with suppress(OSError):
                self.out.rmdir()

    def _missing(self) -> list[int]:
        """Return the shards that are to be drawn, after clearing up after killed processes.

        Raises:
            CheckpointError: If one that is there is damaged.
        """
        from shapecycle.atomic import clear_stale
        from shapecycle.data.shards import samples_of

        missing = []
        for shard in range(-(-self.count // self.shard)):
            first, last = self._range(shard)
            objects = -(-last // self.views) - first // self.views
            wanted = {self._path(shard): last - first}
            if self.meshes:
                wanted = {self._meshes_path(shard): objects} | wanted
            for path in (self._path(shard), self._meshes_path(shard)):
                clear_stale(path)
            if not all(path.exists() for path in wanted):
                missing.append(shard)
                continue
            for path, count in wanted.items():
                if (found := samples_of(path)) != count:
                    raise CheckpointError(
                        f"{path} is damaged: {found} of its {count} samples can be read",
                        "delete it, and give --resume again",
                    )
        return missing

    def _settings(self, files: Sequence[Path], sampler: AppearanceSampler) -> dict[str, Any]:
        """Return what decides the pictures."""
        from shapecycle.model_file import found_file

        options = asdict(self)
        for name in ("model", "out", "shapes", "resume", "device"):
            del options[name]
        found: dict[str, Any] = json.loads(json.dumps(options, default=str))
        look = self.appearance
        sources = (look.texture_from, look.pose_from, look.light_from)
        return found | {
            "model": _fingerprint([found_file(self.model)]),
            "shapes": _fingerprint(files),
            "pictures": _fingerprint([path for path in sources if path is not None]),
            "backgrounds": _fingerprint(sampler.background.files),
        }

    def _prepared(
        self, model: "Model", sampler: AppearanceSampler, files: Sequence[Path]
    ) -> "tuple[Things, Scenes]":
        from shapecycle.paired_data.keypoints import Keypoints
        from shapecycle.paired_data.objects import Things
        from shapecycle.paired_data.scenes import Scenes

        model.dress_for(self.size)
        things = Things(
            model,
            -(-self.count // self.views),
            self.seed,
            given=files,
            axes=(self.up, self.front),
            on_template=self.surface == "template",
        )
        keypoints = Keypoints(model.surfaces, self.keypoints)
        return things, Scenes(
            model, self.size, keypoints, sampler.may_be_moved, self.appearance.shadow
        )

    def _path(self, shard: int) -> Path:
        return self.out / f"pictures-{shard:06d}.tar"

    def _meshes_path(self, shard: int) -> Path:
        return self.out / f"{MESHES}-{shard:06d}.tar"

    def _range(self, shard: int) -> tuple[int, int]:
        """Return the numbers of a shard's first picture, and of the one after its last."""
        return shard * self.shard, min((shard + 1) * self.shard, self.count)

    def _write(
        self,
        shards: Sequence[int],
        sampler: AppearanceSampler,
        things: "Things",
        scenes: "Scenes",
    ) -> int:
        """Draw and write some shards; return how many pictures they hold."""
        from shapecycle.data.shards import write_shard

        for shard in shards:
            meshes: list[Sample] = []
            samples = self._samples(shard, sampler, things, scenes, meshes)
            write_shard(self._path(shard), samples)
            if self.meshes:
                write_shard(self._meshes_path(shard), meshes)
        return sum(last - first for first, last in map(self._range, shards))

    def _samples(
        self,
        shard: int,
        sampler: AppearanceSampler,
        things: "Things",
        scenes: "Scenes",
        meshes: "list[Sample]",
    ) -> "Iterator[Sample]":
        """Give the pictures of a shard, and lay the meshes of its objects aside."""
        from shapecycle.errors import GeometryError

        first, last = self._range(shard)
        for number in range(first // self.views, -(-last // self.views)):
            generator = generator_of(self.seed, number)
            try:
                thing = things(number, generator)
            except GeometryError as fault:
                raise DataError(f"a shape cannot be drawn: {fault.what}", fault.hint) from fault
            code = sampler.dressed(thing.code, generator)
            views = sampler.placed(code[[0] * self.views], generator)
            size = (self.size, self.size)
            backgrounds = [sampler.background(generator, size) for _ in range(self.views)]
            about = {"object": number, "surface": thing.surface}
            pictures = scenes.files(code, views, backgrounds, about)
            for k, picture in enumerate(pictures[: last - number * self.views]):
                yield f"{number * self.views + k:09d}", picture
            if self.meshes:
                meshes.append((f"{number:09d}", {"glb": scenes.model.mesh(code).to_glb()}))

    def _finish(self, settings: dict[str, Any]) -> None:
        """Write the index of all shards."""
        ranges = [self._range(k) for k in range(-(-self.count // self.shard))]
        shards = [
            {"file": self._path(k).name, "first": first, "count": last - first}
            for k, (first, last) in enumerate(ranges)
        ]
        index = {"count": self.count, "shards": shards, "files": CHANNELS, "options": settings}
        (self.out / INDEX).unlink(missing_ok=True)
        write_new_file(self.out / INDEX, json.dumps(index, indent=1) + "\n")


def _fingerprint(files: Sequence[Path]) -> str:
    """Return what only these files have, in this order, with these names."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode(errors="surrogateescape") + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest() if files else ""
