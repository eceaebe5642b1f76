"""``shapecycle render``."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from shapecycle.cli.inputs import Device, files_of, report_bad
from shapecycle.cli.output import new_folder
from shapecycle.cli.sample_files import check_sampling, write_samples
from shapecycle.console import say
from shapecycle.data.folders import counted
from shapecycle.errors import ShapecycleError


@dataclass(frozen=True)
class Render:
    """Draw shapes as pictures, in sampled textures, poses and lights.

    Example: shapecycle render run chair.obj --samples 3 --seed 1 --out out
    """

    model: Positional[Path]
    """Run folder or model file."""
    shapes: Positional[tuple[Path, ...]]
    """Shape files, or folders of shape files."""
    out: Path
    """Folder to create; one subfolder per shape."""
    samples: int = 3
    """Pictures per shape."""
    seed: int = 0
    """Seed of textures, poses and lights."""
    size: int = 256
    """Side of the square pictures, in pixels."""
    device: Device = "auto"
    """Where to compute."""
    skip_bad: bool = False
    """Leave bad files out instead of stopping; all are named."""

    def run(self) -> None:
        """Draw every shape several times, or none if one file is bad."""
        import torch

        from shapecycle.data.mesh_files import SUFFIXES, load_mesh
        from shapecycle.devices import chosen_device
        from shapecycle.model import load

        check_sampling(self.samples, self.size, self.seed)
        files = files_of(self.shapes, tuple(SUFFIXES), "shapes")
        with new_folder(self.out) as out:
            model = load(self.model, device=chosen_device(self.device))
            codes, bad = {}, []
            for path in files:
                try:
                    codes[path.stem] = model.read(load_mesh(path))
                except ShapecycleError as error:
                    bad.append(error)
            report_bad(bad, len(files), skip_bad=self.skip_bad, kind="shapes")
            generator = torch.Generator().manual_seed(self.seed)
            for stem, shape in codes.items():
                drawn = model.sample_appearance(shape.expand(self.samples, -1), generator)
                write_samples(model, drawn, out / stem, self.size)
                say(f"  {stem}")
        shapes, pictures = counted(len(codes), "shapes"), counted(self.samples, "pictures")
        say(f"{shapes}, {pictures} of each, written to")
        print(self.out)
