"""Places: points that are the same on all surfaces, kept as texels of the template's texture."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree  # type: ignore[import-untyped]
from torch import Tensor

from shapecycle.camera import View
from shapecycle.code_to_image.renderer import depth
from shapecycle.graphics_code import GraphicsCode
from shapecycle.memory.atlas import placed
from shapecycle.memory.surfaces import ATLAS_SIDE, SurfaceDecoder, Surfaces

SIDE = 256
"""Texels along a side of the template's texture, of which each is a place."""


@dataclass(frozen=True, eq=False)
class Places:
    """Some places.

    Attributes:
        texels: Which texel of the template's texture each is, row by row from the top.
    """

    texels: Int[Tensor, " k"]

    @staticmethod
    @torch.no_grad()
    def at(decoder: SurfaceDecoder, code: GraphicsCode, points: Float[Tensor, "k 3"]) -> "Places":
        """Return the places of points on one code's surface, in object space."""
        laid, normals = _template(decoder, code)
        tree = cKDTree(placed(laid, normals))
        if _source_of(code):
            on, upright = _own(decoder, code)
            nearest = torch.from_numpy(cKDTree(on.cpu().numpy()).query(points.cpu().numpy())[1])
            query = placed(points, upright[nearest.to(upright.device)])
        else:
            # Without a normal of its own, a point has that of the template beside it.
            near = cKDTree(laid.cpu().numpy()).query(points.cpu().numpy())[1]
            query = placed(points, normals[torch.from_numpy(near).to(normals.device)])
        return Places(torch.from_numpy(tree.query(query)[1]))

    @torch.no_grad()
    def on(self, decoder: SurfaceDecoder, code: GraphicsCode) -> Float[Tensor, "k 3"]:
        """Return where they are on one code's surface, in object space."""
        laid, normals = _template(decoder, code)
        texels = self.texels.to(laid.device)
        if not _source_of(code):
            return laid[texels]
        on, upright = _own(decoder, code)
        found = cKDTree(placed(on, upright)).query(placed(laid[texels], normals[texels]))[1]
        return on[torch.from_numpy(found).to(on.device)]


@torch.no_grad()
def lifted(
    decoder: SurfaceDecoder, code: GraphicsCode, pixels: Float[Tensor, "k 2"], view: View
) -> tuple[Float[Tensor, "k 3"], Bool[Tensor, " k"]]:
    """Return which points of one code's surface pixels show, in object space.

    Args:
        decoder: Knows the surface.
        code: A batch of one.
        pixels: To the right and down from the picture's corner, in its resolution.
        view: What the picture shows: a whole frame.

    Returns:
        The points, and whether there is one.
    """
    (found,) = decoder(code)
    placed_ = code.pose.place(found.vertices)
    drawn = depth(placed_, found.faces.topology, view)[0, 0]
    height, width = view.size
    column = pixels[:, 0].long().clamp(0, width - 1)
    row = pixels[:, 1].long().clamp(0, height - 1)
    away = drawn[row, column]
    inside = (pixels >= 0).all(1) & (pixels[:, 0] < width) & (pixels[:, 1] < height)
    slope = np.tan(view.fov_y / 2)
    x = (2 * pixels[:, 0] / width - 1) * (width / height) * slope * away
    y = (1 - 2 * pixels[:, 1] / height) * slope * away
    camera = torch.stack([x, y, -away], 1)
    points = (camera - code.pose.translation[0]) @ code.pose.rotation()[0]
    return points, inside & (away > 0)


def _source_of(code: GraphicsCode) -> int:
    return 0 if code.surface is None else int(code.surface.source[0])


def _template(
    decoder: SurfaceDecoder, code: GraphicsCode
) -> tuple[Float[Tensor, "t 3"], Float[Tensor, "t 3"]]:
    """Return position and normal of every texel of the template, its handles moved."""
    renderer = decoder.renderer
    bare = code if code.surface is None else replace(code, surface=code.on_template().surface)
    points, normals = renderer.surface(decoder.vertices(bare, renderer.vertices(code.shape)), SIDE)
    return points[0], normals[0]


def _own(
    decoder: SurfaceDecoder, code: GraphicsCode
) -> tuple[Float[Tensor, "t 3"], Float[Tensor, "t 3"]]:
    """Return position and normal of the texels of a carried surface that lie on its charts."""
    found: Surfaces = next(iter(decoder(code)))
    atlas = decoder.atlas(_source_of(code), ATLAS_SIDE)
    points, normals = atlas.points(found.vertices)
    kept = atlas.seen.mask.flatten()
    return points[kept], normals[kept]
