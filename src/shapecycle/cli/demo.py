"""``shapecycle demo``."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path

from shapecycle.cli.generate import Generate
from shapecycle.cli.inputs import MAX_SEED, Device, check_range
from shapecycle.cli.reconstruct import Reconstruct
from shapecycle.cli.render import Render
from shapecycle.cli.train import Train
from shapecycle.errors import ConfigError


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
        """Run the demo and print where the report is.

        Raises:
            ConfigError: If the time, the seed or the device cannot be had.
        """
        if not (isfinite(self.minutes) and self.minutes > 0):
            raise ConfigError(f"--minutes must be positive, found {self.minutes}")
        check_range(self.seed, 0, MAX_SEED, "--seed")
        from shapecycle.demo.run import run_demo
        from shapecycle.demo.world import DemoOptions, cars_world
        from shapecycle.devices import chosen_device

        device = chosen_device(self.device)
        options = DemoOptions(self.out, self.minutes, self.seed, device)
        print(run_demo(options, cars_world(), run_verb))


VERBS = {"train": Train, "reconstruct": Reconstruct, "render": Render, "generate": Generate}


def run_verb(words: Sequence[str]) -> None:
    """Run another verb, given as it is typed."""
    import tyro

    verb, *arguments = words
    command: Train | Reconstruct | Render | Generate = tyro.cli(VERBS[verb], args=arguments)
    command.run()
