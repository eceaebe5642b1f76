"""What the cycles draw from: training shapes and photographs, poses, lights and colours."""

from math import radians

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.camera import Pose, window_around
from shapecycle.config import Settings
from shapecycle.data.photo_sampler import PhotoSampler
from shapecycle.data.shape_sampler import ShapeSampler, WarpedShapes
from shapecycle.priors.light import sample_light
from shapecycle.priors.pose import pose_from_vector, sample_pose
from shapecycle.priors.pose_light_buffer import PoseLightBuffer
from shapecycle.priors.solid_texture import SolidTexture
from shapecycle.randomness import integers, normal
from shapecycle.shape_to_code.encoder import SURFACE_POINTS


class SceneSampler:
    """Draws everything that training pictures are made of, from one source of randomness.

    Args:
        settings: Ranges of poses, strength of warps, size of the buffer.
        shapes: The training shapes.
        photos: The training photographs.
        generator: Source of randomness.
        device: Where what is drawn lies.

    Attributes:
        pose_light_buffer: Poses and lights that were last seen in photographs.
    """

    def __init__(
        self,
        settings: Settings,
        shapes: ShapeSampler,
        photos: PhotoSampler,
        *,
        generator: torch.Generator,
        device: torch.device,
    ) -> None:
        self.settings, self.generator, self.device = settings, generator, device
        self.shapes, self.photos = shapes, photos
        self.pose_light_buffer = PoseLightBuffer.empty(settings.train.pose_light_buffer, device)

    def warped_shapes(self, count: int, strength: float) -> WarpedShapes:
        """Draw training shapes, warped and mirrored."""
        return self.shapes.sample(count, SURFACE_POINTS, strength)

    def pose(self, count: int) -> Pose:
        """Draw poses from the wide prior, and the second half of them as photographs are posed.

        Poses seen in photographs are used once the buffer of them is full; the wide prior keeps
        those in play that the encoder has so far mistaken for others.
        """
        pose = self.wide_pose(count)
        buffer = self.pose_light_buffer
        if not buffer.is_full:
            return pose
        pick = integers(self.generator, len(buffer), count).to(self.device)
        photographed = pose_from_vector(buffer.poses[pick])
        half = count // 2
        return Pose(
            torch.cat([pose.angles[:half], photographed.angles[half:]]),
            torch.cat([pose.translation[:half], photographed.translation[half:]]),
        )

    def wide_pose(self, count: int) -> Pose:
        """Draw poses from the wide prior alone."""
        return sample_pose(count, self.settings.scenes, self.generator, self.device)

    def light(self, count: int) -> Float[Tensor, "b 9 3"]:
        """Draw lights of one soft lamp each."""
        return sample_light(count, self.generator, self.device)

    def solid_texture(self, count: int) -> SolidTexture:
        """Draw regions of random colours, most of them the photographs'."""
        solid = SolidTexture.sample(count, self.generator, self.photos.palette)
        return solid.to(self.device)

    def window(self, points: Float[Tensor, "b v 3"]) -> Float[Tensor, "b 3"]:
        """Draw windows around camera-space points, as loosely cropped as photographs are."""
        model = self.settings.model
        fov_y = radians(model.fov_y_degrees)
        window = window_around(points, fov_y=fov_y, margin=model.window_margin)
        noise = 0.015 * normal(self.generator, len(window), 3).to(window.device)
        shift = window[:, :2] + noise[:, :2] * window[:, 2:]
        return torch.cat([shift, window[:, 2:] * (1 + noise[:, 2:])], 1)
