"""``shapecycle init``."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import DisallowNone, Positional, arg

from shapecycle.cli.output import write_new_file
from shapecycle.console import say
from shapecycle.errors import CheckpointError

if TYPE_CHECKING:
    from shapecycle.prepare.suggestions import Suggestions


@dataclass(frozen=True)
class Init:
    """Look at two folders and write a settings file for them: every setting with its meaning.

    Example: shapecycle init ready/images ready/shapes --out my.yaml
    """

    images: Positional[Path]
    """Folder of masked pictures."""
    shapes: Positional[Path]
    """Folder of shapes."""
    out: Path = Path("shapecycle.yaml")
    """YAML file to create, for train --config."""
    preset: Annotated[
        DisallowNone[Literal["laptop", "standard", "large", "paper"] | None],
        arg(help_behavior_hint="(default: by the machine and the pictures)"),
    ] = None
    """Whose values stand in the file."""

    def run(self) -> None:
        """Write the file, and say how to train with it."""
        from shapecycle.config import load_settings
        from shapecycle.devices import chosen_device
        from shapecycle.prepare.suggestions import suggested
        from shapecycle.settings_file import commented

        if self.out.exists():
            raise CheckpointError(f"{self.out} is there already", "name another file by --out")
        found = suggested(self.images, self.shapes, has_gpu=chosen_device("auto") == "cuda")
        preset = self.preset or found.preset
        command = self._command(preset)
        text = commented(load_settings(preset), found.chosen, _heading(found, preset, command))
        write_new_file(self.out, text)
        for line in found.remarks:
            say(f"  {line}")
        for name, (value, reason) in found.chosen.items():
            say(f"  {name}: {value}. {reason}")
        say(f"to train: {command}; --dry-run measures memory and speed first")
        print(self.out)

    def _command(self, preset: str) -> str:
        words = ["shapecycle", "train", "--images", self.images, "--shapes", self.shapes]
        words += ["--out", "run", "--config", self.out, "--preset", preset, "--minutes", "30"]
        return shlex.join(map(str, words))


def _heading(found: "Suggestions", preset: str, command: str) -> str:
    return "\n".join(
        [
            "Settings of a training by shapecycle:",
            *(f"  {line}" for line in found.remarks),
            "",
            f"After a # stand the values of the preset {preset}: take it away to change one.",
            "",
            f"  {command}",
        ]
    )
