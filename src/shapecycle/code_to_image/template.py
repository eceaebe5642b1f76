"""The template: a sphere with fixed faces, fixed UV and a mirror symmetry.

It is a subdivided octahedron pushed onto the sphere, unfolded by the octahedral map into one square
without poles, gaps or charts: the top of the object lies in the middle of the square, the bottom in
its corners, and mirroring the object left to right flips the square. That symmetry is why it is
preferred to an icosphere with an atlas: textures can be convolved, and what a photograph shows of
the left side fills the right one.

Source: Praun and Hoppe, "Spherical parametrization and remeshing", SIGGRAPH 2003, section 4.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import isqrt

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Template:
    """A fixed topology whose vertices a shape code displaces.

    Attributes:
        vertices: Positions on the unit sphere.
        faces: Counter-clockwise seen from outside.
        uv: Texture coordinates in [0, 1], origin bottom-left; the seam's vertices appear twice.
        uv_faces: Indices into ``uv`` per face corner.
        mirror: The vertex at (-x, y, z) of every vertex.
        edges: Unique pairs of neighbouring vertices.
    """

    vertices: Float[Tensor, "v 3"]
    faces: Int[Tensor, "f 3"]
    uv: Float[Tensor, "n 2"]
    uv_faces: Int[Tensor, "f 3"]
    mirror: Int[Tensor, " v"]
    edges: Int[Tensor, "e 2"]

    @property
    def subdivisions(self) -> int:
        """The number of segments along each edge of the octahedron."""
        return isqrt(len(self.faces) // 8)

    def texel_corners(self, size: int) -> tuple[Int[Tensor, "s s"], Float[Tensor, "s s 3"]]:
        """Say which face every texel's centre lies in, and its barycentric coordinates.

        Args:
            size: Side of the square texture, in texels. Row 0 is on top (v near 1).
        """
        return _texel_corners(self, size)

    def texel_vertices(
        self, size: int, device: torch.device
    ) -> tuple[Int[Tensor, "t 3"], Float[Tensor, "t 3"]]:
        """Say which vertices every texel's centre lies between, and their weights.

        Args:
            size: Side of the square texture; texels are listed row by row from the top.
            device: Where the result is wanted.
        """
        return _texel_vertices(self, size, device)


@lru_cache(maxsize=8)
def octasphere(subdivisions: int) -> Template:
    """Build the template with ``4 n^2 + 2`` vertices and ``8 n^2`` faces.

    Args:
        subdivisions: Number n of segments along each edge of the octahedron, at least 1.
    """
    n = subdivisions
    grid = _square_grid(n)
    octahedron = _octahedron_from_square(grid)
    triangles = _square_triangles(n)
    # The rim of the square is folded together: its grid points meet in pairs on the sphere.
    keys = np.round(octahedron * n).astype(np.int64)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    sphere = _sphere_from_octahedron(octahedron[first])
    faces = inverse.reshape(-1)[triangles]
    mirrored = np.round(octahedron[first] * n).astype(np.int64) * [-1, 1, 1]
    lookup = {tuple(key): index for index, key in enumerate(keys[first])}
    edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    return Template(
        vertices=torch.from_numpy(sphere).float(),
        faces=torch.from_numpy(faces),
        uv=torch.from_numpy((grid + 1) / 2).float(),
        uv_faces=torch.from_numpy(triangles),
        # From NumPy, like the rest: it is kept, whatever device is the default one just now.
        mirror=torch.from_numpy(np.array([lookup[tuple(key)] for key in mirrored])),
        edges=torch.from_numpy(np.unique(edges, axis=0)),
    )


def spread_out(
    template: Template, count: int, at: Float[Tensor, "v 3"] | None = None
) -> Int[Tensor, " m"]:
    """Choose vertices far from each other, as many on the template's right as on its left.

    Args:
        template: Whose vertices.
        count: How many; one more where the last one has a twin.
        at: Where they lie, mirror symmetric; by default on the sphere.

    Source:
        Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985.
    """
    vertices = template.vertices if at is None else at.cpu()
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


def _square_grid(n: int) -> np.ndarray:
    """Return the (2n+1)^2 grid points of the square [-1, 1]^2, row by row from the bottom."""
    line = np.linspace(-1, 1, 2 * n + 1)
    x, y = np.meshgrid(line, line)
    return np.stack([x.ravel(), y.ravel()], 1)


def _octahedron_from_square(square: np.ndarray) -> np.ndarray:
    """Fold the square into the octahedron |x| + |y| + |z| = 1, its middle on top (+y).

    The square's x is the object's x; the square's lower edge is the object's front (+z).
    """
    u, v = square[:, 0], -square[:, 1]
    top = 1 - np.abs(u) - np.abs(v)
    sign_u, sign_v = np.where(u >= 0, 1.0, -1.0), np.where(v >= 0, 1.0, -1.0)
    x = np.where(top >= 0, u, (1 - np.abs(v)) * sign_u)
    z = np.where(top >= 0, v, (1 - np.abs(u)) * sign_v)
    return np.stack([x, top, z], 1)


def _sphere_from_octahedron(points: np.ndarray) -> np.ndarray:
    """Push octahedron points to the sphere with nearly equal areas.

    Plain normalisation packs the vertices four times as densely at the corners; taking the sine of
    the coordinates first evens that out.
    """
    bent = np.sin(points * np.pi / 2)
    return bent / np.linalg.norm(bent, axis=1, keepdims=True)


def _square_triangles(n: int) -> np.ndarray:
    """Split the grid's cells along the octahedron's folds, which are also mirror symmetric."""
    side = 2 * n + 1
    column, row = (k.ravel() for k in np.meshgrid(np.arange(2 * n), np.arange(2 * n)))
    a = row * side + column
    b, c, d = a + 1, a + side + 1, a + side
    # In the quadrants where u and v have the same sign the folds run from top left to bottom right.
    falling = ((column >= n) == (row >= n))[:, None, None]
    one = np.stack([np.stack([a, b, d], 1), np.stack([b, c, d], 1)], 1)
    two = np.stack([np.stack([a, b, c], 1), np.stack([a, c, d], 1)], 1)
    return np.where(falling, one, two).reshape(-1, 3)


@lru_cache(maxsize=8)
def _texel_corners(template: Template, size: int) -> tuple[Tensor, Tensor]:
    corners = template.uv[template.uv_faces].double()
    # Every texel asks its cell's two triangles only: the square's triangles form a regular grid.
    n2 = round((len(template.faces) / 2) ** 0.5)
    centres = (torch.arange(size, dtype=torch.float64) + 0.5) / size
    v, u = torch.meshgrid(centres.flip(0), centres, indexing="ij")
    cell = (v * n2).long().clamp(max=n2 - 1) * n2 + (u * n2).long().clamp(max=n2 - 1)
    point = torch.stack([u, v], -1)
    weights = torch.stack([_barycentric(point, corners[2 * cell + k]) for k in (0, 1)])
    better = weights.amin(-1).argmax(0)
    chosen = torch.where((better == 0)[..., None], weights[0], weights[1]).clamp(min=0)
    return 2 * cell + better, (chosen / chosen.sum(-1, keepdim=True)).float()


@lru_cache(maxsize=8)
def _texel_vertices(template: Template, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    face, weights = template.texel_corners(size)
    return template.faces[face.flatten()].to(device), weights.view(-1, 3).to(device)


def _barycentric(point: Tensor, corners: Tensor) -> Tensor:
    a, b, c = corners.unbind(-2)

    def cross(p: Tensor, q: Tensor) -> Tensor:
        return p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0]

    area = cross(b - a, c - a)
    second, third = cross(point - a, c - a) / area, cross(b - a, point - a) / area
    return torch.stack([1 - second - third, second, third], -1)
