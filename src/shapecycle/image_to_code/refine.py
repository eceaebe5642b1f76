"""Refinement: a few steps of fitting after the networks have seen a picture."""

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.camera import Pose, View, placement_in_window, translation_in_window
from shapecycle.code_to_image.renderer import Renderer
from shapecycle.losses.image import silhouette_loss

STAY_CLOSE = 0.3
"""What moving every shape number by one training deviation costs, in silhouette loss."""


def refine(
    renderer: Renderer,
    shape: Float[Tensor, "b n"],
    pose: Pose,
    mask: Float[Tensor, "b 1 h w"],
    view: View,
    *,
    spread: Float[Tensor, " n"],
    steps: int = 30,
) -> tuple[Float[Tensor, "b n"], Pose]:
    """Move shape and place a little, so that the silhouette fits the mask better.

    The shape code is held near where the encoder put it: a mask says nothing of depth, and
    silhouettes alone would trade a right shape for a right outline. Angles stay as they are:
    turned to fit the mask of a shape that is not quite right, they get worse.

    Args:
        renderer: Draws silhouettes; its weights stay as they are.
        shape: Shape codes.
        pose: Poses.
        mask: Coverage in the view's windows.
        view: The windows.
        spread: Standard deviation of each number of the training shapes' codes.
        steps: Number of gradient steps.

    Returns:
        The moved shape codes and poses.
    """
    placement = placement_in_window(pose.translation, view.window, fov_y=view.fov_y)
    shift, move = torch.zeros_like(shape), torch.zeros_like(placement)
    movable = [x.requires_grad_(True) for x in (shift, move)]
    groups = [{"params": [shift], "lr": 0.08}, {"params": [move], "lr": 0.01}]
    optimizer = torch.optim.Adam(groups, betas=(0.8, 0.95))

    def moved() -> tuple[Tensor, Pose]:
        translation = translation_in_window(placement + move, view.window, fov_y=view.fov_y)
        return shape + shift * spread, Pose(pose.angles, translation)

    with torch.enable_grad():
        for _ in range(steps):
            code, place = moved()
            drawn = renderer.silhouette(renderer.vertices(code), place, view)
            loss = silhouette_loss(drawn, mask).sum()
            loss = loss + STAY_CLOSE * shift.square().mean(1).sum()
            optimizer.zero_grad()
            gradients = torch.autograd.grad(loss, movable)
            for parameter, gradient in zip(movable, gradients, strict=True):
                parameter.grad = gradient
            optimizer.step()
    code, place = moved()
    return code.detach(), Pose(place.angles.detach(), place.translation.detach())
