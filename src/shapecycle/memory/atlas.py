"""What lies under every texel of a source's own texture."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.ndimage import distance_transform_edt  # type: ignore[import-untyped]
from scipy.spatial import cKDTree  # type: ignore[import-untyped]
from torch import Tensor
from torch.nn import functional as F

from shapecycle import rasterize as rz
from shapecycle.code_to_image.renderer import Renderer, TexturedFaces
from shapecycle.geometry.vectors import unit
from shapecycle.memory.source import Source

TURNED = 0.15
"""Distance, in object units, that counts as much as normals that are 60 degrees apart."""
BOUND_SIDE = 256
"""Texels along a side for which the template's are looked up, at most; between those of larger
atlases it is interpolated."""
NEIGHBOURS = 4
"""Texels of the template that a place is interpolated between."""
SAME_PLACE = 0.04
"""Distance in the template's texture up to which places are interpolated; it jumps at its rim, and
where a surface turns from one side of the template to another."""
NEAR_TWIN = 0.03
"""Distance, normals counted as above, up to which a texel lies at another one's mirror image."""
THREADS = -1
"""That look texels up: as many as there are cores."""
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
            return replace(bare, template_uv=_enlarged(coarse, side))
        points, normals = bare.points(source.vertices.to(device)[None])
        laid, outwards = renderer.surface(template[None], TEMPLATE_SIDE)
        tree = cKDTree(placed(laid[0], outwards[0]))
        kept = seen.mask.flatten()
        away, texel = tree.query(placed(points[kept], normals[kept]), NEIGHBOURS, workers=THREADS)
        there = np.stack([texel % TEMPLATE_SIDE, TEMPLATE_SIDE - 1 - texel // TEMPLATE_SIDE], 2)
        places = torch.from_numpy((there + 0.5) / TEMPLATE_SIDE).float().to(device)
        weight = torch.from_numpy(1 / np.maximum(away, 1e-4) ** 2).float().to(device)
        none[kept] = _mean_place(places, weight)
        return replace(bare, template_uv=_smooth(none[nearest], side))

    def points(
        self, vertices: Float[Tensor, "1 n 3"]
    ) -> tuple[Float[Tensor, "t 3"], Float[Tensor, "t 3"]]:
        """Return position and unit normal under every texel; zero between the charts."""
        topology = self.faces.topology
        normals = rz.vertex_normals(vertices, topology)
        values = torch.cat([vertices, normals], 2)[:, self.vertex]
        planes = rz.interpolate(values, self.clip, self.charts, self.seen)[0].flatten(1).mT
        return planes[:, :3], unit(planes[:, 3:])

    def template_colours(self, albedo: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b 3 a a"]:
        """Return what the template's texture says under every texel."""
        grid = 2 * self.template_uv - 1
        grid = torch.stack([grid[:, 0], -grid[:, 1]], 1).expand(len(albedo), 1, -1, -1)
        found = F.grid_sample(
            albedo, grid, mode="bilinear", padding_mode="border", align_corners=False
        )
        return found.view(len(albedo), 3, self.side, self.side)

    def twins(
        self, vertices: Float[Tensor, "1 n 3"]
    ) -> tuple[Int[Tensor, " t"], Bool[Tensor, " t"]]:
        """Return for every texel the one at its mirror image in x = 0, and whether there is one."""
        kept = self.seen.mask.flatten().cpu().numpy()
        found = placed(*self.points(vertices))
        mirrored = found * np.array([-1, 1, 1, -1, 1, 1], dtype=found.dtype)
        away, row = cKDTree(found[kept]).query(mirrored[kept])
        twin, is_there = np.zeros(len(found), dtype=np.int64), np.zeros(len(found), dtype=bool)
        twin[kept], is_there[kept] = np.nonzero(kept)[0][row], away < NEAR_TWIN
        device = vertices.device
        return torch.from_numpy(twin).to(device), torch.from_numpy(is_there).to(device)

    @cached_property
    def on_charts(self) -> Int[Tensor, " k"]:
        """Numbers of the texels that lie on charts, row by row from the top."""
        return self.seen.mask.flatten().nonzero()[:, 0]

    @cached_property
    def _filled_from(self) -> Int[Tensor, " t"]:
        """For every texel, which of those on charts it is filled from."""
        number = torch.zeros_like(self.nearest)
        number[self.on_charts] = torch.arange(len(self.on_charts), device=number.device)
        return number[self.nearest]

    def laid_out(self, rows: Float[Tensor, "b c k"]) -> Float[Tensor, "b c a a"]:
        """Return the image of which `on_charts` has these values, spread to all of it."""
        batch, channels = rows.shape[:2]
        return rows[:, :, self._filled_from].view(batch, channels, self.side, self.side)

    def spread(self, image: Float[Tensor, "b c a a"]) -> Float[Tensor, "b c a a"]:
        """Fill what lies between the charts from them."""
        return image.flatten(2)[:, :, self.nearest].view(image.shape)


def placed(points: Float[Tensor, "n 3"], normals: Float[Tensor, "n 3"]) -> np.ndarray:
    """Return coordinates in which places near each other lie on the same side of a surface."""
    return torch.cat([points, TURNED * normals], 1).cpu().numpy()


def _mean_place(
    places: Float[Tensor, "n k 2"], weight: Float[Tensor, "n k"]
) -> Float[Tensor, "n 2"]:
    """Average places in the template's texture, those near the first of each row."""
    near = (places - places[:, :1]).norm(dim=2) < SAME_PLACE
    weight = (weight * near)[..., None]
    return (weight * places).sum(1) / weight.sum(1)


def _smooth(uv: Float[Tensor, "t 2"], side: int) -> Float[Tensor, "t 2"]:
    """Average every place with those of the eight texels around, where they are near."""
    image = F.pad(uv.mT.reshape(1, 2, side, side), (1, 1, 1, 1), mode="replicate")
    around = F.unfold(image, 3).view(2, 9, side * side).permute(2, 1, 0)
    centre_first = torch.cat([around[:, 4:5], around[:, :4], around[:, 5:]], 1)
    return _mean_place(centre_first, torch.ones_like(centre_first[..., 0]))


def _enlarged(uv: Float[Tensor, "t 2"], side: int) -> Float[Tensor, "s 2"]:
    """Interpolate places between texels, but not where they jump."""
    image = uv.mT.reshape(1, 2, BOUND_SIDE, BOUND_SIDE)
    between = F.interpolate(image, (side, side), mode="bilinear", align_corners=False)
    nearest = F.interpolate(image, (side, side), mode="nearest")
    jumps = (between - nearest).norm(dim=1, keepdim=True) > SAME_PLACE
    return torch.where(jumps, nearest, between).flatten(2)[0].mT
