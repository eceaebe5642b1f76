"""Refinement: a few steps of fitting after the network has read a shape."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shapecycle.code_to_image.renderer import Renderer
from shapecycle.geometry.sampling import sample_surface
from shapecycle.losses.geometry import chamfer_loss
from shapecycle.shape_to_code.encoder import SURFACE_POINTS

STEP = 0.2
"""Greatest change of every shape number in a step, in training deviations."""
NORMALS = 0.01
"""Distance, in object units, that a right angle between normals costs."""


def refine(
    renderer: Renderer,
    shape: Float[Tensor, "b n"],
    points: Float[Tensor, "b p 3"],
    normals: Float[Tensor, "b p 3"],
    *,
    spread: Float[Tensor, " n"],
    steps: int = 30,
    seed: int = 0,
) -> Float[Tensor, "b n"]:
    """Move shape codes so that what they decode to fits the surfaces that were read.

    The encoder knows the training shapes best; the decoder can make many others too.

    Args:
        renderer: Decodes; its weights stay as they are.
        shape: What the encoder made of the surfaces.
        points, normals: Oriented points of the surfaces, in object space.
        spread: Standard deviation of each number of the training shapes' codes.
        steps: Number of gradient steps.
        seed: Of the points that are compared.

    Returns:
        The moved shape codes.
    """
    generator = torch.Generator(shape.device).manual_seed(seed)
    shift = torch.zeros_like(shape).requires_grad_(True)
    optimizer = torch.optim.Adam([shift], lr=STEP, betas=(0.8, 0.95))
    faces = renderer.topology.faces
    with torch.enable_grad():
        for step in range(steps):
            some = _some(points.shape[1], generator)
            vertices = renderer.vertices(shape + shift * spread)
            found = sample_surface(vertices, faces, len(some), generator)
            distance, turn = chamfer_loss(*found, points[:, some], normals[:, some])
            # What is a mean over the batch must not make an item's steps depend on it.
            loss = len(shape) * (distance + NORMALS * turn)
            optimizer.param_groups[0]["lr"] = STEP * (1 - step / steps)
            (shift.grad,) = torch.autograd.grad(loss, [shift])
            optimizer.step()
    return (shape + shift * spread).detach()


def _some(count: int, generator: torch.Generator) -> Int[Tensor, " k"]:
    """Choose which points are compared, without replacement."""
    order = torch.randperm(count, generator=generator, device=generator.device)
    return order[:SURFACE_POINTS]
