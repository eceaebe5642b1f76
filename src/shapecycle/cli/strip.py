"""``shapecycle strip``."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from shapecycle.cli.output import check_creatable
from shapecycle.console import say
from shapecycle.data.folders import counted
from shapecycle.errors import CheckpointError, ConfigError


@dataclass(frozen=True)
class Strip:
    """Write a model without what it remembers of the folders it was trained on.

    Example: shapecycle strip run --out shared.safetensors
    """

    model: Positional[Path]
    """Run folder, model file, or a model that comes with the package: cars or chairs."""
    out: Path
    """Model file to create."""

    def run(self) -> None:
        """Write the model again, without its memory."""
        from shapecycle.model_file import load_model, save_model

        if self.out.suffix != ".safetensors":
            raise ConfigError(
                f"--out is {self.out}, and models are safetensors files",
                "name a file that ends in .safetensors",
            )
        if self.out.exists():
            raise CheckpointError(f"{self.out} is there already", "name another file")
        networks, provenance, memory = load_model(self.model)
        check_creatable(self.out.parent)
        self.out.parent.mkdir(parents=True, exist_ok=True)
        save_model(networks, self.out, provenance)
        say(
            f"without {counted(len(memory.sources), 'shapes')} and texels of "
            f"{counted(len(memory.donors), 'photographs')}, written to"
        )
        print(self.out)
