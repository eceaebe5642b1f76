"""From arguments to a command; nothing heavy is imported before one is chosen."""

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib.metadata import version
from typing import NoReturn, Protocol, get_args, get_type_hints

from shapecycle.cli.commands import (
    Demo,
    Doctor,
    Evaluate,
    Generate,
    Reconstruct,
    Render,
    Train,
)

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


class Command(Protocol):
    """Something that can be run."""

    def run(self) -> None:
        """Do it."""


COMMANDS: dict[str, type[Command]] = {
    "train": Train,
    "reconstruct": Reconstruct,
    "render": Render,
    "generate": Generate,
    "evaluate": Evaluate,
    "demo": Demo,
    "doctor": Doctor,
}


def parse(arguments: Sequence[str]) -> Command:
    """Turn arguments into a command; prints help or a usage error and exits where due."""
    if list(arguments) in (["--version"], ["-V"]):
        print(f"shapecycle {version('shapecycle')}")
        sys.exit(0)
    if not arguments or arguments[0] in ("--help", "-h"):
        # Shown without the parser: the first thing a newcomer types should answer at once.
        print(DESCRIPTION)
        print("Verbs:")
        for name, command in COMMANDS.items():
            print(f"  {name:<12} {(command.__doc__ or '').splitlines()[0]}")
        sys.exit(0)
    verb = arguments[0]
    if verb not in COMMANDS:
        _refuse("verb", verb, list(COMMANDS))
    known = _options(COMMANDS[verb])
    for argument in arguments[1:]:
        name = argument.partition("=")[0]
        if name.startswith("--") and name.replace("_", "-") not in known:
            _refuse("option", name, known)
    import tyro

    return tyro.cli(COMMANDS[verb], prog=f"shapecycle {verb}", args=_joined(arguments[1:]))


def _joined(arguments: Sequence[str]) -> list[str]:
    """Join axes to their options: alone, a value such as -y looks like an option of its own."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in ("--up", "--front"):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _options(command: type[Command]) -> list[str]:
    """List a verb's options; those that are on or off also have a form with --no-."""
    names = ["--help"]
    for name, kind in get_type_hints(command).items():
        option = name.replace("_", "-")
        is_switch = bool in (kind, *get_args(kind))
        names += [f"--{option}", *([f"--no-{option}"] if is_switch else [])]
    return names


def _refuse(kind: str, name: str, known: list[str]) -> NoReturn:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"{kind}s: {', '.join(known)}"
    print(f"error: unknown {kind} '{name}'\n  hint: {hint}", file=sys.stderr)
    sys.exit(2)
