"""Which objects are drawn: remembered shapes carried to codes between them, or given ones.

Objects of one surface follow each other, for to fit photographs to a surface takes a second.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from shapecycle.graphics_code import GraphicsCode, Surface
from shapecycle.memory.canvas import ReadFit
from shapecycle.model import Model

MOST_IN_A_ROW = 32
"""Objects of one surface that follow each other, at most."""


@dataclass(frozen=True, eq=False)
class Thing:
    """An object without appearance.

    Attributes:
        code: A batch of one, in no particular texture, pose and light.
        surface: Name of the shape that its surface is; "" for the template.
    """

    code: GraphicsCode
    surface: str


class Things:
    """Objects by their numbers.

    Args:
        model: Whose codes they are.
        count: How many there will be.
        seed: Of the order of surfaces.
        given: Shapes that are drawn as they are; remembered ones by default.
        axes: The given shapes' axes that point up and to the front.
        on_template: Whether the decoded template is drawn.

    Attributes:
        doubtful: Given shapes, of those that were read, that are unlike the training's.
    """

    def __init__(
        self,
        model: Model,
        count: int,
        seed: int,
        *,
        given: Sequence[Path] = (),
        axes: tuple[str, str] = ("+y", "+z"),
        on_template: bool = False,
    ) -> None:
        self.model, self.given, self.axes = model, given, axes
        self.on_template = on_template or model.surfaces.sources is None
        surfaces = len(given) or (1 if self.on_template else len(model.memory.sources))
        order = torch.randperm(surfaces, generator=torch.Generator().manual_seed(seed))
        self._order = order.tolist()
        self._in_a_row = max(1, min(MOST_IN_A_ROW, count // surfaces))
        self.doubtful: dict[Path, ReadFit] = {}
        self._held: tuple[int, GraphicsCode] | None = None

    def __call__(self, number: int, generator: torch.Generator) -> Thing:
        """Return one object.

        Args:
            number: Of the object.
            generator: Source of its randomness, on the CPU.

        Raises:
            DataError, GeometryError: If it is a given shape that cannot be used.
        """
        which = self._order[number // self._in_a_row % len(self._order)]
        model = self.model
        if self.given:
            return Thing(self._given(which), self.given[which].stem)
        if self.on_template:
            return Thing(model.plain(model.sample_shape(1, generator)), "")
        source, decoder = model.memory.sources[which], model.surfaces
        shape = model.shape_near(which, generator)
        still = shape.new_zeros(1, len(decoder.handles), 3)
        prints = torch.tensor([source.fingerprint], device=shape.device)
        code = replace(model.plain(shape), surface=Surface(prints, still))
        return Thing(code, source.name)

    def _given(self, which: int) -> GraphicsCode:
        """Read a given shape, unless it is the one of the object before."""
        if self._held is None or self._held[0] != which:
            up, front = self.axes
            canvas, code = self.model.canvas(self.given[which], up=up, front=front)
            if canvas.fit.is_doubtful:
                self.doubtful[self.given[which]] = canvas.fit
            self._held = which, replace(code, surface=None) if self.on_template else code
        return self._held[1]
