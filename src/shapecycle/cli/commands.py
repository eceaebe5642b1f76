"""The verbs and their options. What they do is imported when they run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import DisallowNone, Positional, arg

Device = Literal["auto", "cpu", "cuda", "mps"]


@dataclass(frozen=True)
class Train:
    """Train a model on a folder of masked pictures and an unrelated folder of shapes.

    Example: shapecycle train --images photos --shapes meshes --out run --minutes 30
    """

    images: Path
    """Folder of RGBA pictures, or of RGB pictures with masks of the same names in masks/."""
    shapes: Path
    """Folder of meshes (GLB, OBJ, PLY, OFF, STL) or oriented point clouds (PLY)."""
    out: Path
    """Run folder to create; with --resume, the run folder to go on with."""
    minutes: float | None = None
    """Train for about this long, loading included; how many images that is gets measured."""
    total_images: int | None = None
    """Train until this many pictures and shapes have been seen."""
    preset: Annotated[
        DisallowNone[Literal["laptop", "standard", "large"] | None],
        arg(help_behavior_hint="(default: laptop)"),
    ] = None
    """Size of the networks and length of the training."""
    config: Path | None = None
    """YAML file of settings that differ from the preset's."""
    seed: Annotated[DisallowNone[int | None], arg(help_behavior_hint="(default: 0)")] = None
    """Seed of all random numbers."""
    device: Device = "auto"
    """Where to compute; auto takes an NVIDIA GPU if there is one, else the processor."""
    up: Annotated[DisallowNone[str | None], arg(help_behavior_hint="(default: +y)")] = None
    """Axis that points up in the shape files."""
    front: Annotated[DisallowNone[str | None], arg(help_behavior_hint="(default: +z)")] = None
    """Axis that points to the front in the shape files."""
    resume: bool = False
    """Go on from the last saved state in the run folder, with its settings, seed and axes."""
    skip_bad: Annotated[DisallowNone[bool | None], arg(help_behavior_hint="(default: stop)")] = None
    """Leave bad files out instead of stopping; all are named."""
    dry_run: bool = False
    """Print the settings, the networks' sizes, and the memory and speed of some steps; stop."""

    def run(self) -> None:
        """Train."""
        from shapecycle.cli.train import run

        run(self)


@dataclass(frozen=True)
class Reconstruct:
    """Turn masked pictures into textured meshes (GLB), renders and graphics codes.

    Example: shapecycle reconstruct run photos/a.png photos/b.png --out out
    """

    model: Positional[Path]
    """Run folder or model file."""
    inputs: Positional[tuple[Path, ...]]
    """Pictures, or folders of pictures."""
    out: Path
    """Folder to create; one subfolder per picture."""
    refine_steps: int = 30
    """Steps of fitting each shape and pose to its mask; 0 keeps the network's first answer."""
    device: Device = "auto"
    """Where to compute."""
    skip_bad: bool = False
    """Leave bad files out instead of stopping; all are named."""

    def run(self) -> None:
        """Reconstruct."""
        from shapecycle.cli.reconstruct import run

        run(self)


@dataclass(frozen=True)
class Render:
    """Draw shapes as pictures, in sampled textures, poses and lights.

    Example: shapecycle render run chair.obj --samples 3 --seed 1 --out out
    """

    model: Positional[Path]
    """Run folder or model file."""
    shapes: Positional[tuple[Path, ...]]
    """Shape files, or folders of shape files."""
    out: Path
    """Folder to create; one subfolder per shape."""
    samples: int = 3
    """Pictures per shape."""
    seed: int = 0
    """Seed of textures, poses and lights."""
    size: int = 256
    """Side of the square pictures, in pixels."""
    device: Device = "auto"
    """Where to compute."""
    skip_bad: bool = False
    """Leave bad files out instead of stopping; all are named."""

    def run(self) -> None:
        """Render."""
        from shapecycle.cli.sample import render

        render(self)


@dataclass(frozen=True)
class Generate:
    """Make new objects: shape, texture, pose and light are all sampled.

    Example: shapecycle generate run --samples 8 --seed 1 --out out
    """

    model: Positional[Path]
    """Run folder or model file."""
    out: Path
    """Folder to create."""
    samples: int = 8
    """Number of objects."""
    seed: int = 0
    """Seed of all that is sampled."""
    size: int = 256
    """Side of the square pictures, in pixels."""
    device: Device = "auto"
    """Where to compute."""

    def run(self) -> None:
        """Generate."""
        from shapecycle.cli.sample import generate

        generate(self)


@dataclass(frozen=True)
class Evaluate:
    """Score a model on pictures whose shapes and cameras are known.

    Example: shapecycle evaluate run --images val/images --shapes val/shapes
    --cameras val/cameras.json --out metrics.json
    """

    model: Positional[Path]
    """Run folder or model file."""
    images: Path
    """Folder of pictures named <model>_<view>.png."""
    shapes: Path
    """Folder of shapes named <model>.ply."""
    cameras: Path
    """JSON file of the pictures' cameras."""
    out: Path
    """JSON file to create."""
    keep: Path | None = None
    """Folder to create for the reconstructions; by default they are not kept."""
    refine_steps: int = 30
    """As in reconstruct."""
    device: Device = "auto"
    """Where to compute."""

    def run(self) -> None:
        """Evaluate."""
        from shapecycle.cli.evaluate import run

        run(self)


@dataclass(frozen=True)
class Demo:
    """Train on a world of small cars for some minutes, score the result, write a report.

    Example: shapecycle demo --out demo-run --minutes 7
    """

    out: Path = field(default_factory=lambda: Path("demo-run"))
    """Folder to create; a number is appended if it is there already."""
    minutes: float = 7.0
    """Length of the training."""
    seed: int = 0
    """Seed of all random numbers."""
    device: Device = "auto"
    """Where to compute."""

    def run(self) -> None:
        """Play the demo."""
        from shapecycle.cli.demo import run

        run(self)


@dataclass(frozen=True)
class Doctor:
    """Say what is installed, which renderer runs and why, and what is missing."""

    def run(self) -> None:
        """Examine."""
        from shapecycle.cli.doctor import run

        run()
