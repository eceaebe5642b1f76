"""``shapecycle synthesize``."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import DisallowNone, OmitArgPrefixes, Positional, arg

from shapecycle.cli.appearance import Appearance, AppearanceSampler
from shapecycle.cli.filling import fill
from shapecycle.cli.inputs import MAX_SEED, Device, check_range, files_of
from shapecycle.cli.output import write_new_file
from shapecycle.cli.sample_files import generator_of
from shapecycle.cli.shard_work import Made, Work, check_workers, fingerprint
from shapecycle.cli.together import own_device, together
from shapecycle.console import say
from shapecycle.data.folders import counted
from shapecycle.data.shards import INDEX, MESHES
from shapecycle.errors import CheckpointError, ConfigError, DataError

if TYPE_CHECKING:
    from shapecycle.data.shards import Sample
    from shapecycle.paired_data.objects import Things
    from shapecycle.paired_data.scenes import Scenes
    from shapecycle.parallel import Team

SETTINGS = "synthesis.json"
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
    workers: Annotated[DisallowNone[int | None], arg(help_behavior_hint="(default: none)")] = None
    """Share the shards out among so many workers on Ray (extra "ray"): on this machine, or on the
    cluster that RAY_ADDRESS names."""
    resume: bool = False
    """Go on where an earlier run with the same options stopped."""
    device: Device = "auto"
    """Where to compute."""

    def run(self) -> None:
        """Write the shards that are not there yet, each as a whole, then their index."""
        self._check()
        with together() as team:
            team.first(self._check_shapes)
            sampler = team.own(lambda: self._sampler(team))
            settings = team.first(lambda: self._settings(sampler))
            # What can go wrong with shapes and options goes wrong before a folder is made.
            work = team.own(lambda: self._work(sampler))
            doubts = fill(
                self.out, self, work, team, sampler.model.device,
                name=SETTINGS, settings=settings, missing=self._missing,
                count=-(-self.count // self.shard), resume=self.resume, workers=self.workers,
            )  # fmt: skip
            for about in sorted(doubts):
                say(doubts[about])
            team.first(lambda: self._finish(settings))
            say(f"{counted(self.count, 'pictures')} are in")
            if team.is_first:
                print(self.out)

    def prepared(self) -> Work:
        """Load the model, in a process that makes shards."""
        from shapecycle.parallel import ALONE

        return self._work(self._sampler(ALONE))

    def _sampler(self, team: "Team") -> AppearanceSampler:
        from shapecycle.model import load

        model = load(self.model, device=own_device(self.device, team))
        return AppearanceSampler(model, self.appearance)

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
        check_workers(self.workers)

    def _listed(self) -> list[Path]:
        """List the given shapes.

        Raises:
            DataError: If some are not there.
        """
        from shapecycle.data.mesh_files import SUFFIXES

        return files_of(self.shapes, tuple(SUFFIXES), "shapes") if self.shapes else []

    def _check_shapes(self) -> None:
        """Look at each of the given shapes.

        Raises:
            DataError: If one cannot be drawn.
        """
        from shapecycle.data.mesh_files import load_mesh

        for path in self._listed():
            if load_mesh(path).is_point_cloud:
                raise DataError(
                    f"{path} holds points without faces, which cannot be coloured",
                    "give triangle meshes",
                )

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

    def _settings(self, sampler: AppearanceSampler) -> dict[str, Any]:
        """Return what decides the pictures."""
        from shapecycle.model_file import found_file

        options = asdict(self)
        for name in ("model", "out", "shapes", "resume", "device", "workers"):
            del options[name]
        found: dict[str, Any] = json.loads(json.dumps(options, default=str))
        look = self.appearance
        sources = (look.texture_from, look.pose_from, look.light_from)
        return found | {
            "model": fingerprint([found_file(self.model)]),
            "shapes": fingerprint(self._listed()),
            "pictures": fingerprint([path for path in sources if path is not None]),
            "backgrounds": fingerprint(sampler.background.files),
        }

    def _work(self, sampler: AppearanceSampler) -> Work:
        """Return what draws a shard and writes it."""
        from shapecycle.paired_data.keypoints import Keypoints
        from shapecycle.paired_data.objects import Things
        from shapecycle.paired_data.scenes import Scenes

        model = sampler.model
        model.dress_for(self.size)
        things = Things(
            model,
            -(-self.count // self.views),
            self.seed,
            given=self._listed(),
            axes=(self.up, self.front),
            on_template=self.surface == "template",
        )
        keypoints = Keypoints(model.surfaces, self.keypoints)
        scenes = Scenes(model, self.size, keypoints, sampler.may_be_moved, self.appearance.shadow)
        return partial(self._write, sampler, things, scenes)

    def _path(self, shard: int) -> Path:
        return self.out / f"pictures-{shard:06d}.tar"

    def _meshes_path(self, shard: int) -> Path:
        return self.out / f"{MESHES}-{shard:06d}.tar"

    def _range(self, shard: int) -> tuple[int, int]:
        """Return the numbers of a shard's first picture, and of the one after its last."""
        return shard * self.shard, min((shard + 1) * self.shard, self.count)

    def _write(
        self, sampler: AppearanceSampler, things: "Things", scenes: "Scenes", shard: int
    ) -> Made:
        """Draw and write a shard."""
        from shapecycle.data.shards import write_shard

        meshes: list[Sample] = []
        samples = self._samples(shard, sampler, things, scenes, meshes)
        write_shard(self._path(shard), samples)
        if self.meshes:
            write_shard(self._meshes_path(shard), meshes)
        first, last = self._range(shard)
        doubts = {str(path): one.doubt(path) for path, one in things.doubtful.items()}
        return Made(shard, last - first, doubts)

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
