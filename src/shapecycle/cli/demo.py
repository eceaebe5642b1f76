"""``shapecycle demo``."""

from math import isfinite

from shapecycle.cli.commands import Demo
from shapecycle.cli.output import chosen_device
from shapecycle.errors import ConfigError


def run(command: Demo) -> None:
    """Play the demo and print where the report is.

    Raises:
        ConfigError: If the time or the device cannot be had.
    """
    if not (isfinite(command.minutes) and command.minutes > 0):
        raise ConfigError(f"--minutes must be positive, found {command.minutes}")
    chosen_device(command.device)
    from shapecycle.demo.play import play
    from shapecycle.demo.world import cars_world

    print(play(command, cars_world()))
