"""Pictures whose graphics code is known, and how much of it comes back when they are seen."""

from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from shapecycle.code_to_image.drawing import View
from shapecycle.graphics_code import GraphicsCode
from shapecycle.losses.code import light_loss, pose_loss
from shapecycle.translator import Translator

Terms = dict[str, Float[Tensor, ""]]


@dataclass(frozen=True, eq=False)
class KnownScene:
    """Pictures and what they were made of; nothing in here carries gradients.

    Attributes:
        rgba: Straight-alpha pictures.
        code: Their codes; the texture's code is empty where it was never a sample of the prior.
        vertices: The decoded shapes, in object space.
        albedo: The true sRGB albedo in UV space.
        view: The windows that the pictures show.
    """

    rgba: Float[Tensor, "b 4 h w"]
    code: GraphicsCode
    vertices: Float[Tensor, "b v 3"]
    albedo: Float[Tensor, "b 3 s s"]
    view: View

    def __getitem__(self, items: slice) -> "KnownScene":
        view = replace(self.view, window=self.view.window[items])
        return KnownScene(
            self.rgba[items], self.code[items], self.vertices[items], self.albedo[items], view
        )


def come_back_terms(model: Translator, scene: KnownScene) -> tuple[Terms, Float[Tensor, "b t"]]:
    """See known scenes and compare shape, vertices, pose, light and texture with the truth.

    Textures are compared on half the batch: they are learnt soonest and cost the most.

    Returns:
        The loss terms, and the texture codes that were seen.
    """
    glance = model.glance(scene.rgba, scene.view.window)
    half = scene[: (len(scene.rgba) + 1) // 2]
    features = glance.features[: len(half.rgba)]
    texture = model.texture_of(half.rgba, half.code, features, half.view, vertices=half.vertices)
    decoded = model.drawer.texture_decoder(texture.code)
    away = model.drawer.vertices(glance.shape) - scene.vertices
    pose = pose_loss(glance.belief, scene.code.pose, scene.view)
    return {
        "shape_cycle_code": (glance.shape - scene.code.shape).abs().mean(),
        "shape_cycle_vertices": away.square().sum(2).add(1e-8).sqrt().mean(),
        "shape_cycle_pose": pose["azimuth"] + pose["tilt"] + pose["placement"],
        "shape_cycle_texture": (decoded - half.albedo).abs().mean(),
        "shape_cycle_light": light_loss(glance.light, scene.code.light),
    }, texture.code
