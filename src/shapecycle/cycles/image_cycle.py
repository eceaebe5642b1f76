"""image -> code -> image: a photograph is seen, and what was seen is drawn again."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from shapecycle.code_to_image.compositing import premultiplied
from shapecycle.cycles.scenes import SceneSampler
from shapecycle.graphics_code import GraphicsCode
from shapecycle.losses import Losses
from shapecycle.losses.image import colour_loss, silhouette_loss, structure_loss
from shapecycle.model_networks import Networks


@dataclass(frozen=True, eq=False)
class Redrawing:
    """Codes seen in photographs under one hypothesis, and the premultiplied drawings of them."""

    drawing: Float[Tensor, "b 4 h w"]
    code: GraphicsCode
    albedo: Float[Tensor, "b 3 s s"]


@dataclass(frozen=True, eq=False)
class ImageCycle:
    """What one batch of the image cycle gave.

    Attributes:
        losses: How far the drawings are from the photographs.
        photos: Straight-alpha crops of the photographs.
        best: The most plausible hypothesis of every photograph.
    """

    losses: Losses
    photos: Float[Tensor, "b 4 h w"]
    best: Redrawing


def image_cycle(networks: Networks, scenes: SceneSampler, count: int) -> ImageCycle:
    """See photographs, draw what was seen, and compare, weighted by plausibility.

    Plausibility itself is not taught here: a silhouette cannot tell front from back.
    """
    photos, window = scenes.photos.sample(count)
    encoding = networks.encode_image(photos, window)
    vertices = networks.renderer.vertices(encoding.shape)
    hypotheses = scenes.settings.train.image_hypotheses
    bins, plausibility = encoding.pose.hypotheses(hypotheses)
    share = (plausibility / plausibility.sum(1, keepdim=True)).detach()
    # One batch: all photographs under their first hypothesis, then under their second, ...
    encoding = encoding.repeated(hypotheses)
    again, vertices = photos.repeat(hypotheses, 1, 1, 1), vertices.repeat(hypotheses, 1, 1)
    view = networks.view(window.repeat(hypotheses, 1))
    code = networks.code_of(again, encoding, bins.mT.flatten(), view, vertices=vertices)
    albedo = networks.renderer.albedo(code.texture)
    drawing = networks.renderer.draw_surface(vertices, albedo, code.pose, code.light, view)
    weights = share.mT.flatten() / count
    compared = _compare(drawing, premultiplied(again))
    losses: Losses = {name: (loss * weights).sum() for name, loss in compared.items()}
    best = slice(0, count)
    return ImageCycle(losses, photos, Redrawing(drawing[best], code[best], albedo[best]))


def _compare(
    drawing: Float[Tensor, "b 4 h w"], photo: Float[Tensor, "b 4 h w"]
) -> dict[str, Float[Tensor, " b"]]:
    return {
        "image_cycle_colour": colour_loss(drawing, photo),
        "image_cycle_silhouette": silhouette_loss(drawing[:, 3:], photo[:, 3:]),
        "image_cycle_structure": structure_loss(drawing, photo),
    }
