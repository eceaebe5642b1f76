"""``shapecycle demo``."""

from collections.abc import Sequence
from math import isfinite

from shapecycle.cli.commands import Demo
from shapecycle.cli.inputs import LARGEST_SEED, chosen_device, within
from shapecycle.errors import ConfigError


def run(command: Demo) -> None:
    """Play the demo and print where the report is.

    Raises:
        ConfigError: If the time, the seed or the device cannot be had.
    """
    if not (isfinite(command.minutes) and command.minutes > 0):
        raise ConfigError(f"--minutes must be positive, found {command.minutes}")
    within(command.seed, 0, LARGEST_SEED, "--seed")
    device = chosen_device(command.device)
    from shapecycle.demo.play import play
    from shapecycle.demo.world import Asked, cars_world

    asked = Asked(command.out, command.minutes, command.seed, device)
    print(play(asked, cars_world(), run_words))


def run_words(words: Sequence[str]) -> None:
    """Run another verb, given as it is typed."""
    from shapecycle.cli.parse import parse

    parse(words).run()
