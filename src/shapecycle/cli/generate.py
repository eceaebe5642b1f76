"""``shapecycle generate``."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from shapecycle.cli.inputs import Device
from shapecycle.cli.output import new_folder
from shapecycle.cli.sample_files import check_sampling, write_samples
from shapecycle.cli.together import own_device, together
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

        from shapecycle.model import load

        check_sampling(self.samples, self.size, self.seed)
        with together() as team:
            with new_folder(self.out, team) as out:
                model = team.own(lambda: load(self.model, device=own_device(self.device, team)))
                # All processes draw all random numbers, so that the samples are the same.
                generator = torch.Generator().manual_seed(self.seed)
                shape = model.sample_shape(self.samples, generator)
                codes = model.sample_appearance(shape, generator)
                paths = [out / str(k) for k in range(self.samples)]
                write_samples(model, codes, paths, self.size, team)
            say(f"{counted(self.samples, 'new objects')} written to")
            if team.is_first:
                print(self.out)
