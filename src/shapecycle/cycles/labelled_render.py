"""Renders whose graphics code is known, and how much of it comes back when they are seen."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.camera import Pose, View
from shapecycle.geometry.sampling import sample_surface
from shapecycle.losses import Losses
from shapecycle.losses.code import light_loss, pose_loss
from shapecycle.losses.geometry import chamfer_loss
from shapecycle.model_networks import Networks


@dataclass(frozen=True, eq=False)
class LabelledRender:
    """Pictures and what they were made of; nothing in here carries gradients.

    Attributes:
        rgba: Straight-alpha pictures.
        shape, pose, light: The parts of their codes.
        vertices: The template on the shapes, in object space.
        points, normals: Oriented points of the true surfaces, in object space.
        albedo: The true sRGB albedo in UV space.
        view: The windows that the pictures show.
    """

    rgba: Float[Tensor, "b 4 h w"]
    shape: Float[Tensor, "b n"]
    pose: Pose
    light: Float[Tensor, "b 9 3"]
    vertices: Float[Tensor, "b v 3"]
    points: Float[Tensor, "b p 3"]
    normals: Float[Tensor, "b p 3"]
    albedo: Float[Tensor, "b 3 s s"]
    view: View

    def __getitem__(self, items: slice) -> "LabelledRender":
        return LabelledRender(
            rgba=self.rgba[items],
            shape=self.shape[items],
            pose=self.pose[items],
            light=self.light[items],
            vertices=self.vertices[items],
            points=self.points[items],
            normals=self.normals[items],
            albedo=self.albedo[items],
            view=replace(self.view, window=self.view.window[items]),
        )


def cycle_losses(
    networks: Networks, render: LabelledRender, generator: torch.Generator
) -> tuple[Losses, Float[Tensor, "n t"]]:
    """See labelled renders and compare shape, vertices, pose, light and texture with the truth.

    Textures and surfaces are compared on half the batch: they cost the most.

    Returns:
        The losses, and the texture codes that were seen in the first half of the batch.
    """
    encoding = networks.encode_image(render.rgba, render.view.window)
    half = render[: (len(render.rgba) + 1) // 2]
    features = encoding.features[: len(half.rgba)]
    texture = networks.texture_of(
        half.rgba,
        features,
        half.view,
        vertices=half.vertices,
        pose=half.pose,
        light=half.light,
    )
    decoded = networks.renderer.texture_decoder(texture.code)
    vertices = networks.renderer.vertices(encoding.shape)
    away = vertices - render.vertices
    points, normals = sample_surface(
        vertices[: len(half.rgba)],
        networks.renderer.topology.faces,
        half.points.shape[1],
        generator,
    )
    distance, _ = chamfer_loss(points, normals, half.points, half.normals)
    pose = pose_loss(encoding.pose, render.pose, render.view)
    losses: Losses = {
        "shape_cycle_code": (encoding.shape - render.shape).abs().mean(),
        "shape_cycle_vertices": away.square().sum(2).add(1e-8).sqrt().mean(),
        "shape_cycle_surface": distance,
        "shape_cycle_pose": pose["azimuth"] + pose["elevation_roll"] + pose["placement"],
        "shape_cycle_texture": (decoded - half.albedo).abs().mean(),
        "shape_cycle_light": light_loss(encoding.light, render.light),
    }
    return losses, texture.code
