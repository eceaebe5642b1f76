"""``shapecycle generate``."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from shapecycle.cli.inputs import Device
from shapecycle.cli.output import new_folder
from shapecycle.cli.sample_files import check_sampling, write_samples
from shapecycle.console import say
from shapecycle.data.folders import counted


@dataclass(frozen=True)
class Generate:
    """Make new objects: shape, texture, pose and light are all sampled.

    Example: shapecycle generate run --samples 8 --seed 1 --out out
    """

    model: Positional[Path]
    """Run folder or model file."""
    out: Path
    """Folder to create."""
    samples: int = 8
    """Number of objects."""
    seed: int = 0
    """Seed of all that is sampled."""
    size: int = 256
    """Side of the square pictures, in pixels."""
    device: Device = "auto"
    """Where to compute."""

    def run(self) -> None:
        """Make new objects."""
        import torch

        from shapecycle.devices import chosen_device
        from shapecycle.model import load

        check_sampling(self.samples, self.size, self.seed)
        with new_folder(self.out) as out:
            model = load(self.model, device=chosen_device(self.device))
            generator = torch.Generator().manual_seed(self.seed)
            shape = model.sample_shape(self.samples, generator)
            write_samples(model, model.sample_appearance(shape, generator), out, self.size)
        say(f"{counted(self.samples, 'new objects')} written to")
        print(self.out)
