"""Training shapes carried to other shapes, which are then drawn with details of their own kind.

The template gives correspondence between all shapes. A smooth field that takes the template of one
shape to that of another takes the shape's own surface along.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shapecycle.code_to_image.template import Template, spread_out
from shapecycle.data.shape_sampler import ShapeSampler
from shapecycle.geometry.thin_plate import ThinPlateSpline

CONTROLS = 200
"""Template vertices by which fields are fitted."""
AT_ONCE = 4
"""Shapes carried at once: a field's change at all of their points takes 10 MB each."""
SOURCES = 3
"""Training shapes that are carried to each shape: the most alike."""


@dataclass(frozen=True, eq=False)
class CarriedShapes:
    """What a pool of carried shapes is made of.

    Attributes:
        source: Which training shape each one was.
        spline: The fields that carry them.
    """

    source: Int[Tensor, " p"]
    spline: ThinPlateSpline

    @staticmethod
    def towards(
        shapes: ShapeSampler, template: Template, targets: Float[Tensor, "t v 3"]
    ) -> "CarriedShapes":
        """Carry the most alike training shapes to where templates lie.

        Args:
            shapes: The training shapes, with their templates.
            template: Its vertices' neighbourhoods.
            targets: Vertices of the template.
        """
        assert shapes.templates is not None
        known = shapes.templates[: len(shapes)]
        apart = torch.stack([(known - target).norm(dim=2).mean(1) for target in targets])
        source = apart.topk(min(SOURCES, len(known)), largest=False).indices
        controls = spread_out(template, CONTROLS).to(known.device)
        there = targets[:, controls].repeat_interleave(source.shape[1], 0)
        source = source.flatten()
        return CarriedShapes(source, ThinPlateSpline.fit(known[source][:, controls], there))

    def state(self) -> dict[str, Tensor]:
        """Return all that `of` needs."""
        return {"source": self.source, **vars(self.spline)}

    @staticmethod
    def of(state: dict[str, Tensor], device: torch.device) -> "CarriedShapes":
        """Restore what `state` returned."""
        moved = {name: value.to(device) for name, value in state.items()}
        return CarriedShapes(moved.pop("source"), ThinPlateSpline(**moved))

    @torch.no_grad()
    def add_to(self, shapes: ShapeSampler) -> None:
        """Let a sampler draw these beside the training shapes."""
        assert shapes.templates is not None
        points, normals, vertices, templates = [], [], [], []
        for some in torch.arange(len(self.source), device=self.source.device).split(AT_ONCE):
            row = self.source[some]
            spline = ThinPlateSpline(self.spline.centres[some], self.spline.weights[some])
            points.append(spline.points(shapes.points[row]))
            normals.append(spline.normals(shapes.points[row], shapes.normals[row]))
            vertices.append(spline.points(shapes.vertices[row]))
            templates.append(spline.points(shapes.templates[row]))
        made = (torch.cat(part) for part in (points, normals, vertices, templates))
        shapes.carry(self.source, *made)
