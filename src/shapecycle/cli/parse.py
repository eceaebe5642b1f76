"""From arguments to a command; nothing heavy is imported before it runs."""

import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Protocol, runtime_checkable

from shapecycle.cli.align import Align
from shapecycle.cli.card import Card
from shapecycle.cli.demo import Demo
from shapecycle.cli.directions import DirectionsVerb
from shapecycle.cli.doctor import Doctor
from shapecycle.cli.evaluate import Evaluate
from shapecycle.cli.evaluate_drawings import EvaluateDrawings
from shapecycle.cli.export import Export
from shapecycle.cli.generate import Generate
from shapecycle.cli.init import Init
from shapecycle.cli.interpolate import Interpolate
from shapecycle.cli.keypoints import Keypoints
from shapecycle.cli.prepare import Prepare
from shapecycle.cli.reconstruct import Reconstruct
from shapecycle.cli.render import Render
from shapecycle.cli.replay import Replay
from shapecycle.cli.strip import Strip
from shapecycle.cli.synthesize import Synthesize
from shapecycle.cli.train import Train
from shapecycle.cli.view import View
from shapecycle.cli.watch import Watch
from shapecycle.errors import ConfigError
from shapecycle.torchrun import is_one_of_several

DESCRIPTION = """\
shapecycle learns to translate between masked photographs and untextured 3D shapes, both ways,
from two folders that have nothing to do with each other.

Examples:
  shapecycle demo                                        # everything, on a world of small cars
  shapecycle train --images photos --shapes meshes --out run --minutes 30
  shapecycle reconstruct run photo.png --out out         # photo -> textured mesh
  shapecycle render run chair.obj --samples 3 --out out  # shape -> pictures
  shapecycle generate run --samples 8 --out out          # new objects
  shapecycle VERB --help                                 # all options of one verb
"""


@runtime_checkable
class Command(Protocol):
    """Something that can be run."""

    def run(self) -> None:
        """Do it."""


COMMANDS: dict[str, Callable[..., Command]] = {
    "prepare": Prepare,
    "init": Init,
    "train": Train,
    "reconstruct": Reconstruct,
    "render": Render,
    "generate": Generate,
    "interpolate": Interpolate,
    "synthesize": Synthesize,
    "directions": DirectionsVerb,
    "align": Align,
    "keypoints": Keypoints,
    "export": Export,
    "view": View,
    "watch": Watch,
    "replay": Replay,
    "evaluate": Evaluate,
    "evaluate-drawings": EvaluateDrawings,
    "strip": Strip,
    "card": Card,
    "demo": Demo,
    "doctor": Doctor,
}


ALONE = (
    *("prepare", "init", "interpolate", "directions", "align", "keypoints", "export", "view"),
    *("watch", "replay", "evaluate", "evaluate-drawings", "strip", "card", "demo", "doctor"),
)
"""Verbs that processes of torchrun cannot share out."""


def parse(arguments: Sequence[str]) -> Command:
    """Turn arguments into a command; prints help or a usage error and exits where due."""
    if list(arguments) in (["--version"], ["-V"]):
        print(f"shapecycle {version('shapecycle')}")
        sys.exit(0)
    if not arguments or arguments[0] in ("--help", "-h"):
        # Printed without the parser, whose import takes half a second.
        print(DESCRIPTION)
        print("Verbs:")
        for name, command in COMMANDS.items():
            print(f"  {name:<18} {(command.__doc__ or '').splitlines()[0]}")
        sys.exit(0)
    import tyro

    verb, *options = _joined(arguments)
    if verb in ALONE and is_one_of_several():
        raise ConfigError(
            f"{verb} runs in one process, and torchrun started several", "leave torchrun out"
        )
    if verb in COMMANDS:
        return tyro.cli(COMMANDS[verb], prog=f"shapecycle {verb}", args=options)
    # Says which verbs there are, and exits.
    return tyro.extras.subcommand_cli_from_dict(COMMANDS, prog="shapecycle", args=[verb])


def _joined(arguments: Sequence[str]) -> list[str]:
    """Join axes to their options: alone, a value such as -y looks like an option of its own."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in ("--up", "--front"):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined
