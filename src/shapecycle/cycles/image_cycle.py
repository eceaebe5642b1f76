"""image -> code -> image: a photograph is seen, and what was seen is drawn again."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from shapecycle.code_to_image.compositing import premultiplied
from shapecycle.graphics_code import GraphicsCode
from shapecycle.losses.image import colour_loss, silhouette_loss, structure_loss
from shapecycle.networks import Translator

Terms = dict[str, Float[Tensor, ""]]


@dataclass(frozen=True, eq=False)
class Redrawn:
    """Codes seen in photographs under one hypothesis, and the premultiplied drawings of them."""

    drawing: Float[Tensor, "b 4 h w"]
    code: GraphicsCode
    albedo: Float[Tensor, "b 3 s s"]


def image_terms(
    model: Translator,
    rgba: Float[Tensor, "b 4 h w"],
    window: Float[Tensor, "b 3"],
    *,
    hypotheses: int = 2,
) -> tuple[Terms, Redrawn]:
    """Compare photographs with drawings of their hypotheses, weighted by plausibility.

    Plausibility itself is not taught here: a silhouette cannot tell front from back.
    """
    photo = premultiplied(rgba)
    glance = model.glance(rgba, window)
    view = model.view(window)
    vertices = model.drawer.vertices(glance.shape)
    bins, plausibility = glance.belief.hypotheses(hypotheses)
    share = (plausibility / plausibility.sum(1, keepdim=True)).detach()
    drawn = []
    for k in range(hypotheses):
        code = model.code_of(rgba, glance, bins[:, k], view)
        albedo = model.drawer.albedo(code.texture)
        drawing = model.drawer.paint(vertices, albedo, code.pose, code.light, view)
        drawn.append(Redrawn(drawing, code, albedo))
    terms: Terms = {}
    for k, redrawn in enumerate(drawn):
        for name, loss in _compare(redrawn.drawing, photo).items():
            terms[name] = terms.get(name, loss.new_zeros(())) + (loss * share[:, k]).mean()
    return terms, drawn[0]


def _compare(
    drawing: Float[Tensor, "b 4 h w"], photo: Float[Tensor, "b 4 h w"]
) -> dict[str, Float[Tensor, " b"]]:
    return {
        "image_cycle_colour": colour_loss(drawing, photo),
        "image_cycle_silhouette": silhouette_loss(drawing[:, 3:], photo[:, 3:]),
        "image_cycle_structure": structure_loss(drawing, photo),
    }
