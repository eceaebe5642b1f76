"""What a demo plays with, and where everything of one demo lies."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shapecycle.demo.cars import SHAPE_SEEDS

SHAPES = 150
DRAWINGS = 3
"""How many pictures are drawn of each held-out shape."""
NEW = 8
"""How many new cars are generated."""


@dataclass(frozen=True)
class DemoOptions:
    """What is options of a demo.

    Attributes:
        out: Folder to create; a number is appended if it is there already.
        minutes: Length of the training.
        seed: Seed of all random numbers.
        device: Where to compute: "cpu", "cuda" or "mps".
    """

    out: Path
    minutes: float
    seed: int
    device: str


@dataclass(frozen=True)
class World:
    """What the demo plays with.

    Attributes:
        pictures: Folder with ``train/images``, and ``val/images``, ``val/shapes`` and
            ``val/cameras.json`` of other cars.
        seeds: The cars that are the training shapes.
        fov_y_degrees: Vertical field of view of all cameras, in degrees.
        settings: What else differs from the preset's settings.
    """

    pictures: Path
    seeds: Sequence[int]
    fov_y_degrees: float
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class DemoPaths:
    """Where everything of one demo lies: under ``out``, and the pictures that came with us."""

    out: Path
    pictures: Path

    @property
    def photos(self) -> Path:
        """The training pictures."""
        return self.pictures / "train" / "images"

    @property
    def held_out(self) -> Path:
        """Pictures, shapes and cameras that the training does not see."""
        return self.pictures / "val"

    @property
    def shapes(self) -> Path:
        """The training shapes."""
        return self.out / "shapes"

    @property
    def settings(self) -> Path:
        """The settings of the training."""
        return self.out / "settings.yaml"

    @property
    def run(self) -> Path:
        """The run folder with the model."""
        return self.out / "run"

    @property
    def meshes(self) -> Path:
        """What was reconstructed from the held-out pictures."""
        return self.out / "reconstructions"

    @property
    def drawings(self) -> Path:
        """What was drawn of the held-out shapes."""
        return self.out / "drawings"

    @property
    def new(self) -> Path:
        """New cars."""
        return self.out / "new-cars"


def cars_world() -> World:
    """Return the world that comes with the package."""
    return World(Path(__file__).parent / "pictures", SHAPE_SEEDS[:SHAPES], 40.0)


def free_folder(out: Path) -> Path:
    """Return the folder, or the first of ``out-2``, ``out-3``, ... that holds nothing."""
    candidate, number = out, 1
    while candidate.is_file() or (candidate.is_dir() and any(candidate.iterdir())):
        number += 1
        candidate = out.with_name(f"{out.name}-{number}")
    return candidate
