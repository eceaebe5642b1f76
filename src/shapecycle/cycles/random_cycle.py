"""random code -> image -> code: pictures whose truth is known teach the image encoder to see.

The raw training shapes are drawn, not their decoded copies: what the encoder and the decoder could
agree on in secret does not show in them.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.camera import Pose, View
from shapecycle.code_to_image.raw_mesh import draw_raw
from shapecycle.cycles.known_scene import KnownScene
from shapecycle.cycles.random_scenes import WarpedShapes
from shapecycle.graphics_code import GraphicsCode, Texture
from shapecycle.networks import Translator
from shapecycle.priors.solid_texture import SolidTexture


@torch.no_grad()
def random_scene(
    model: Translator,
    shapes: WarpedShapes,
    solid: SolidTexture,
    pose: Pose,
    light: Float[Tensor, "b 9 3"],
    view: View,
) -> KnownScene:
    """Draw raw shapes; their code is what the reader says, their albedo that of the template."""
    shape = model.read(shapes.points)
    vertices = model.drawer.vertices(shape)
    side = model.settings.texture_resolution
    surface, _ = model.drawer.surface(vertices, side)
    albedo = solid.at(surface).mT.reshape(len(surface), 3, side, side)
    rgba = draw_raw(shapes.vertices, shapes.topology, solid, pose, light, view)
    code = GraphicsCode(shape, Texture(shape[:, :0]), pose, light)
    return KnownScene(rgba, code, vertices, shapes.points, shapes.normals, albedo, view)
