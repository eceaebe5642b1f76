"""shape -> code -> image -> code: a shape is read, given an appearance, drawn and seen again."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.code_to_image.compositing import unpremultiplied
from shapecycle.cycles.labelled_render import LabelledRender, cycle_losses
from shapecycle.cycles.scenes import SceneSampler
from shapecycle.graphics_code import GraphicsCode, Texture
from shapecycle.losses import Losses
from shapecycle.model_networks import Networks
from shapecycle.randomness import integers, normal


@dataclass(frozen=True, eq=False)
class ShapeCycle:
    """What one batch of the shape cycle gave.

    Attributes:
        losses: How far what was seen is from what was drawn.
        texture_codes: The texture codes that were seen, of half the batch.
        drawing: The premultiplied drawings, with gradients to the texture, for the critics.
        albedo: Their albedo, likewise.
    """

    losses: Losses
    texture_codes: Float[Tensor, "n t"]
    drawing: Float[Tensor, "b 4 h w"]
    albedo: Float[Tensor, "b 3 s s"]


def shape_cycle(
    networks: Networks, scenes: SceneSampler, count: int, seen: GraphicsCode
) -> ShapeCycle:
    """Read shapes, draw them with sampled or borrowed appearance, and see the drawings.

    Geometry is held still: drawings teach colour, or critics would bend shapes to please. The
    drawing that is seen again is cut off from its gradients: the encoder learns to see drawings,
    and the decoder is not rewarded for hiding messages in them.

    Args:
        networks: Read, draw and see.
        scenes: Draws shapes and appearances.
        count: How many shapes.
        seen: At least as many codes seen in photographs; half of the shapes borrow their textures.
    """
    shapes = scenes.warped_shapes(count, scenes.settings.scenes.seen_warp)
    with torch.no_grad():
        code = _with_appearance(networks, scenes, networks.read(shapes.points), seen)
        vertices = networks.renderer.vertices(code.shape)
        view = networks.view(scenes.window(code.pose.place(vertices)))
    albedo = networks.renderer.albedo(code.texture)
    drawing = networks.renderer.draw_surface(vertices, albedo, code.pose, code.light, view)
    render = LabelledRender(
        rgba=unpremultiplied(drawing.detach()),
        shape=code.shape,
        pose=code.pose,
        light=code.light,
        vertices=vertices,
        points=shapes.points,
        normals=shapes.normals,
        albedo=albedo.detach(),
        view=view,
    )
    losses, codes = cycle_losses(networks, render, scenes.generator)
    return ShapeCycle(losses, codes, drawing, albedo)


def _with_appearance(
    networks: Networks,
    scenes: SceneSampler,
    shape: Float[Tensor, "b n"],
    seen: GraphicsCode,
) -> GraphicsCode:
    """Give shapes a sampled pose, a light from a photograph, and a texture of either kind."""
    count, generator, settings = len(shape), scenes.generator, networks.settings
    pose = networks.pose_sampler.sample(count, generator)
    side = settings.texture_resolution
    code = normal(generator, count, settings.texture_code_size).to(shape.device)
    texels = torch.zeros(count, 4, side, side, device=shape.device)
    half, borrowed = count // 2, seen.texture
    assert borrowed.texels is not None
    code[:half], texels[:half] = borrowed.code[:half], borrowed.texels[:half]
    buffer = scenes.pose_light_buffer
    pick = integers(generator, len(buffer) or 1, count).to(shape.device)
    light = buffer.lights[pick].view(-1, 9, 3) if len(buffer) else seen.light[:count]
    return GraphicsCode(shape, Texture(code, texels), pose, light)
