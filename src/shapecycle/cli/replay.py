"""``shapecycle replay``."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from shapecycle.cli.inputs import Device
from shapecycle.cli.run_record import read_record
from shapecycle.cli.train import load_folders
from shapecycle.console import say
from shapecycle.errors import CheckpointError


@dataclass(frozen=True)
class Replay:
    """Take the step again at which a training broke, and say which operation did it.

    Example: shapecycle replay run
    """

    run_folder: Positional[Path]
    """The folder of a training that ended with a loss or gradient that is not finite."""
    device: Device = "cpu"
    """Where to compute; random numbers are those of the training on a processor only."""

    def run(self) -> None:
        """Load both folders, take the step, and print its losses."""
        from shapecycle.data.shape_sampler import ShapeSampler, sampled_surfaces
        from shapecycle.devices import chosen_device
        from shapecycle.parallel import ALONE
        from shapecycle.randomness import shared_generator
        from shapecycle.train.broken import load_broken, replayed
        from shapecycle.train.steps import Trainer

        broken, record = load_broken(self.run_folder), read_record(self.run_folder)
        device = chosen_device(self.device)
        photos, shapes = load_folders(Path(record.images), Path(record.shapes), record)
        surfaces = sampled_surfaces(shapes.meshes, record.seed)
        sampler = ShapeSampler(
            surfaces, generator=shared_generator(device, record.seed, 0, 1), device=device
        )
        trainer = Trainer(
            record.settings, photos, sampler, seed=record.seed, device=device, team=ALONE
        )
        say(f"in the training: {broken['said']}, stage '{broken['stage']}'")
        try:
            losses, found = replayed(trainer, broken)
        except (KeyError, TypeError, ValueError, RuntimeError) as fault:
            raise CheckpointError(
                f"the step kept in {self.run_folder} does not fit its settings ({fault})",
                "use the version of shapecycle that wrote it",
            ) from fault
        finally:
            trainer.scenes.photos.close()
        for name, value in losses.items():
            print(f"{name:<28} {float(value):.6g}")
        print(found or "nothing broke this time: rounding differs, or the data have changed")
