"""How a surface looks from sides that its picture does not show.

Chamfer distance cannot tell a melted chair from a chair; outlines, normals and the features of a
classifier can. Everything is computed on the CPU, so that scores mean the same everywhere.
"""

from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from shapecycle import rasterize as rz
from shapecycle.camera import Pose, View
from shapecycle.evaluate.efficientnet_lite0 import EfficientNetLite0
from shapecycle.mesh import Mesh

DIRECTIONS = (
    (45.0, 20.0), (135.0, 20.0), (225.0, 20.0), (315.0, 20.0),
    (0.0, 20.0), (180.0, 20.0), (90.0, 50.0), (270.0, 50.0),
)  # fmt: skip
"""Azimuths and elevations to look from, in degrees; those of the first come first."""
VIEWS = 6
"""From how many of them a picture's surface is compared."""
APART = radians(30)
"""How far a novel view is from the picture's own, at least."""

SIDE, SAMPLES = 128, 2
"""Pixels of a render, and samples along each side of a pixel."""
DISTANCE, FOV_Y = 2.5, radians(24)
"""Of the camera: a bounding box with a diagonal of 1 just fits in."""
LAMP, LAMP_LIGHT, SKY_LIGHT = (0.4, 0.75, 0.55), 0.5, 0.15
"""Direction in the camera's frame and linear strength; what is seen is lit from both sides."""


@dataclass(frozen=True, eq=False)
class Looks:
    """One surface from all of ``DIRECTIONS``.

    Attributes:
        covered: Whether the surface covers a sample.
        normals: Its unit normals there, in the camera's frame and towards the camera; else 0.
        features: Pooled features of the grey renders at strides 8, 16 and 32; none without a
            network.
    """

    covered: Bool[Tensor, "k h w"]
    normals: Float[Tensor, "k h w 3"]
    features: list[Float[Tensor, "k _"]]


@torch.no_grad()
def looks_of(mesh: Mesh, network: EfficientNetLite0 | None) -> Looks | None:
    """Draw a surface, flat-shaded from both sides, in grey before white.

    Args:
        mesh: Centred, with a bounding-box diagonal of 1; the winding of its faces plays no part.
        network: What takes the features, on the CPU; None for none.

    Returns:
        How it looks; None for a point cloud, which has no outline.
    """
    if mesh.is_point_cloud:
        return None
    angles = torch.tensor([(radians(a), radians(e), 0.0) for a, e in DIRECTIONS])
    pose = Pose(angles, torch.tensor([0.0, 0.0, -DISTANCE]).expand(len(angles), 3))
    view = View(torch.tensor([0.0, 0.0, 1.0]).expand(len(angles), 3), (SIDE, SIDE), FOV_Y)
    faces = torch.from_numpy(mesh.faces).long()
    camera = pose.place(torch.from_numpy(mesh.vertices).float().expand(len(angles), -1, -1))
    topology = rz.Topology.from_faces(faces)
    seen = rz.rasterize(view.clip(camera), topology, (SIDE * SAMPLES, SIDE * SAMPLES))

    corners = camera[:, faces]
    normals = F.normalize(
        torch.cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0], -1),
        dim=-1,
    )
    is_away = (normals * corners[:, :, 0]).sum(-1, keepdim=True) > 0
    normals = torch.where(is_away, -normals, normals)
    item = torch.arange(len(angles))[:, None, None]
    normals = normals[item, seen.face_id.clamp(min=0)] * seen.mask[..., None]
    return Looks(seen.mask, normals, _features(seen.mask, normals, network) if network else [])


def _features(
    covered: Bool[Tensor, "k h w"],
    normals: Float[Tensor, "k h w 3"],
    network: EfficientNetLite0,
) -> list[Float[Tensor, "k _"]]:
    """Pooled features of grey renders."""
    lamp = F.normalize(torch.tensor(LAMP), dim=0)
    shading = SKY_LIGHT + LAMP_LIGHT * (normals @ lamp).clamp(min=0)
    linear = torch.where(covered, shading, 1.0)[:, None]
    grey = F.avg_pool2d(rz.srgb_from_linear(linear), SAMPLES)
    return [layer.mean((2, 3)) for layer in network.features(grey.expand(-1, 3, -1, -1))]


@dataclass(frozen=True, eq=False)
class LookScores:
    """How alike two surfaces look, for each of ``DIRECTIONS``.

    Attributes:
        per_view: By name: ``novel_view_iou``, intersection over union of the silhouettes, in
            [0, 1]; ``novel_view_normals_degrees``, the mean angle between the normals where both
            are covered, whatever their sign, in [0, 90], 90 where nothing is; and
            ``look_distance``, 1 - the cosine of the features, mean of three strides, in [0, 2],
            if both have features.
    """

    per_view: dict[str, Float[Tensor, " k"]]

    def mean(self, views: list[int]) -> dict[str, float]:
        """Return the means over some views."""
        return {name: float(values[views].mean()) for name, values in self.per_view.items()}


def compare_looks(predicted: Looks | None, truth: Looks | None) -> LookScores:
    """Compare two surfaces view by view, symmetric in the two; no scores if one is None."""
    if predicted is None or truth is None:
        return LookScores({})
    both = predicted.covered & truth.covered
    either = predicted.covered | truth.covered
    common = both.sum((1, 2))
    cosine = (predicted.normals * truth.normals).sum(-1).abs().clamp(max=1)
    angle = (torch.rad2deg(torch.acos(cosine)) * both).sum((1, 2)) / common.clamp(min=1)
    scores = {
        "novel_view_iou": common / either.sum((1, 2)).clamp(min=1),
        "novel_view_normals_degrees": torch.where(common > 0, angle, 90.0),
    }
    if predicted.features and truth.features:
        cosines = [
            F.cosine_similarity(ours, theirs)
            for ours, theirs in zip(predicted.features, truth.features, strict=True)
        ]
        scores["look_distance"] = 1 - torch.stack(cosines).mean(0)
    return LookScores(scores)


def novel_views(camera_from_object: Float[np.ndarray, "4 4"]) -> list[int]:
    """Return the numbers of the first ``VIEWS`` directions that a camera does not look from."""
    place = -camera_from_object[:3, :3].T @ camera_from_object[:3, 3]
    own = place / np.linalg.norm(place)
    cosines = np.array([_direction(*map(radians, one)) for one in DIRECTIONS]) @ own
    return np.flatnonzero(cosines <= cos(APART))[:VIEWS].tolist()


def _direction(azimuth: float, elevation: float) -> tuple[float, float, float]:
    return (sin(azimuth) * cos(elevation), sin(elevation), cos(azimuth) * cos(elevation))
