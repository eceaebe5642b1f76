"""The demo's world, what the user can choose, and where the files of one demo are."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOTAL_IMAGES = 60_000
"""Pictures and shapes that the demo's training sees, on a machine of any speed."""
LIMIT_MINUTES = 30.0
"""What that may take, unless another limit is given."""
SHAPES = 150
SHOWN = 3
"""Held-out objects that are translated where nothing is trained."""
VIEWS = 1
"""Pictures of each of them."""
DRAWINGS = 3
"""How many pictures are drawn of each held-out shape."""
NEW, FEW_NEW = 8, 4
"""How many new objects are generated after a training, and without."""

ShapeWriter = Callable[[Path, Iterable[int]], list[Path]]
"""Writes the shapes of some seeds into a folder, and returns the files."""


@dataclass(frozen=True)
class DemoOptions:
    """What the user can choose.

    Attributes:
        out: Folder to create; a number is appended if it is there already.
        trains: Whether a model is trained; otherwise the one that comes with the package is used.
        total_images: Pictures and shapes that the training sees.
        limit_minutes: Minutes after which the training ends, even if it has seen fewer.
        seed: Seed of all random numbers.
        device: Where to compute: "cpu", "cuda" or "mps".
    """

    out: Path
    trains: bool
    total_images: int
    limit_minutes: float
    seed: int
    device: str

    @property
    def new(self) -> int:
        """How many new objects are generated."""
        return NEW if self.trains else FEW_NEW


def _write_cars(folder: Path, seeds: Iterable[int]) -> list[Path]:
    # The command line reads the constants of this file, and must not wait for NumPy.
    from shapecycle.demo.cars import write_shapes

    return write_shapes(folder, seeds)


def _write_chairs(folder: Path, seeds: Iterable[int]) -> list[Path]:
    from shapecycle.demo.chairs import write_shapes

    return write_shapes(folder, seeds)


@dataclass(frozen=True)
class World:
    """The pictures and shapes that the demo learns from.

    Attributes:
        pictures: Folder with ``train/images``, and ``val/images``, ``val/shapes`` and
            ``val/cameras.json`` of other objects.
        seeds: The objects that are the training shapes.
        fov_y_degrees: Vertical field of view of all cameras, in degrees.
        settings: What else differs from the preset's settings.
        noun: What one of its objects is called.
        model: The name of the model that comes with the package.
        write_shapes: Makes the training shapes.
    """

    pictures: Path
    seeds: Sequence[int]
    fov_y_degrees: float
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    noun: str = "car"
    model: str = "cars"
    write_shapes: ShapeWriter = _write_cars


class DemoPaths:
    """Where the files of one demo are.

    Args:
        out: Folder of all that the demo writes.
        world: What it learns from.
        trains: Whether a model is trained.

    Attributes:
        photos: The training pictures.
        held_out: Pictures, shapes and cameras that the training does not see; few of them where
            nothing is trained.
        shapes: The training shapes.
        settings: The settings of the training, a file.
        run: The run folder with the model, or its name.
        meshes: What was reconstructed from the held-out pictures.
        drawings: What was drawn of the held-out shapes.
        read: What was read of them: decoded templates, drawn.
        new: New objects.
    """

    def __init__(self, out: Path, world: World, *, trains: bool = True) -> None:
        self.photos = world.pictures / "train" / "images"
        self.held_out = world.pictures / "val" if trains else out / "held-out"
        self.out = out
        self.shapes = out / "shapes"
        self.settings = out / "settings.yaml"
        self.run = out / "run" if trains else Path(world.model)
        self.meshes = out / "reconstructions"
        self.drawings = out / "drawings"
        self.read = out / "read"
        self.new = out / f"new-{world.noun}s"


def cars_world() -> World:
    """Return the world that comes with the package."""
    from shapecycle.demo.cars import SHAPE_SEEDS

    return World(Path(__file__).parent / "pictures", SHAPE_SEEDS[:SHAPES], 40.0)


def chairs_world(pictures: Path) -> World:
    """Return a world of chairs, whose pictures do not come with the package.

    Args:
        pictures: What ``runs/render_demo_pictures.py --world chairs --out`` wrote.
    """
    from shapecycle.demo.chairs import SHAPE_SEEDS

    seeds = SHAPE_SEEDS[:SHAPES]
    return World(pictures, seeds, 40.0, noun="chair", model="chairs", write_shapes=_write_chairs)


def free_folder(out: Path) -> Path:
    """Return the folder, or the first of ``out-2``, ``out-3``, ... that holds nothing."""
    candidate, number = out, 1
    while candidate.is_file() or (candidate.is_dir() and any(candidate.iterdir())):
        number += 1
        candidate = out.with_name(f"{out.name}-{number}")
    return candidate
