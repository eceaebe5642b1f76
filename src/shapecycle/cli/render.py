"""``shapecycle render``."""

from collections import ChainMap
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tyro.conf import OmitArgPrefixes, Positional

from shapecycle.cli.appearance import Appearance, AppearanceSampler
from shapecycle.cli.inputs import Device, files_of, load_share
from shapecycle.cli.output import new_folder
from shapecycle.cli.sample_files import Sample, check_sampling, generator_of, write_samples
from shapecycle.cli.together import own_device, together
from shapecycle.cli.writer import Writer
from shapecycle.console import say
from shapecycle.data.folders import counted
from shapecycle.errors import DataError, GeometryError

if TYPE_CHECKING:
    from shapecycle.graphics_code import GraphicsCode
    from shapecycle.memory.canvas import Canvas, ReadFit
    from shapecycle.model import Model


@dataclass(frozen=True)
class Render:
    """Draw shapes as pictures, in borrowed or sampled textures, poses and lights.

    Example: shapecycle render run chair.obj --samples 3 --seed 1 --out out
    """

    model: Positional[Path]
    """Run folder, model file, or a model that comes with the package: cars or chairs."""
    shapes: Positional[tuple[Path, ...]]
    """Shape files, or folders of shape files."""
    out: Path
    """Folder to create; one subfolder per shape."""
    samples: int = 3
    """Pictures per shape."""
    seed: int = 0
    """Seed of all that is sampled."""
    size: int = 256
    """Side of the square pictures, in pixels."""
    surface: Literal["given", "template"] = "given"
    """Colour the shape as it was given, or the decoded template that was read of it."""
    appearance: OmitArgPrefixes[Appearance] = field(default_factory=Appearance)
    up: str = "+y"
    """Axis that points up in the shape files."""
    front: str = "+z"
    """Axis that points to the front in the shape files."""
    device: Device = "auto"
    """Where to compute."""
    skip_bad: bool = False
    """Leave bad files out instead of stopping; all are named."""

    def run(self) -> None:
        """Draw every shape several times, or none if one file is bad."""
        from shapecycle.data.mesh_files import SUFFIXES
        from shapecycle.data.shapes import axes_of
        from shapecycle.model import load

        check_sampling(self.samples, self.size, self.seed)
        self.appearance.check()
        axes_of(self.up, self.front)  # raises if they are none
        with together() as team:
            files = team.first(lambda: files_of(self.shapes, tuple(SUFFIXES), "shapes"))
            with new_folder(self.out, team) as out:
                model = team.own(lambda: load(self.model, device=own_device(self.device, team)))
                sampler = team.own(lambda: AppearanceSampler(model, self.appearance))
                read = load_share(
                    files, partial(self._read, model), team, skip_bad=self.skip_bad, kind="shapes"
                )
                odd = {n: one.fit.doubt(files[n]) for n, one in read.items() if one.fit.is_doubtful}
                doubts = dict(ChainMap(*team.each(lambda: odd)))
                own = list(read)
                shares = team.each(lambda: len(own))
                count, done = sum(shares), 0
                with Writer[None]() as writer:
                    for k in range(max(shares)):
                        some = {n: read[n] for n in own[k : k + 1]}
                        work = partial(self._draw, model, sampler, some, files, out, writer)
                        done += sum(team.each(work))
                        say(f"  {done} of {counted(count, 'shapes')}")
                    team.own(writer.finish)
            for number in sorted(doubts):
                say(doubts[number])
            each = counted(self.samples, "pictures")
            say(f"{counted(count, 'shapes')}, {each} of each, written to")
            if team.is_first:
                print(self.out)

    def _read(self, model: "Model", path: Path) -> "_Read":
        """Read one shape: to be coloured as it was given, or on the template."""
        from shapecycle.data.mesh_files import load_mesh
        from shapecycle.data.shapes import axes_of, turned
        from shapecycle.geometry.boxes import normalise

        mesh = load_mesh(path)
        try:
            if self.surface == "given" and not mesh.is_point_cloud:
                canvas, code = model.canvas(path, up=self.up, front=self.front)
                return _Read(code, canvas, canvas.fit)
            if self.surface == "given":
                say(f"{path} holds points without faces: they are drawn on the template")
            unit, _ = normalise(turned(mesh, axes_of(self.up, self.front)))
            shape = model.read(unit)
        except GeometryError as fault:
            raise DataError(f"{path}: {fault.what}", fault.hint) from fault
        return _Read(model.plain(shape), None, model.fit_of(unit, shape))

    def _draw(
        self,
        model: "Model",
        sampler: AppearanceSampler,
        read: "dict[int, _Read]",
        files: Sequence[Path],
        out: Path,
        writer: Writer[None],
    ) -> int:
        """Draw some shapes, and begin to write what was drawn; return how many."""
        for number, one in read.items():
            if one.canvas is not None:
                model.surfaces.hold(one.canvas.source)
            samples = []
            for k in range(self.samples):
                generator = generator_of(self.seed, number, k)
                code = sampler(one.code.map(lambda x: x.to(model.device)), generator)
                background = sampler.background(generator, (self.size, self.size))
                path = out / files[number].stem / str(k)
                samples.append(Sample(code, path, one.canvas, background))
            look = self.appearance
            write_samples(
                model, samples, self.size, writer, turntable=look.turntable, shadow=look.shadow
            )
        return len(read)


@dataclass(frozen=True, eq=False)
class _Read:
    """A shape that was read.

    Attributes:
        code: Its code, in no particular appearance.
        canvas: The given shape; None where the template is coloured.
        fit: How near what was read is to it, and it to the training shapes.
    """

    code: "GraphicsCode"
    canvas: "Canvas | None"
    fit: "ReadFit"
