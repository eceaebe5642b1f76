"""Places: points that are the same on all surfaces."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.spatial import cKDTree  # type: ignore[import-untyped]
from torch import Tensor

from shapecycle.camera import View
from shapecycle.code_to_image.renderer import depth
from shapecycle.code_to_image.template import spread_out
from shapecycle.geometry.thin_plate import ThinPlateSpline
from shapecycle.graphics_code import GraphicsCode
from shapecycle.memory.atlas import placed
from shapecycle.memory.sources import CONTROLS
from shapecycle.memory.surfaces import ATLAS_SIDE, SurfaceDecoder, Surfaces

SIDE = 256
"""Texels along a side of the template's texture, among which the nearest one is looked for."""


@dataclass(frozen=True, eq=False)
class Places:
    """Some places, as points of one surface.

    On another surface they are where the field leads that carries the one's template to the
    other's: the same field that carries remembered shapes.

    Attributes:
        points, normals: Where they are on the surface, in object space.
        template: Vertices of the template that lies on it.
    """

    points: Float[Tensor, "k 3"]
    normals: Float[Tensor, "k 3"]
    template: Float[Tensor, "v 3"]

    def __len__(self) -> int:
        return len(self.points)

    @staticmethod
    @torch.no_grad()
    def at(decoder: SurfaceDecoder, code: GraphicsCode, points: Float[Tensor, "k 3"]) -> "Places":
        """Return the places of points on one code's surface, in object space."""
        on, upright = _surface(decoder, code)
        nearest = cKDTree(on.cpu().numpy()).query(points.cpu().numpy())[1]
        normals = upright[torch.from_numpy(nearest).to(upright.device)]
        return Places(points, normals, _template(decoder, code))

    @torch.no_grad()
    def on(self, decoder: SurfaceDecoder, code: GraphicsCode) -> Float[Tensor, "k 3"]:
        """Return where they are on one code's surface, in object space."""
        template = _template(decoder, code)
        controls = spread_out(decoder.renderer.deformation.template, CONTROLS).to(template.device)
        # Exactly: without bending, a field from a template to itself moves nothing.
        field = ThinPlateSpline.fit(
            self.template[None, controls], template[None, controls], smoothing=0.0
        )
        points, normals = self.points[None], self.normals[None]
        moved, turned = field.points(points)[0], field.normals(points, normals)[0]
        on, upright = _surface(decoder, code)
        found = cKDTree(placed(on, upright)).query(placed(moved, turned))[1]
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


def _template(decoder: SurfaceDecoder, code: GraphicsCode) -> Float[Tensor, "v 3"]:
    """Return the vertices of the template that lies on a code's surface, its handles moved."""
    bare = code if code.surface is None else replace(code, surface=code.on_template().surface)
    return decoder.vertices(bare, decoder.renderer.vertices(code.shape))[0]


def _surface(
    decoder: SurfaceDecoder, code: GraphicsCode
) -> tuple[Float[Tensor, "t 3"], Float[Tensor, "t 3"]]:
    """Return position and normal of the texels of one code's surface."""
    source = 0 if code.surface is None else int(code.surface.source[0])
    if source == 0:
        points, normals = decoder.renderer.surface(_template(decoder, code)[None], SIDE)
        return points[0], normals[0]
    found: Surfaces = next(iter(decoder(code)))
    atlas = decoder.atlas(source, ATLAS_SIDE)
    points, normals = atlas.points(found.vertices)
    return points[atlas.on_charts], normals[atlas.on_charts]
