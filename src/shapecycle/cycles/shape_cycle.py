"""shape -> code -> image -> code: a shape is read, dressed, drawn and seen again."""

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.camera import View
from shapecycle.code_to_image.compositing import straight
from shapecycle.cycles.known_scene import KnownScene
from shapecycle.cycles.random_scenes import WarpedShapes
from shapecycle.graphics_code import GraphicsCode
from shapecycle.networks import Translator


def draw_dressed(
    model: Translator, code: GraphicsCode, shapes: WarpedShapes, view: View
) -> tuple[KnownScene, Float[Tensor, "b 4 h w"], Float[Tensor, "b 3 s s"]]:
    """Draw shapes, whose codes were read, in their sampled or borrowed looks.

    Geometry is held still: drawings teach colour, or critics would bend shapes to please. The scene
    that is seen again is cut off from its gradients: the encoder learns to read drawings, and the
    decoder is not rewarded for hiding messages in them.

    Returns:
        The scene to be seen again; the premultiplied drawings and their albedo, for the critics,
        with gradients to the texture.
    """
    with torch.no_grad():
        vertices = model.drawer.vertices(code.shape)
    albedo = model.drawer.albedo(code.texture)
    drawing = model.drawer.paint(vertices, albedo, code.pose, code.light, view)
    scene = KnownScene(
        rgba=straight(drawing.detach()),
        code=code.detach(),
        vertices=vertices,
        points=shapes.points,
        normals=shapes.normals,
        albedo=albedo.detach(),
        view=view,
    )
    return scene, drawing, albedo
