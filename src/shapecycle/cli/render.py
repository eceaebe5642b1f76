"""``shapecycle render``."""

from collections import ChainMap
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from shapecycle.cli.inputs import Device, files_of, load_share
from shapecycle.cli.output import new_folder
from shapecycle.cli.sample_files import check_sampling, write_samples
from shapecycle.cli.together import own_device, together
from shapecycle.console import say
from shapecycle.data.folders import counted


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
        from shapecycle.graphics_code import GraphicsCode
        from shapecycle.model import load

        check_sampling(self.samples, self.size, self.seed)
        with together() as team:
            files = team.first(lambda: files_of(self.shapes, tuple(SUFFIXES), "shapes"))
            with new_folder(self.out, team) as out:
                model = team.own(lambda: load(self.model, device=own_device(self.device, team)))
                read = load_share(
                    files,
                    lambda path: model.read(load_mesh(path)).cpu(),
                    team,
                    skip_bad=self.skip_bad,
                    kind="shapes",
                )
                everything = ChainMap(*team.each(lambda: read))
                # All processes draw all random numbers, so that the samples are the same.
                generator = torch.Generator().manual_seed(self.seed)
                shapes = {files[number].stem: everything[number] for number in sorted(everything)}
                codes = [
                    model.sample_appearance(
                        shape.to(model.device).expand(self.samples, -1), generator
                    )
                    for shape in shapes.values()
                ]
                paths = [out / stem / str(k) for stem in shapes for k in range(self.samples)]
                write_samples(model, GraphicsCode.stack(codes), paths, self.size, team)
            each = counted(self.samples, "pictures")
            say(f"{counted(len(shapes), 'shapes')}, {each} of each, written to")
            if team.is_first:
                print(self.out)
