"""The training shapes, warped and mirrored at random: oriented points and raw meshes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle import rasterize as rz
from shapecycle.data.point_clouds import surfels
from shapecycle.data.shape_warps import Warp
from shapecycle.data.surface_samples import surface_samples
from shapecycle.geometry.boxes import to_unit_box
from shapecycle.mesh import Mesh
from shapecycle.randomness import integers, uniform

SAMPLES_KEPT = 4096


@dataclass(frozen=True, eq=False)
class WarpedShapes:
    """A batch of training shapes after warping: oriented points, and raw surfaces to draw.

    Attributes:
        points, normals: Oriented surface points in object space.
        vertices: Vertices of the raw meshes, padded to one length.
        topology: Faces of the raw meshes; point clouds have a surfel at each point.
    """

    points: Float[Tensor, "b p 3"]
    normals: Float[Tensor, "b p 3"]
    vertices: Float[Tensor, "b v 3"]
    topology: rz.Topology

    def __getitem__(self, items: slice) -> "WarpedShapes":
        topology = self.topology
        return WarpedShapes(
            self.points[items],
            self.normals[items],
            self.vertices[items],
            rz.Topology(topology.faces[items], topology.edges[items], topology.vertex_count),
        )


class ShapeSampler:
    """The training shapes, ready to be drawn from: sampled surfaces and padded raw meshes."""

    def __init__(
        self, meshes: Sequence[Mesh], *, generator: torch.Generator, device: torch.device | str
    ) -> None:
        self.generator = generator
        self.device = torch.device(device)
        seed = int(torch.randint(2**31, (1,), generator=generator, device=generator.device))

        def sample(numbered: tuple[int, Mesh]) -> tuple[np.ndarray, np.ndarray]:
            number, mesh = numbered
            return surface_samples(mesh, SAMPLES_KEPT, np.random.default_rng([seed, number]))

        with ThreadPoolExecutor(torch.get_num_threads()) as workers:
            samples = list(workers.map(sample, enumerate(meshes)))
        self.points = torch.from_numpy(np.stack([p for p, _ in samples])).float().to(device)
        self.normals = torch.from_numpy(np.stack([n for _, n in samples])).float().to(device)
        source = np.random.default_rng(seed)
        drawn = [surfels(mesh, source) if mesh.is_point_cloud else mesh for mesh in meshes]
        longest = max(len(mesh.vertices) for mesh in drawn)
        padded = [_padded(mesh.vertices, longest) for mesh in drawn]
        self.vertices = torch.from_numpy(np.stack(padded)).float().to(device)
        self.topology = rz.Topology.stack([mesh.faces for mesh in drawn]).to(device)

    def __len__(self) -> int:
        return len(self.points)

    def sample(self, count: int, points: int, warp: float) -> WarpedShapes:
        """Draw shapes with replacement, warp and mirror them, and return ``points`` of each."""
        index = integers(self.generator, len(self), count)
        which = integers(self.generator, SAMPLES_KEPT, count, points)
        index, which = index.to(self.device), which.to(self.device)
        positions = self.points[index[:, None], which]
        normals = self.normals[index[:, None], which]
        bent = _to(Warp.sample(count, self.generator, warp), self.device)
        normals = bent.normals(positions, normals)
        vertices, positions = to_unit_box(bent.points(self.vertices[index]), bent.points(positions))
        coin = uniform(self.generator, count, 1, 1).to(self.device)
        flip = torch.where(coin < 0.5, coin.new_tensor([-1.0, 1.0, 1.0]), 1.0)
        # Mirroring turns faces inside out; raw meshes are drawn from both sides anyway.
        return WarpedShapes(
            positions * flip,
            normals * flip,
            vertices * flip,
            rz.Topology(
                self.topology.faces[index], self.topology.edges[index], self.topology.vertex_count
            ),
        )

    def plain(self, points: int) -> Float[Tensor, "s p 3"]:
        """Return points of every training shape as it is, for codes of the whole set."""
        return self.points[:, :points]


def _padded(vertices: np.ndarray, length: int) -> np.ndarray:
    """Repeat the first vertex, so that bounding boxes stay what they are."""
    missing = length - len(vertices)
    return np.concatenate([vertices, np.repeat(vertices[:1], missing, axis=0)])


def _to(warp: Warp, device: torch.device) -> Warp:
    return Warp(**{name: value.to(device) for name, value in vars(warp).items()})
