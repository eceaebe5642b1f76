"""``shapecycle directions``."""

from dataclasses import dataclass, replace
from math import radians
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from tyro.conf import Positional

from shapecycle.cli.inputs import Device, check_range
from shapecycle.cli.output import new_folder
from shapecycle.console import say
from shapecycle.errors import ConfigError

if TYPE_CHECKING:
    from shapecycle.graphics_code import GraphicsCode
    from shapecycle.memory.directions import Directions
    from shapecycle.model import Model, Part

STOPS = (-2.0, -1.0, 0.0, 1.0, 2.0)
"""Standard deviations that a sheet shows."""


@dataclass(frozen=True)
class DirectionsVerb:
    """Show in which ways the folder's shapes, textures and lights differ most.

    Example: shapecycle directions run --out out
    """

    model: Positional[Path]
    """Run folder or model file, with a memory."""
    out: Path
    """Folder to create: sheet.png, a numbered row for each direction from two standard deviations
    below the mean to two above, and directions.safetensors."""
    count: int = 4
    """Directions of each part."""
    size: int = 128
    """Side of each picture, in pixels."""
    device: Device = "auto"
    """Where to compute."""

    def run(self) -> None:
        """Find the directions, and draw them."""
        from safetensors.torch import save_file

        from shapecycle.devices import chosen_device
        from shapecycle.model import Part, load

        check_range(self.count, 1, 16, "--count")
        check_range(self.size, 16, 1024, "--size")
        device = chosen_device(self.device)
        with new_folder(self.out) as out:
            model = load(self.model, device=device)
            found = {part: model.directions(part, self.count) for part in get_args(Part)}
            known = {part: one for part, one in found.items() if one is not None}
            if not known:
                raise ConfigError(
                    f"{self.model} remembers no shapes or photographs to find directions of",
                    "train without --memory none",
                )
            tensors = {
                f"{part}.{name}": getattr(one, name).cpu().contiguous()
                for part, one in known.items()
                for name in ("mean", "steps", "share")
            }
            file = out / "directions.safetensors"
            save_file(tensors, file)
            file.chmod(out.stat().st_mode & 0o644)  # the library hides it from other users
            self._sheet(model, known, out / "sheet.png")
        for part, one in known.items():
            shares = ", ".join(f"{k + 1}: {float(x):.0%}" for k, x in enumerate(one.share))
            say(f"{part}, shares of the variance: {shares}")
        print(self.out)

    def _sheet(self, model: "Model", known: "dict[Part, Directions]", file: Path) -> None:
        """Draw a row for each direction: from two deviations below the mean to two above."""
        import numpy as np
        from PIL import Image, ImageDraw

        rows = [(part, k) for part, one in known.items() for k in range(len(one.steps))]
        margin = 90
        width, height = margin + len(STOPS) * self.size, len(rows) * self.size
        sheet = Image.new("RGB", (width, height), "white")
        pen = ImageDraw.Draw(sheet)
        for y, (part, k) in enumerate(rows):
            pen.text((6, y * self.size + self.size // 2 - 6), f"{part} {k + 1}", fill="black")
            for x, stop in enumerate(STOPS):
                code = self._code(model, known, part, [0.0] * k + [stop])
                pixels = (model.draw(code, self.size, framed=True)[0] * 255).round()
                picture = Image.fromarray(pixels.astype(np.uint8))
                sheet.paste(picture, (margin + x * self.size, y * self.size), picture)
        sheet.save(file, optimize=True)

    def _code(
        self,
        model: "Model",
        known: "dict[Part, Directions]",
        part: "Part",
        deviations: list[float],
    ) -> "GraphicsCode":
        """Return the mean of everything, but for one part."""
        import torch

        from shapecycle.camera import Pose
        from shapecycle.graphics_code import Texture
        from shapecycle.model import DIRECTION_TEXELS

        codes = {
            name: one.at(deviations if name == part else [0.0]).to(model.device)
            for name, one in known.items()
        }
        shape = codes.get("shape", model.networks.shape_prior.mean[None])
        code = replace(model.plain(shape), surface=model.nearest_surface(shape))
        angles = code.pose.angles.new_tensor([[radians(35), radians(20), 0.0]])
        code = replace(code, pose=Pose(angles, code.pose.translation))
        if "texture" in codes:
            colours = codes["texture"].view(1, 3, DIRECTION_TEXELS, DIRECTION_TEXELS).clamp(0, 1)
            texels = torch.cat([colours, torch.ones_like(colours[:, :1])], 1)
            code = replace(code, texture=Texture(code.texture.code, texels))
        if "light" in codes:
            code = replace(code, light=codes["light"].view(1, 9, 3))
        return code
