"""The training shapes, warped and mirrored at random: oriented points and raw meshes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
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
        templates: Vertices of the template that lies on each, once that is known.
    """

    points: Float[Tensor, "b p 3"]
    normals: Float[Tensor, "b p 3"]
    vertices: Float[Tensor, "b v 3"]
    topology: rz.Topology
    templates: Float[Tensor, "b t 3"] | None = None

    def __getitem__(self, items: slice) -> "WarpedShapes":
        topology = self.topology
        return WarpedShapes(
            self.points[items],
            self.normals[items],
            self.vertices[items],
            rz.Topology(topology.faces[items], topology.edges[items], topology.vertex_count),
            None if self.templates is None else self.templates[items],
        )


@dataclass(frozen=True, eq=False)
class SampledSurfaces:
    """The surfaces of all training shapes, on the processor.

    Attributes:
        points, normals: Oriented points of every shape, uniform by area.
        vertices: Vertices of the raw meshes, padded to one length.
        topology: Their faces; point clouds have a surfel at each point.
    """

    points: Float[Tensor, "s k 3"]
    normals: Float[Tensor, "s k 3"]
    vertices: Float[Tensor, "s v 3"]
    topology: rz.Topology


def sampled_surfaces(meshes: Sequence[Mesh], seed: int) -> SampledSurfaces:
    """Sample the surfaces of shapes and pad their meshes to one length, on all threads."""

    def sample(numbered: tuple[int, Mesh]) -> tuple[np.ndarray, np.ndarray]:
        number, mesh = numbered
        return surface_samples(mesh, SAMPLES_KEPT, np.random.default_rng([seed, number]))

    with ThreadPoolExecutor(torch.get_num_threads()) as workers:
        samples = list(workers.map(sample, enumerate(meshes)))
    source = np.random.default_rng(seed)
    drawn = [surfels(mesh, source) if mesh.is_point_cloud else mesh for mesh in meshes]
    longest = max(len(mesh.vertices) for mesh in drawn)
    padded = [_padded(mesh.vertices, longest) for mesh in drawn]
    return SampledSurfaces(
        points=torch.from_numpy(np.stack([p for p, _ in samples])).float(),
        normals=torch.from_numpy(np.stack([n for _, n in samples])).float(),
        vertices=torch.from_numpy(np.stack(padded)).float(),
        topology=rz.Topology.stack([mesh.faces for mesh in drawn]),
    )


class ShapeSampler:
    """Draws training shapes at random, and shapes made from them where there are some.

    Args:
        surfaces: The training shapes, sampled.
        generator: Source of randomness.
        device: Where shapes are drawn.

    Attributes:
        templates: Vertices of the template that lies on each shape, or None while it is unknown.
    """

    def __init__(
        self, surfaces: SampledSurfaces, *, generator: torch.Generator, device: torch.device | str
    ) -> None:
        self.generator, self.device = generator, torch.device(device)
        self.points = surfaces.points.to(device)
        self.normals = surfaces.normals.to(device)
        self.vertices = surfaces.vertices.to(device)
        self.topology = surfaces.topology.to(device)
        self.templates: Float[Tensor, "s t 3"] | None = None
        self.mirror = torch.zeros(0, dtype=torch.long)
        self.known = len(self.points)
        # Which mesh's faces every shape has.
        self.mesh = torch.arange(self.known, device=device)

    @classmethod
    def of(
        cls, meshes: Sequence[Mesh], *, generator: torch.Generator, device: torch.device | str
    ) -> "ShapeSampler":
        """Sample meshes by a seed from the generator, and return the sampler."""
        place = generator.device
        seed = int(torch.randint(2**31, (1,), generator=generator, device=place))
        return cls(sampled_surfaces(meshes, seed), generator=generator, device=device)

    def __len__(self) -> int:
        return self.known

    def lay(self, templates: Float[Tensor, "s t 3"], mirror: Int[Tensor, " t"]) -> None:
        """Learn where the template lies on each training shape.

        Args:
            templates: Its vertices on each.
            mirror: Which vertex of the template is the mirror image of which.
        """
        self.templates, self.mirror = templates, mirror

    def forget(self) -> None:
        """Forget where the template lies, and what was carried."""
        known, self.templates = self.known, None
        self.mesh = self.mesh[:known]
        self.points, self.normals, self.vertices = (
            x[:known] for x in (self.points, self.normals, self.vertices)
        )

    def carry(
        self,
        source: Int[Tensor, " p"],
        points: Float[Tensor, "p k 3"],
        normals: Float[Tensor, "p k 3"],
        vertices: Float[Tensor, "p v 3"],
        templates: Float[Tensor, "p t 3"],
    ) -> None:
        """Draw carried training shapes as well, in place of any carried before.

        Args:
            source: Which training shapes they were.
            points, normals, vertices: Their surfaces, as in `SampledSurfaces`.
            templates: Vertices of the template that lies on each.
        """
        assert self.templates is not None, "what is carried goes by its template"
        known = self.known
        self.mesh = torch.cat([torch.arange(known, device=self.device), source])
        self.points, self.normals, self.vertices, self.templates = (
            torch.cat([before[:known], new])
            for before, new in (
                (self.points, points), (self.normals, normals), (self.vertices, vertices),
                (self.templates, templates),
            )
        )  # fmt: skip

    def sample(self, count: int, points: int, warp: float) -> WarpedShapes:
        """Draw shapes with replacement, warp and mirror them, and return ``points`` of each."""
        index = integers(self.generator, self.known, count)
        if carried := len(self.points) - self.known:
            # Half of what is drawn, and more where few were carried, is as it came.
            share = min(0.5, carried / len(self.points))
            made = integers(self.generator, carried, count)
            index = torch.where(uniform(self.generator, count) < share, self.known + made, index)
        which = integers(self.generator, self.points.shape[1], count, points)
        index, which = index.to(self.device), which.to(self.device)
        positions = self.points[index[:, None], which]
        normals = self.normals[index[:, None], which]
        bent = _to(Warp.sample(count, self.generator, warp), self.device)
        normals = bent.normals(positions, normals)
        coin = uniform(self.generator, count, 1, 1).to(self.device)
        is_mirrored = coin < 0.5
        flip = 1.0 - 2.0 * (is_mirrored & (torch.arange(3, device=self.device) == 0))
        vertices, positions = to_unit_box(bent.points(self.vertices[index]), bent.points(positions))
        templates = None
        if self.templates is not None:
            # Decoded shapes fill the unit box themselves.
            templates = to_unit_box(bent.points(self.templates[index]))[0] * flip
            templates = torch.where(is_mirrored, templates[:, self.mirror], templates)
        # Mirroring turns faces inside out; raw meshes are drawn from both sides anyway.
        return WarpedShapes(
            positions * flip,
            normals * flip,
            vertices * flip,
            rz.Topology(
                self.topology.faces[self.mesh[index]],
                self.topology.edges[self.mesh[index]],
                self.topology.vertex_count,
            ),
            templates,
        )

    def plain(self, points: int) -> Float[Tensor, "s p 3"]:
        """Return points of every training shape as it is, for codes of the whole set."""
        return self.points[: self.known, :points]


def _padded(vertices: np.ndarray, length: int) -> np.ndarray:
    """Repeat the first vertex, so that bounding boxes stay what they are."""
    missing = length - len(vertices)
    return np.concatenate([vertices, np.repeat(vertices[:1], missing, axis=0)])


def _to(warp: Warp, device: torch.device) -> Warp:
    return Warp(**{name: value.to(device) for name, value in vars(warp).items()})
