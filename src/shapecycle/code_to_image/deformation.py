"""The deformation decoder: a shape code displaces the template's vertices."""

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shapecycle.code_to_image.template import Template, octasphere
from shapecycle.geometry.boxes import to_unit_box

REFERENCE = 16
"""Segments of the template whose surfaces were looked at when regularity was chosen."""


class Deformation(nn.Module):
    """Decodes shape codes into vertices, as coefficients of the template's smooth modes.

    Learnt are the coefficients. Rough modes are scaled down, so that what the data does not ask for
    stays smooth; none is left out, so that legs can be sharp. With ``symmetric`` the two halves
    of the object are mirror images in x = 0. Without ``solve_modes`` the modes are 0 until weights
    are loaded, which hold them: finding them takes seconds.

    Source:
        Modes: eigenvectors of the graph Laplacian, Taubin, "A signal processing approach to fair
        surface design", SIGGRAPH 1995.
    """

    basis: Tensor
    start: Tensor
    mirror: Tensor
    flip: Tensor

    def __init__(
        self,
        *,
        shape_size: int,
        subdivisions: int,
        width: int,
        symmetric: bool,
        modes: int = 512,
        softness: float = 0.3,
        solve_modes: bool = True,
    ) -> None:
        super().__init__()
        self.template: Template = octasphere(subdivisions)
        size = len(self.template.vertices)
        basis = torch.zeros(size, min(modes, size))
        if solve_modes:
            basis = smooth_modes(subdivisions, modes, softness)
        # Kept with the weights: the octahedron's symmetries give equal eigenvalues, whose vectors
        # come out differently on another machine, or with another number of threads.
        self.register_buffer("basis", basis)
        self.register_buffer("start", self.template.vertices * 0.3, persistent=False)
        self.register_buffer("mirror", self.template.mirror, persistent=False)
        self.register_buffer("flip", torch.tensor([-1.0, 1.0, 1.0]), persistent=False)
        self.symmetric = symmetric
        self.body = nn.Sequential(
            nn.Linear(shape_size, width), nn.SiLU(), nn.Linear(width, 2 * width), nn.SiLU()
        )
        self.coefficients = nn.Linear(2 * width, basis.shape[1] * 3)
        nn.init.normal_(self.coefficients.weight, std=0.02 / width**0.5)
        nn.init.zeros_(self.coefficients.bias)

    def forward(self, shape: Float[Tensor, "b n"]) -> Float[Tensor, "b v 3"]:
        """Return vertex positions in object space, in a centred box whose diagonal is 1."""
        coefficients = self.coefficients(self.body(shape)).float().view(3 * len(shape), -1)
        vertices = self.start + (coefficients @ self.basis.mT).view(len(shape), 3, -1).mT
        if self.symmetric:
            vertices = (vertices + vertices[:, self.mirror] * self.flip) / 2
        # Left to itself, a decoder that is unsure draws everything a little too small.
        return to_unit_box(vertices)[0]


@lru_cache(maxsize=4)
def smooth_modes(subdivisions: int, count: int, softness: float) -> Float[Tensor, "v k"]:
    """Return the template's ``count`` smoothest modes, each scaled by how smooth it is.

    Args:
        subdivisions: Of the template, see `octasphere`.
        count: Number of modes, at most the number of vertices.
        softness: The Laplacian eigenvalue at which a mode is scaled to one half, on a template of
            ``REFERENCE`` segments; a larger value lets detail in faster.
    """
    template = octasphere(subdivisions)
    size = len(template.vertices)
    laplacian = torch.zeros(size, size, dtype=torch.float64)
    a, b = template.edges.unbind(1)
    laplacian[a, b] = laplacian[b, a] = -1.0
    laplacian.diagonal().sub_(laplacian.sum(1))
    values, vectors = torch.linalg.eigh(laplacian)
    # A wave of one length has eigenvalues that fall with the square of the number of segments.
    scale = 1 / (1 + values * (subdivisions / REFERENCE) ** 2 / softness)
    modes = vectors * scale * size**0.5
    return modes[:, : min(count, size)].float().contiguous()
