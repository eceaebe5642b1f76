"""Carrying: a remembered shape is bent to a decoded one, details and openings included.

The template gives correspondence between all shapes. A smooth field that takes the template of a
source to the decoded template takes the source's own surface along. Handles, which move points of
the decoded template and all of space between them, fit what comes out to a picture.

Source:
    The field's term is retrieval and deformation: Uy et al., "Joint learning of 3D shape retrieval
    and deformation", CVPR 2021.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shapecycle import rasterize as rz
from shapecycle.code_to_image.renderer import Renderer
from shapecycle.code_to_image.template import spread_out
from shapecycle.geometry.boxes import to_unit_box
from shapecycle.geometry.thin_plate import ThinPlateSpline, bending, influence, solver
from shapecycle.memory.source import Source

CONTROLS = 200
"""Vertices of the template by which sources are carried."""
HANDLES = 40
"""Vertices of the template that fitting moves."""
HANDLE_SMOOTHING = 0.02
"""Of the field between the handles."""
AT_ONCE = 12
"""Sources carried at once: their distances to the controls take 3 MB each."""


class Handles:
    """Vertices of the template that may be moved, with the space around them.

    Args:
        renderer: Decodes shapes.
        mean: The mean shape code: its handles are spread out.
        rows: The vertices, where they were chosen before: another processor's rounding may choose
            others.
    """

    def __init__(
        self,
        renderer: Renderer,
        mean: Float[Tensor, " n"],
        rows: Int[Tensor, " m"] | None = None,
    ) -> None:
        template = renderer.deformation.template
        if rows is None:
            with torch.no_grad():
                at = renderer.vertices(mean[None])[0]
            rows = spread_out(template, HANDLES, at)
        self.rows = rows.to(mean.device)
        found = {row: k for k, row in enumerate(self.rows.tolist())}
        twins = template.mirror[self.rows.cpu()].tolist()
        self.mirror = torch.tensor([found[row] for row in twins], device=mean.device)

    def __len__(self) -> int:
        return len(self.rows)

    def influence(
        self, points: Float[Tensor, "b n 3"], templates: Float[Tensor, "b v 3"]
    ) -> Float[Tensor, "b n m"]:
        """Return how far points go along with each handle of the templates that lie there."""
        return influence(points, templates[:, self.rows], HANDLE_SMOOTHING)

    def bending(self, templates: Float[Tensor, "b v 3"]) -> Float[Tensor, "b m m"]:
        """Return the quadratic form of how much moving the handles bends space."""
        return bending(templates[:, self.rows], HANDLE_SMOOTHING)

    def mirrored(self, moves: Float[Tensor, "b m 3"]) -> Float[Tensor, "b m 3"]:
        """Return the moves of the mirror image, in x = 0."""
        return moves[:, self.mirror] * moves.new_tensor([-1.0, 1.0, 1.0])

    def moved(
        self,
        points: Float[Tensor, "b n 3"],
        templates: Float[Tensor, "b v 3"],
        moves: Float[Tensor, "b m 3"],
    ) -> Float[Tensor, "b n 3"]:
        """Move points of space along with the handles."""
        return points + self.influence(points, templates) @ moves


class Sources:
    """The sources of a model, ready to be carried.

    Args:
        sources: At least one.
        renderer: Decodes shapes.

    Attributes:
        sources: As given.
        vertices: Theirs, padded to one length.
        topology: Their faces, padded.
        templates: Where the template lies on each.
    """

    def __init__(self, sources: Sequence[Source], renderer: Renderer) -> None:
        device = renderer.uv.device
        self.sources = list(sources)
        longest = max(len(one.vertices) for one in sources)
        self.vertices = torch.stack([_padded(one.vertices, longest) for one in sources]).to(device)
        self.topology = rz.Topology.stack([one.faces for one in sources]).to(device)
        codes = torch.stack([one.code for one in sources]).to(device)
        with torch.no_grad():
            self.templates: Float[Tensor, "s v 3"] = renderer.vertices(codes)
        self._row = {one.fingerprint: k for k, one in enumerate(sources)}
        self._controls = spread_out(renderer.deformation.template, CONTROLS).to(device)
        self._solver: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self.sources)

    def row(self, fingerprint: int) -> int | None:
        """Return the number of the source with a fingerprint; None if there is none."""
        return self._row.get(fingerprint)

    def nearest(
        self, templates: Float[Tensor, "b v 3"], count: int
    ) -> tuple[Int[Tensor, "b k"], Float[Tensor, "b k"]]:
        """Return the sources whose templates lie nearest, and the mean distances of vertices."""
        apart = torch.stack([(self.templates - one).norm(dim=2).mean(1) for one in templates])
        found = apart.topk(min(count, len(self)), largest=False)
        return found.indices, found.values

    def topology_of(self, rows: Int[Tensor, " b"]) -> rz.Topology:
        """Return the faces of some sources, padded."""
        whole = self.topology
        return rz.Topology(whole.faces[rows], whole.edges[rows], whole.vertex_count)

    @torch.no_grad()
    def carried(
        self, rows: Int[Tensor, " b"], templates: Float[Tensor, "b v 3"]
    ) -> Float[Tensor, "b n 3"]:
        """Carry sources to where decoded templates lie; vertices are padded to one length."""
        parts = []
        for some in torch.arange(len(rows), device=rows.device).split(AT_ONCE):
            numbers = rows[some].tolist()
            centres = self.templates[rows[some]][:, self._controls]
            weights = torch.stack([self._solved(k) for k in numbers])
            spline = ThinPlateSpline(centres, weights @ templates[some][:, self._controls])
            parts.append(spline.points(self.vertices[rows[some]]))
        return to_unit_box(torch.cat(parts))[0]

    def _solved(self, row: int) -> Float[Tensor, "k m"]:
        if row not in self._solver:
            self._solver[row] = solver(self.templates[row : row + 1, self._controls])[0]
        return self._solver[row]


def _padded(vertices: Float[Tensor, "v 3"], length: int) -> Float[Tensor, "n 3"]:
    """Repeat the first vertex, so that bounding boxes stay what they are."""
    return torch.cat([vertices, vertices[:1].expand(length - len(vertices), 3)])
