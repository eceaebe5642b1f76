"""All networks of a model: they see, read and draw, and sample when nothing is given."""

from dataclasses import dataclass, replace
from math import radians

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from shapecycle.camera import Pose, View
from shapecycle.code_to_image.deformation import Deformation
from shapecycle.code_to_image.renderer import Drawer
from shapecycle.code_to_image.texture import TextureDecoder
from shapecycle.config import ModelSettings
from shapecycle.graphics_code import GraphicsCode, Texture
from shapecycle.image_to_code.encoder import Glance, ImageEncoder
from shapecycle.image_to_code.unprojection import unproject
from shapecycle.priors.gaussian import GaussianPrior
from shapecycle.priors.pose import PoseSampler
from shapecycle.shape_to_code.encoder import ShapeEncoder


@dataclass(frozen=True, eq=False)
class Sight:
    """A batch of pictures as they were seen.

    Attributes:
        code: The most plausible code of each picture.
        glance: What led to it, with the belief over poses.
        view: Which windows of which frame were looked at.
    """

    code: GraphicsCode
    glance: Glance
    view: View


class Translator(nn.Module):
    """Translates between pictures, shapes and graphics codes.

    Args:
        settings: Sizes of the networks.
        solve_modes: Find the template's modes; not needed before weights are loaded.
    """

    def __init__(self, settings: ModelSettings, *, solve_modes: bool = True) -> None:
        super().__init__()
        self.settings = settings
        self.fov_y = radians(settings.fov_y_degrees)
        self.reader = ShapeEncoder(shape_size=settings.shape_code_size, width=settings.shape_width)
        self.seer = ImageEncoder(
            image_size=settings.image_size,
            width=settings.image_width,
            features=settings.image_features,
            shape_size=settings.shape_code_size,
            texture_size=settings.texture_code_size,
        )
        self.drawer = Drawer(
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

    def view(self, window: Float[Tensor, "b 3"], size: int | None = None) -> View:
        """Return the view of square windows, by default as finely as the encoder looks."""
        side = size or self.settings.image_size
        return View(window, (side, side), self.fov_y)

    def read(self, points: Float[Tensor, "b p 3"]) -> Float[Tensor, "b n"]:
        """Encode surfaces, given as points in object space, into shape codes."""
        code: Tensor = self.reader(points)
        return code

    def glance(self, rgba: Float[Tensor, "b 4 h w"], window: Float[Tensor, "b 3"]) -> Glance:
        """Look at straight-alpha crops without asking for their texture."""
        glance: Glance = self.seer(rgba, window)
        return glance

    def see(self, rgba: Float[Tensor, "b 4 h w"], window: Float[Tensor, "b 3"]) -> Sight:
        """Turn straight-alpha crops into graphics codes, with the most plausible pose."""
        glance = self.glance(rgba, window)
        view = self.view(window)
        best = glance.belief.hypotheses(1)[0][:, 0]
        code = self.code_of(rgba, glance, best, view)
        return Sight(code, glance, view)

    def code_of(
        self,
        rgba: Float[Tensor, "b 4 h w"],
        glance: Glance,
        bins: Int[Tensor, " b"],
        view: View,
    ) -> GraphicsCode:
        """Complete a glance under one pose hypothesis per picture: look up its texture."""
        pose = glance.belief.pose(bins, view.window, fov_y=self.fov_y)
        code = GraphicsCode(glance.shape, Texture(glance.features[:, :0]), pose, glance.light)
        return replace(code, texture=self.texture_of(rgba, code, glance.features, view))

    def texture_of(
        self,
        rgba: Float[Tensor, "b 4 h w"],
        code: GraphicsCode,
        features: Float[Tensor, "b q"],
        view: View,
        *,
        vertices: Float[Tensor, "b v 3"] | None = None,
        size: int | None = None,
    ) -> Texture:
        """Take the seen part of the texture from the picture, and a code for all of it.

        Colours are fetched from where the geometry is believed to be; no gradient goes back into
        shape, pose and light that way, or geometry would move to where colours happen to fit.
        """
        with torch.no_grad():
            if vertices is None:
                vertices = self.drawer.vertices(code.shape)
            depth = self.drawer.depth(vertices, code.pose, view)
            placed = code.pose.place(vertices)
            points, normals = self.drawer.surface(placed, size or self.settings.texture_resolution)
            texels = unproject(rgba, points, normals, depth, code.light, view)
        return Texture(self.seer.texture_head(texels, features), texels)

    def pose_of(self, glance: Glance, bins: Int[Tensor, " b"], view: View) -> Pose:
        """Return the pose of one hypothesis per picture."""
        return glance.belief.pose(bins, view.window, fov_y=self.fov_y)


class Networks(nn.Module):
    """All that a finished model needs: the translator and the priors to sample from.

    Args:
        settings: Sizes of the networks.
        solve_modes: Find the template's modes; not needed before weights are loaded.
    """

    def __init__(self, settings: ModelSettings, *, solve_modes: bool = True) -> None:
        super().__init__()
        self.translator = Translator(settings, solve_modes=solve_modes)
        self.pose_sampler = PoseSampler()
        self.shape_prior = GaussianPrior(settings.shape_code_size)
        self.light_prior = GaussianPrior(27)
