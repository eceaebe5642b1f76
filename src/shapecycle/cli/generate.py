"""``shapecycle generate``."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import DisallowNone, OmitArgPrefixes, Positional, arg

from shapecycle.cli.appearance import Appearance, AppearanceSampler, Sampled
from shapecycle.cli.drawing import codes_at_once
from shapecycle.cli.inputs import Device
from shapecycle.cli.output import new_folder
from shapecycle.cli.sample_files import Sample, check_sampling, generator_of, write_samples
from shapecycle.cli.together import own_device, together
from shapecycle.cli.writer import Writer
from shapecycle.console import say
from shapecycle.data.folders import counted

if TYPE_CHECKING:
    from shapecycle.graphics_code import GraphicsCode
    from shapecycle.model import Model


@dataclass(frozen=True)
class Generate:
    """Make new objects: shape, texture, pose and light are all sampled.

    Example: shapecycle generate run --samples 8 --seed 1 --out out
    """

    model: Positional[Path]
    """Run folder, model file, or a model that comes with the package: cars or chairs."""
    out: Path
    """Folder to create."""
    samples: int = 8
    """Number of objects."""
    seed: int = 0
    """Seed of all that is sampled."""
    size: int = 256
    """Side of the square pictures, in pixels."""
    surface: Annotated[
        DisallowNone[Literal["carried", "template"] | None],
        arg(help_behavior_hint="(default: the first that the model can)"),
    ] = None
    """Carry the nearest remembered shape to each new one, or decode the template."""
    shape_from: Sampled[Path] = None
    """Take the shape that is seen in this picture."""
    appearance: OmitArgPrefixes[Appearance] = field(default_factory=Appearance)
    device: Device = "auto"
    """Where to compute."""

    def run(self) -> None:
        """Make new objects."""
        from shapecycle.cli.seen_files import check_surface
        from shapecycle.model import load

        check_sampling(self.samples, self.size, self.seed)
        self.appearance.check()
        with together() as team:
            with new_folder(self.out, team) as out:
                model = team.own(lambda: load(self.model, device=own_device(self.device, team)))
                check_surface(self.surface or "auto", model)
                sampler = team.own(lambda: AppearanceSampler(model, self.appearance))
                seen = team.own(lambda: self._seen(model))
                at_once = team.size * codes_at_once(model.device.type)
                with Writer[None]() as writer:
                    for start in range(0, self.samples, at_once):
                        chunk = range(start, min(start + at_once, self.samples))
                        work = partial(
                            self._make, model, sampler, seen, team.share(chunk), out, writer
                        )
                        team.each(work)
                        say(f"  {chunk.stop} of {counted(self.samples, 'objects')}")
                    team.own(writer.finish)
            say(f"{counted(self.samples, 'new objects')} written to")
            if team.is_first:
                print(self.out)

    def _seen(self, model: "Model") -> "GraphicsCode | None":
        """Return the shape that is taken from a picture, if one is, with its surface."""
        if self.shape_from is None:
            return None
        seen = model.see(self.shape_from, surface=self.surface or "auto").code
        return model.plain(seen.shape).with_shape_of(seen)

    def _make(
        self,
        model: "Model",
        sampler: AppearanceSampler,
        seen: "GraphicsCode | None",
        numbers: Sequence[int],
        out: Path,
        writer: Writer[None],
    ) -> None:
        """Make some objects, and begin to write them."""
        samples = []
        for number in numbers:
            generator = generator_of(self.seed, number)
            code = seen
            if code is None:
                shape = model.sample_shape(1, generator)
                code = model.plain(shape)
                if self.surface != "template":
                    code = replace(code, surface=model.nearest_surface(shape))
            background = sampler.background(generator, (self.size, self.size))
            samples.append(Sample(sampler(code, generator), out / str(number), None, background))
        look = self.appearance
        write_samples(
            model, samples, self.size, writer, turntable=look.turntable, shadow=look.shadow
        )
