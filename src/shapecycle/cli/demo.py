"""``shapecycle demo``."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from shapecycle.cli.generate import Generate
from shapecycle.cli.inputs import MAX_SEED, Device, check_range
from shapecycle.cli.reconstruct import Reconstruct
from shapecycle.cli.render import Render
from shapecycle.cli.train import Train
from shapecycle.demo.world import LIMIT_MINUTES, TOTAL_IMAGES, DemoOptions, cars_world
from shapecycle.errors import ConfigError


@dataclass(frozen=True)
class Demo:
    """Translate pictures and shapes of small cars both ways, by a model that comes along or is
    trained first; write a report.

    Example: shapecycle demo
    """

    out: Path = field(default_factory=lambda: Path("demo-run"))
    """Folder to create; a number is appended if it is there already."""
    train: bool = False
    """Train a model first, from two folders, and compare it with the one that comes along."""
    total_images: int = TOTAL_IMAGES
    """Train until so many images are seen; a slow machine takes longer, for the same report."""
    limit_minutes: float = LIMIT_MINUTES
    """Train at most this long, loading included; the report says so if that was too short."""
    seed: int = 0
    """Seed of all random numbers."""
    device: Device = "auto"
    """Where to compute."""

    def run(self) -> None:
        """Run the demo and print where the report is.

        Raises:
            ConfigError: If the images, the limit, the seed or the device cannot be had.
        """
        from shapecycle.config import MAX_COUNTS

        check_range(self.total_images, 1, MAX_COUNTS["train.total_images"], "--total-images")
        if not 0 < self.limit_minutes < inf:
            raise ConfigError(
                f"--limit-minutes must be a positive number, found {self.limit_minutes}"
            )
        check_range(self.seed, 0, MAX_SEED, "--seed")
        from shapecycle.demo.run import run_demo
        from shapecycle.devices import chosen_device

        device = chosen_device(self.device)
        options = DemoOptions(
            self.out, self.train, self.total_images, self.limit_minutes, self.seed, device
        )
        print(run_demo(options, cars_world(), run_verb))


VERBS = {"train": Train, "reconstruct": Reconstruct, "render": Render, "generate": Generate}


def run_verb(words: Sequence[str]) -> None:
    """Run another verb, given as it is typed."""
    import tyro

    verb, *arguments = words
    command: Train | Reconstruct | Render | Generate = tyro.cli(VERBS[verb], args=arguments)
    command.run()
