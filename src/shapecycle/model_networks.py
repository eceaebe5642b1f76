"""All networks of a model: they see, read and draw, and sample when nothing is given."""

from math import radians

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from shapecycle.camera import Pose, View
from shapecycle.code_to_image.deformation import Deformation
from shapecycle.code_to_image.renderer import Renderer
from shapecycle.code_to_image.texture import TextureDecoder
from shapecycle.config import ModelSettings
from shapecycle.graphics_code import GraphicsCode, Texture
from shapecycle.image_to_code.encoder import ImageEncoder, ImageEncoding
from shapecycle.image_to_code.unprojection import unproject
from shapecycle.priors.fitted_gaussian import GaussianPrior
from shapecycle.priors.pose import PoseSampler
from shapecycle.shape_to_code.encoder import ShapeEncoder


class Networks(nn.Module):
    """Encoders, renderer and priors of one model.

    Args:
        settings: Sizes of the networks.
        solve_modes: Find the template's modes; not needed before weights are loaded.
    """

    def __init__(self, settings: ModelSettings, *, solve_modes: bool = True) -> None:
        super().__init__()
        self.settings = settings
        self.fov_y = radians(settings.fov_y_degrees)
        self.shape_encoder = ShapeEncoder(
            shape_size=settings.shape_code_size, width=settings.shape_width
        )
        self.image_encoder = ImageEncoder(
            image_size=settings.image_size,
            width=settings.image_width,
            features=settings.image_features,
            shape_size=settings.shape_code_size,
            texture_size=settings.texture_code_size,
        )
        self.renderer = Renderer(
            Deformation(
                shape_size=settings.shape_code_size,
                subdivisions=settings.subdivisions,
                width=settings.shape_width,
                symmetric=settings.symmetric,
                solve_modes=solve_modes,
            ),
            TextureDecoder(
                texture_size=settings.texture_code_size,
                resolution=settings.texture_resolution,
                width=settings.texture_width,
            ),
        )
        self.pose_sampler = PoseSampler()
        self.shape_prior = GaussianPrior(settings.shape_code_size)
        self.light_prior = GaussianPrior(27)
        # Convolutions of images that lie like this would else copy their weights at every call.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def view(self, window: Float[Tensor, "b 3"], size: int | None = None) -> View:
        """Return the view of square windows, by default of the image encoder's resolution."""
        side = size or self.settings.image_size
        return View(window, (side, side), self.fov_y)

    def read(self, points: Float[Tensor, "b p 3"]) -> Float[Tensor, "b n"]:
        """Encode surfaces, given as points in object space, into shape codes."""
        code: Tensor = self.shape_encoder(points)
        return code

    def encode_image(
        self, rgba: Float[Tensor, "b 4 h w"], window: Float[Tensor, "b 3"]
    ) -> ImageEncoding:
        """Encode straight-alpha crops; their texture is looked up later, by `code_of`."""
        encoding: ImageEncoding = self.image_encoder(rgba, window)
        return encoding

    def code_of(
        self,
        rgba: Float[Tensor, "b 4 h w"],
        encoding: ImageEncoding,
        bins: Int[Tensor, " b"],
        view: View,
        *,
        vertices: Float[Tensor, "b v 3"],
    ) -> GraphicsCode:
        """Complete an encoding under one pose hypothesis per picture: look up its texture.

        Args:
            rgba: Straight-alpha crops.
            encoding: What the image encoder made of them.
            bins: The azimuth bin of the hypothesis.
            view: The windows they show.
            vertices: The encoding's shapes, decoded, in object space.
        """
        pose, light = self.pose_of(encoding, bins, view), encoding.light
        texture = self.texture_of(
            rgba, encoding.features, view, vertices=vertices, pose=pose, light=light
        )
        return GraphicsCode(encoding.shape, texture, pose, light)

    def texture_of(
        self,
        rgba: Float[Tensor, "b 4 h w"],
        features: Float[Tensor, "b q"],
        view: View,
        *,
        vertices: Float[Tensor, "b v 3"],
        pose: Pose,
        light: Float[Tensor, "b 9 3"],
        size: int | None = None,
    ) -> Texture:
        """Take the seen part of the texture from the picture, and a code for all of it.

        Colours are fetched from where the geometry is believed to be; no gradient goes back into
        shape, pose and light that way, or geometry would move to where colours happen to fit.

        Args:
            rgba: Straight-alpha crops.
            features: What the image encoder's trunk made of them.
            view: The windows they show.
            vertices: Decoded shapes, in object space.
            pose: Where they stand.
            light: What is divided out.
            size: Side of the texels' square; by default the decoded texture's.
        """
        with torch.no_grad():
            depth = self.renderer.depth(vertices, pose, view)
            points, normals = self.renderer.surface(
                pose.place(vertices), size or self.settings.texture_resolution
            )
            texels = unproject(rgba, points, normals, depth, light, view)
        return Texture(self.image_encoder.texture_head(texels, features), texels)

    def pose_of(self, encoding: ImageEncoding, bins: Int[Tensor, " b"], view: View) -> Pose:
        """Return the pose of one hypothesis per picture."""
        return encoding.pose.pose(bins, view.window, fov_y=self.fov_y)
