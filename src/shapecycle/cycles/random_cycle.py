"""random code -> image -> code: pictures whose truth is known teach the image encoder to see.

The raw training shapes are drawn, not their decoded copies: what the encoder and the decoder could
agree on in secret does not show in them.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.code_to_image.raw_mesh import draw_raw
from shapecycle.cycles.labelled_render import LabelledRender, cycle_losses
from shapecycle.cycles.scenes import SceneSampler
from shapecycle.losses import Losses
from shapecycle.model_networks import Networks


@dataclass(frozen=True, eq=False)
class RandomCycle:
    """What one batch of the random cycle gave.

    Attributes:
        losses: How far what was seen is from what was drawn.
        texture_codes: The texture codes that were seen, of half the batch.
        render: The pictures and their truth.
    """

    losses: Losses
    texture_codes: Float[Tensor, "n t"]
    render: LabelledRender


def random_cycle(networks: Networks, scenes: SceneSampler, count: int) -> RandomCycle:
    """Draw random scenes, see them, and compare what was seen with the truth."""
    render = draw_random_scene(networks, scenes, count)
    losses, codes = cycle_losses(networks, render, scenes.generator)
    return RandomCycle(losses, codes, render)


@torch.no_grad()
def draw_random_scene(networks: Networks, scenes: SceneSampler, count: int) -> LabelledRender:
    """Draw raw shapes in random pose, light and colours.

    Their shape code is what the shape encoder says. The template, which wears the albedo, lies
    where it was laid on the training shape, or else where the code decodes to.
    """
    shapes = scenes.warped_shapes(count, scenes.settings.scenes.seen_warp)
    pose = scenes.pose(count)
    solid, light = scenes.solid_texture(count), scenes.light(count)
    view = networks.view(scenes.window(pose.place(shapes.vertices)))
    shape = networks.read(shapes.points)
    vertices = shapes.templates
    if vertices is None:
        vertices = networks.renderer.vertices(shape)
    side = networks.settings.texture_resolution
    surface, _ = networks.renderer.surface(vertices, side)
    albedo = solid.at(surface).mT.reshape(count, 3, side, side)
    rgba = draw_raw(shapes.vertices, shapes.topology, solid, pose, light, view)
    return LabelledRender(
        rgba=rgba,
        shape=shape,
        pose=pose,
        light=light,
        vertices=vertices,
        points=shapes.points,
        normals=shapes.normals,
        albedo=albedo,
        view=view,
    )
