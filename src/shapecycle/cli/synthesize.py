"""``shapecycle synthesize``."""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
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
from shapecycle.errors import CheckpointError, ConfigError, DataError

if TYPE_CHECKING:
    from shapecycle.model import Model
    from shapecycle.paired_data.objects import Things
    from shapecycle.paired_data.scenes import Scenes
    from shapecycle.paired_data.shards import Sample

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
    """Run folder or model file."""
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
            settings = team.first(lambda: self._begin(files))
            things, scenes = team.own(lambda: self._prepared(model, sampler, files))
            shards = range(-(-self.count // self.shard))
            missing = team.first(lambda: [k for k in shards if not self._path(k).exists()])
            if done := len(shards) - len(missing):
                say(f"{done} of {counted(len(shards), 'shards')} are there already")
            start, drawn = time.monotonic(), 0
            for first in range(0, len(missing), team.size):
                some = team.share(missing[first : first + team.size])
                work = partial(self._write, some, sampler, things, scenes)
                drawn += sum(team.each(work))
                done += min(team.size, len(missing) - first)
                speed = drawn / (time.monotonic() - start)
                say(f"  {done} of {counted(len(shards), 'shards')}  {speed:.0f} pictures/s")
            team.first(lambda: self._finish(settings))
            say(f"{counted(self.count, 'pictures')} written to")
            if team.is_first:
                print(self.out)

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
        from shapecycle.data.mesh_files import SUFFIXES

        return files_of(self.shapes, tuple(SUFFIXES), "shapes") if self.shapes else []

    def _begin(self, files: Sequence[Path]) -> dict[str, Any]:
        """Make the folder, or see that it was begun with the same options; return those.

        Raises:
            CheckpointError: If it holds something else.
        """
        from shapecycle.atomic import clear_stale

        settings = self._settings(files)
        begun = self.out / SETTINGS
        if not self.resume:
            check_unused(self.out)
            check_creatable(self.out)
            self.out.mkdir(parents=True, exist_ok=True)
            write_new_file(begun, json.dumps(settings, indent=1) + "\n")
            return settings
        try:
            before = json.loads(begun.read_text())
        except (OSError, ValueError) as fault:
            raise CheckpointError(
                f"{self.out} holds nothing to go on with ({SETTINGS}: {fault})",
                "leave --resume out to begin",
            ) from fault
        if other := [name for name in settings if before.get(name) != settings[name]]:
            name = other[0]
            raise CheckpointError(
                f"{self.out} was begun with another {name}: {before.get(name)}, now "
                f"{settings[name]}",
                "give the same options, or name a new folder",
            )
        for k in range(-(-self.count // self.shard)):
            clear_stale(self._path(k))
        return settings

    def _settings(self, files: Sequence[Path]) -> dict[str, Any]:
        """Return what decides the pictures."""
        from shapecycle.model_file import MODEL_NAME

        model = self.model / MODEL_NAME if self.model.is_dir() else self.model
        if not model.is_file():
            raise CheckpointError(
                f"there is no file {model}", "give a run folder of `shapecycle train`"
            )
        options = asdict(self)
        for name in ("model", "out", "shapes", "resume", "device"):
            del options[name]
        hashed = hashlib.sha256(model.read_bytes()).hexdigest()
        shapes = [f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
        found: dict[str, Any] = json.loads(json.dumps(options, default=str))
        return found | {"model": hashed, "shapes": shapes}

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

    def _write(
        self,
        shards: Sequence[int],
        sampler: AppearanceSampler,
        things: "Things",
        scenes: "Scenes",
    ) -> int:
        """Draw and write some shards; return how many pictures they hold."""
        from shapecycle.paired_data.shards import write_shard

        for shard in shards:
            meshes: list[Sample] = []
            samples = self._samples(shard, sampler, things, scenes, meshes)
            write_shard(self._path(shard).with_suffix(".drawn"), samples)
            if self.meshes:
                write_shard(self.out / f"{MESHES}-{shard:06d}.tar", meshes)
            # Only now the shard counts as written.
            self._path(shard).with_suffix(".drawn").replace(self._path(shard))
        return sum(min(self.shard, self.count - shard * self.shard) for shard in shards)

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

        first, last = shard * self.shard, min((shard + 1) * self.shard, self.count)
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
        shards = [
            {
                "file": self._path(k).name,
                "first": first,
                "count": min(self.shard, self.count - first),
            }
            for k, first in enumerate(range(0, self.count, self.shard))
        ]
        index = {"count": self.count, "shards": shards, "files": CHANNELS, "options": settings}
        (self.out / INDEX).unlink(missing_ok=True)
        write_new_file(self.out / INDEX, json.dumps(index, indent=1) + "\n")
