"""``shapecycle interpolate``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from shapecycle.cli.inputs import Device, check_range
from shapecycle.cli.output import new_folder
from shapecycle.cli.sample_files import Sample, write_samples
from shapecycle.cli.writer import Writer
from shapecycle.console import say
from shapecycle.data.folders import counted

if TYPE_CHECKING:
    from shapecycle.graphics_code import GraphicsCode
    from shapecycle.model import Model

Part = Literal["shape", "texture", "pose", "light"]
PARTS: tuple[Part, ...] = ("shape", "texture", "pose", "light")


@dataclass(frozen=True)
class Interpolate:
    """Go from one picture or shape to another in steps: pictures, meshes, a strip, an animation.

    Example: shapecycle interpolate run a.png b.png --steps 8 --parts shape texture --out out
    """

    model: Positional[Path]
    """Run folder, model file, or a model that comes with the package: cars or chairs."""
    first: Positional[Path]
    """A picture with its mask, or a shape file."""
    second: Positional[Path]
    """Another one."""
    out: Path
    """Folder to create."""
    steps: int = 8
    """Number of codes, both ends included."""
    parts: Annotated[tuple[Part, ...], arg(help_behavior_hint="(default: all)")] = PARTS
    """What changes; the rest stays the first one's."""
    size: int = 256
    """Side of the square pictures, in pixels."""
    device: Device = "auto"
    """Where to compute."""

    def run(self) -> None:
        """Write all steps."""
        import numpy as np
        from PIL import Image

        from shapecycle.devices import chosen_device
        from shapecycle.model import load
        from shapecycle.turntable import save_animation

        check_range(self.steps, 2, 1000, "--steps")
        check_range(self.size, 16, 4096, "--size")
        with new_folder(self.out) as out:
            model = load(self.model, device=chosen_device(self.device))
            first, second = (_code(model, path) for path in (self.first, self.second))
            codes = [self._between(first, second, k / (self.steps - 1)) for k in range(self.steps)]
            samples = [Sample(model.in_frame(one), out / str(k)) for k, one in enumerate(codes)]
            with Writer[None]() as writer:
                for one in samples:  # their texels may differ in size
                    write_samples(model, [one], self.size, writer)
                writer.finish()
            frames = []
            for k in range(self.steps):
                with Image.open(out / f"{k}.png") as file:
                    frames.append(np.asarray(file, dtype=np.float32) / 255)
            strip = (np.concatenate(frames, axis=1) * 255).round().astype(np.uint8)
            Image.fromarray(strip).save(out / "strip.png")
            save_animation(out / "animation.gif", frames + frames[-2:0:-1], None)
        say(f"{counted(self.steps, 'steps')} written to")
        print(self.out)

    def _between(
        self, first: "GraphicsCode", second: "GraphicsCode", share: float
    ) -> "GraphicsCode":
        code = first.interpolated(second, share)
        if "shape" not in self.parts:
            code = code.with_shape_of(first)
        if "texture" not in self.parts:
            code = code.with_texture_of(first)
        if "pose" not in self.parts:
            code = code.with_pose_of(first)
        if "light" not in self.parts:
            code = code.with_light_of(first)
        return code


def _code(model: "Model", path: Path) -> "GraphicsCode":
    """See a picture, or read a shape."""
    from shapecycle.data.mesh_files import SUFFIXES

    if path.suffix.lower() in SUFFIXES:
        return model.canvas(path)[1]
    return model.see(path).code
