"""Training shapes carried towards other shapes: a few become many, each with its own details.

The template gives correspondence between all shapes. A smooth field that takes the template of one
shape to that of another, or part of it there, takes the shape's own surface along.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shapecycle.code_to_image.template import Template
from shapecycle.data.shape_sampler import ShapeSampler
from shapecycle.geometry.thin_plate import ThinPlateSpline
from shapecycle.model_networks import Networks
from shapecycle.shape_to_code.encoder import SURFACE_POINTS

CONTROLS = 200
"""Template vertices by which fields are fitted."""
AT_ONCE = 4
"""Shapes carried at once: a field's change at all of their points takes 10 MB each."""
EDGE = 0.15
"""Width of the region in which parts of two shapes blend, on the template's unit sphere."""


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
    @torch.no_grad()
    def sample(
        networks: Networks, shapes: ShapeSampler, count: int, generator: torch.Generator
    ) -> "CarriedShapes":
        """Draw sources, and shapes that each of them is carried towards, wholly or in part.

        Twice as many are drawn as are kept: those that would be bent most are torn.

        Args:
            networks: Read and decode the training shapes.
            shapes: The training shapes.
            count: How many.
            generator: Source of randomness, in the same state in every process.
        """
        device, place = shapes.device, generator.device
        decoded = networks.renderer.vertices(networks.read(shapes.plain(SURFACE_POINTS)))
        source, other = (
            torch.randint(len(shapes), (2 * count,), generator=generator, device=place).to(device)
            for _ in range(2)
        )
        share = _share(networks.renderer.deformation.template, 2 * count, generator).to(device)
        controls = controls_of(networks.renderer.deformation.template).to(device)
        here, there = decoded[source][:, controls], decoded[other][:, controls]
        target = here + share[:, controls, None] * (there - here)
        spline = ThinPlateSpline.fit(here, target)
        kept = spline.bending().argsort()[:count]
        return CarriedShapes(
            source[kept], ThinPlateSpline(spline.centres[kept], spline.weights[kept])
        )

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
        points, normals, vertices = [], [], []
        for some in torch.arange(len(self.source), device=self.source.device).split(AT_ONCE):
            row = self.source[some]
            spline = ThinPlateSpline(self.spline.centres[some], self.spline.weights[some])
            points.append(spline.points(shapes.points[row]))
            normals.append(spline.normals(shapes.points[row], shapes.normals[row]))
            vertices.append(spline.points(shapes.vertices[row]))
        shapes.carry(self.source, torch.cat(points), torch.cat(normals), torch.cat(vertices))


def controls_of(template: Template, count: int = CONTROLS) -> Int[Tensor, " m"]:
    """Choose vertices far from each other, as many on the template's right as on its left.

    Source:
        Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985.
    """
    vertices = template.vertices
    chosen: list[int] = [int(vertices[:, 1].argmax())]
    nearest = torch.full((len(vertices),), torch.inf)
    while True:
        for new in {chosen[-1], int(template.mirror[chosen[-1]])}:
            if new not in chosen:
                chosen.append(new)
            nearest = torch.minimum(nearest, (vertices - vertices[new]).norm(dim=1))
        if len(chosen) >= min(count, len(vertices)):
            return torch.tensor(chosen)
        chosen.append(int(nearest.argmax()))


def _share(template: Template, count: int, generator: torch.Generator) -> Float[Tensor, "p v"]:
    """Draw how far every template vertex goes: all alike, or one end of the object alone.

    Ends differ in height and depth, never in x: what is symmetric stays so.
    """

    def uniform(low: float, high: float) -> Tensor:
        drawn = torch.rand(count, 1, generator=generator, device=generator.device)
        return (low + (high - low) * drawn).cpu()

    whole, angle, border = uniform(0.3, 1.0), uniform(0.0, 2 * torch.pi), uniform(-0.6, 0.6)
    _, y, z = template.vertices.unbind(1)
    height = angle.cos() * y + angle.sin() * z
    part = torch.sigmoid((height - border) / EDGE)
    return torch.where(uniform(0.0, 1.0) < 0.5, whole.expand(-1, len(y)), part)
