"""The image encoder: trunk, heads and texture head together."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from shapecycle.devices import autocast
from shapecycle.image_to_code.backbone import Backbone
from shapecycle.image_to_code.heads import Heads, coarse_picture
from shapecycle.image_to_code.texture_head import TextureHead
from shapecycle.pose_distribution import PoseDistribution


@dataclass(frozen=True, eq=False)
class ImageEncoding:
    """What a picture tells before its surface is known.

    Attributes:
        features: The trunk's features.
        shape: The shape code.
        light: Spherical-harmonic light in the camera's frame.
        pose: The distribution of poses.
    """

    features: Float[Tensor, "b q"]
    shape: Float[Tensor, "b n"]
    light: Float[Tensor, "b 9 3"]
    pose: PoseDistribution

    def repeated(self, times: int) -> "ImageEncoding":
        """Return the whole batch several times over."""
        return ImageEncoding(
            self.features.repeat(times, 1),
            self.shape.repeat(times, 1),
            self.light.repeat(times, 1, 1),
            self.pose.repeated(times),
        )


class ImageEncoder(nn.Module):
    """Learns to read shape, light, pose hypotheses and, given the surface, texture."""

    def __init__(
        self, *, image_size: int, width: int, features: int, shape_size: int, texture_size: int
    ) -> None:
        super().__init__()
        self.image_size = image_size
        self.backbone = Backbone(width=width, image_size=image_size, features=features)
        self.heads = Heads(features=features, shape_size=shape_size)
        self.texture_head = TextureHead(features=features, texture_size=texture_size, width=16)

    def forward(
        self, rgba: Float[Tensor, "b 4 h w"], window: Float[Tensor, "b 3"]
    ) -> ImageEncoding:
        """Encode straight-alpha crops of the given windows."""
        with autocast(rgba.device):
            features = self.backbone(rgba)
        shape, light, pose = self.heads(features.float(), coarse_picture(rgba), window)
        return ImageEncoding(features.float(), shape, light, pose)
