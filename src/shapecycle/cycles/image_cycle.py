"""image -> code -> image: a photograph is seen, and what was seen is drawn again."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from shapecycle.code_to_image.compositing import premultiplied
from shapecycle.graphics_code import GraphicsCode
from shapecycle.losses import Losses
from shapecycle.losses.image import colour_loss, silhouette_loss, structure_loss
from shapecycle.networks import Networks


@dataclass(frozen=True, eq=False)
class Redrawn:
    """Codes seen in photographs under one hypothesis, and the premultiplied drawings of them."""

    drawing: Float[Tensor, "b 4 h w"]
    code: GraphicsCode
    albedo: Float[Tensor, "b 3 s s"]


@dataclass(frozen=True, eq=False)
class ImageCycle:
    """What one batch of the image cycle gave.

    Attributes:
        losses: How far the drawings are from the photographs.
        redrawn: The most plausible hypothesis of every photograph.
    """

    losses: Losses
    redrawn: Redrawn


def image_cycle(
    networks: Networks,
    rgba: Float[Tensor, "b 4 h w"],
    window: Float[Tensor, "b 3"],
    *,
    hypotheses: int = 2,
) -> ImageCycle:
    """See photographs, draw what was seen, and compare, weighted by plausibility.

    Plausibility itself is not taught here: a silhouette cannot tell front from back.

    Args:
        networks: See and draw.
        rgba: Straight-alpha crops of photographs.
        window: The windows they show.
        hypotheses: How many poses per photograph are drawn.
    """
    photo = premultiplied(rgba)
    encoding = networks.encode_image(rgba, window)
    view = networks.view(window)
    vertices = networks.renderer.vertices(encoding.shape)
    bins, plausibility = encoding.pose.hypotheses(hypotheses)
    share = (plausibility / plausibility.sum(1, keepdim=True)).detach()
    drawn = []
    for k in range(hypotheses):
        code = networks.code_of(rgba, encoding, bins[:, k], view)
        albedo = networks.renderer.albedo(code.texture)
        drawing = networks.renderer.paint(vertices, albedo, code.pose, code.light, view)
        drawn.append(Redrawn(drawing, code, albedo))
    losses: Losses = {}
    for k, redrawn in enumerate(drawn):
        for name, loss in _compare(redrawn.drawing, photo).items():
            losses[name] = losses.get(name, loss.new_zeros(())) + (loss * share[:, k]).mean()
    return ImageCycle(losses, drawn[0])


def _compare(
    drawing: Float[Tensor, "b 4 h w"], photo: Float[Tensor, "b 4 h w"]
) -> dict[str, Float[Tensor, " b"]]:
    return {
        "image_cycle_colour": colour_loss(drawing, photo),
        "image_cycle_silhouette": silhouette_loss(drawing[:, 3:], photo[:, 3:]),
        "image_cycle_structure": structure_loss(drawing, photo),
    }
