"""What lies under every texel of a source's own texture."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.ndimage import distance_transform_edt  # type: ignore[import-untyped]
from scipy.spatial import cKDTree  # type: ignore[import-untyped]
from torch import Tensor
from torch.nn import functional as F

from shapecycle import rasterize as rz
from shapecycle.code_to_image.renderer import Renderer, TexturedFaces
from shapecycle.memory.source import Source

TURNED = 0.15
"""Distance, in object units, that counts as much as normals that are 60 degrees apart."""
BOUND_SIDE = 256
"""Texels along a side for which the template's are looked up, at most; larger atlases repeat
them, for the template's texture is no finer."""
TEMPLATE_SIDE = 128
"""Texels along a side of the template's texture among which nearest ones are looked for."""


@dataclass(frozen=True, eq=False)
class Atlas:
    """A source's own texture: square, its charts apart from each other.

    Attributes:
        faces: The source's faces with their texture coordinates.
        vertex: Which vertex each texture coordinate belongs to.
        charts: The faces by their texture coordinates.
        clip: The texture coordinates as positions on a screen.
        seen: Which face covers which texel.
        nearest: For every texel, the nearest one that lies on a chart, row by row from the top.
        template_uv: The template's texture coordinates under every texel.
    """

    faces: TexturedFaces
    vertex: Int[Tensor, " u"]
    charts: rz.Topology
    clip: Float[Tensor, "1 u 4"]
    seen: rz.Visibility
    nearest: Int[Tensor, " t"]
    template_uv: Float[Tensor, "t 2"]

    @property
    def side(self) -> int:
        """Texels along a side."""
        return self.seen.size[0]

    @staticmethod
    def of(
        source: Source, template: Float[Tensor, "v 3"], renderer: Renderer, side: int
    ) -> "Atlas":
        """Lay a source's texture out.

        Args:
            source: What is textured.
            template: Vertices of the template that lies on it.
            renderer: Knows the template's texture.
            side: Texels along a side.
        """
        device = renderer.uv.device
        uv, uv_faces = source.uv.to(device), source.uv_faces.to(device)
        vertex = torch.zeros(len(uv), dtype=torch.long, device=device)
        vertex[uv_faces] = source.faces.to(device)
        clip = F.pad(F.pad(2 * uv - 1, (0, 1)), (0, 1), value=1.0)[None].contiguous()
        charts = rz.Topology.from_faces(uv_faces)
        seen = rz.rasterize(clip, charts, (side, side))
        faces = TexturedFaces(rz.Topology.from_faces(source.faces.to(device)), uv[None], uv_faces)
        outside = ~seen.mask[0].cpu().numpy()
        row, column = distance_transform_edt(outside, return_distances=False, return_indices=True)
        nearest = torch.from_numpy(row.astype(np.int64) * side + column).flatten().to(device)
        none = torch.zeros(side * side, 2, device=device)
        bare = Atlas(faces, vertex, charts, clip, seen, nearest, none)
        if side > BOUND_SIDE:
            coarse = Atlas.of(source, template, renderer, BOUND_SIDE).template_uv
            row, column = np.indices((side, side)) * BOUND_SIDE // side
            index = torch.from_numpy(row * BOUND_SIDE + column).flatten().to(device)
            return replace(bare, template_uv=coarse[index])
        points, normals = bare.points(source.vertices.to(device)[None])
        laid, outwards = renderer.surface(template[None], TEMPLATE_SIDE)
        tree = cKDTree(_placed(laid[0], outwards[0]))
        kept = seen.mask.flatten()
        found = np.zeros(side * side, np.int64)
        found[kept.cpu().numpy()] = tree.query(_placed(points[kept], normals[kept]))[1]
        index = torch.from_numpy(found).to(device)[nearest]
        there = torch.stack([index % TEMPLATE_SIDE, TEMPLATE_SIDE - 1 - index // TEMPLATE_SIDE], 1)
        return replace(bare, template_uv=(there + 0.5) / TEMPLATE_SIDE)

    def points(
        self, vertices: Float[Tensor, "1 n 3"]
    ) -> tuple[Float[Tensor, "t 3"], Float[Tensor, "t 3"]]:
        """Return position and unit normal under every texel; zero between the charts."""
        topology = self.faces.topology
        normals = rz.vertex_normals(vertices, topology)
        values = torch.cat([vertices, normals], 2)[:, self.vertex]
        planes = rz.interpolate(values, self.clip, self.charts, self.seen)[0].flatten(1).mT
        return planes[:, :3], F.normalize(planes[:, 3:], dim=1)

    def template_colours(self, albedo: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 3 a a"]:
        """Return what the template's texture says under every texel."""
        grid = 2 * self.template_uv - 1
        grid = torch.stack([grid[:, 0], -grid[:, 1]], 1).expand(len(albedo), 1, -1, -1)
        found = F.grid_sample(
            albedo, grid, mode="bilinear", padding_mode="border", align_corners=False
        )
        return found.view(len(albedo), 3, self.side, self.side)

    def spread(self, image: Float[Tensor, "b c a a"]) -> Float[Tensor, "b c a a"]:
        """Fill what lies between the charts from them."""
        return image.flatten(2)[:, :, self.nearest].view(image.shape)


def _placed(points: Float[Tensor, "n 3"], normals: Float[Tensor, "n 3"]) -> np.ndarray:
    return torch.cat([points, TURNED * normals], 1).cpu().numpy()
