"""Keypoints: places that are the same on all surfaces, by the template's correspondence."""

from functools import lru_cache

import torch
from jaxtyping import Float, Int
from scipy.spatial import cKDTree  # type: ignore[import-untyped]
from torch import Tensor

from shapecycle.camera import Pose, View
from shapecycle.code_to_image.template import spread_out
from shapecycle.memory.surfaces import SurfaceDecoder, Surfaces

NEAR = 0.03
"""Depth, in object units, up to which a keypoint lies on what is seen in front of it."""


class Keypoints:
    """Vertices of the template, spread out, and what lies there on other surfaces.

    Args:
        decoder: Knows the surfaces.
        count: How many; one more where the last has a twin on the other side.
    """

    def __init__(self, decoder: SurfaceDecoder, count: int) -> None:
        self.decoder = decoder
        self.rows = spread_out(decoder.renderer.deformation.template, count)
        self._on = lru_cache(256)(self._vertices_of)

    def __len__(self) -> int:
        return len(self.rows)

    def places(self, surfaces: Surfaces) -> Float[Tensor, "b k 3"]:
        """Return where the keypoints of some surfaces are, in object space."""
        rows = self.rows
        if surfaces.source is not None:
            rows = self._on(surfaces.source.fingerprint)
        return surfaces.vertices[:, rows.to(surfaces.vertices.device)]

    def _vertices_of(self, fingerprint: int) -> Int[Tensor, " k"]:
        """Return the vertices of a source that are nearest to the template's, which lies on it."""
        sources, row = self.decoder.found(fingerprint)
        there = sources.templates[row][self.rows.to(sources.templates.device)].cpu().numpy()
        _, nearest = cKDTree(sources.sources[row].vertices.numpy()).query(there)
        return torch.from_numpy(nearest)


def seen_keypoints(
    places: Float[Tensor, "b k 3"], pose: Pose, depth: Float[Tensor, "b 1 h w"], view: View
) -> Float[Tensor, "b k 3"]:
    """Return where keypoints are in pictures, and whether they can be seen.

    Args:
        places: In object space.
        pose: Where the objects stand.
        depth: Of the pictures, see `code_to_image.channels`.
        view: What the pictures show.

    Returns:
        Pixels to the right and down from the picture's corner, in its resolution, and 1 or 0.
    """
    camera = pose.place(places)
    clip = view.clip(camera)
    x = (clip[..., 0] / clip[..., 3] + 1) / 2 * view.size[1]
    y = (1 - clip[..., 1] / clip[..., 3]) / 2 * view.size[0]
    column, row = x.long().clamp(0, view.size[1] - 1), y.long().clamp(0, view.size[0] - 1)
    item = torch.arange(len(places), device=x.device)[:, None]
    in_front = depth[item, 0, row, column]
    is_inside = (x >= 0) & (y >= 0) & (x < view.size[1]) & (y < view.size[0])
    is_seen = is_inside & (in_front > 0) & ((-camera[..., 2] - in_front) < NEAR)
    return torch.stack([x, y, is_seen.to(x.dtype)], 2)
