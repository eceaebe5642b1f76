"""Which way an object stands: hypotheses of the pose, weighed by how well outlines fit in each."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shapecycle.camera import Pose, View
from shapecycle.code_to_image.renderer import Renderer
from shapecycle.image_to_code.refine import refine
from shapecycle.losses.image import silhouette_loss

TRIED = 0.03
"""Plausibility, compared with the most plausible one's, from which a hypothesis is tried."""
EVIDENCE = 0.01
"""Silhouette loss after refinement that makes a hypothesis e times less plausible."""


@dataclass(frozen=True, eq=False)
class WeighedHypotheses:
    """Hypotheses in a new order, the most plausible first.

    Attributes:
        order: Their numbers before.
        plausibility: Theirs; each picture's sum to what they did before.
        shape: Shape codes, refined in each pose that was tried; as seen in the others.
        angles: Of the poses.
        translation: Of the poses, refined where they were tried.
    """

    order: Int[Tensor, "b k"]
    plausibility: Float[Tensor, "b k"]
    shape: Float[Tensor, "b k n"]
    angles: Float[Tensor, "b k 3"]
    translation: Float[Tensor, "b k 3"]

    def pose(self, rank: int) -> Pose:
        """Return the refined poses of one rank, from 0."""
        return Pose(self.angles[:, rank], self.translation[:, rank])


@torch.no_grad()
def weigh(
    renderer: Renderer,
    shape: Float[Tensor, "b n"],
    poses: list[Pose],
    plausibility: Float[Tensor, "b k"],
    mask: Float[Tensor, "b 1 h w"],
    view: View,
    *,
    spread: Float[Tensor, " n"],
    steps: int,
) -> WeighedHypotheses:
    """Refine shape and place under several hypotheses, and weigh these by what was reached.

    The network's plausibility is taken as known before, and the silhouette loss as evidence: a
    chair seen the wrong way round cannot be deformed as well to its outline.

    Args:
        renderer: Draws silhouettes.
        shape: Shape codes as seen.
        poses: The hypotheses, the most plausible first.
        plausibility: Theirs.
        mask: Coverage in the view's windows.
        view: The windows.
        spread: As `refine` takes it.
        steps: As `refine` takes it.
    """
    angles = torch.stack([one.angles for one in poses], 1)
    translation = torch.stack([one.translation for one in poses], 1)
    tried = plausibility >= TRIED * plausibility[:, :1]
    item = tried.nonzero()[:, 0]
    some = View(view.window[item], view.size, view.fov_y)
    codes, moved = refine(
        renderer, shape[item], Pose(angles[tried], translation[tried]), mask[item], some,
        spread=spread, steps=steps,
    )  # fmt: skip
    drawn = renderer.silhouette(renderer.vertices(codes), moved, some)
    weight = torch.full_like(plausibility, -torch.inf)
    before = plausibility[tried].clamp(min=1e-9).log()
    weight[tried] = before - silhouette_loss(drawn, mask[item]) / EVIDENCE
    shared = (plausibility * tried).sum(1, keepdim=True)
    weighed = torch.where(tried, weight.softmax(1) * shared, plausibility)
    order = weighed.argsort(dim=1, descending=True, stable=True)
    everywhere = shape[:, None].repeat(1, len(poses), 1)
    everywhere[tried], translation[tried] = codes, moved.translation
    return WeighedHypotheses(
        order,
        *(
            one.gather(1, order[..., None].expand(-1, -1, one.shape[2])) if one.ndim == 3
            else one.gather(1, order)
            for one in (weighed, everywhere, angles, translation)
        ),
    )  # fmt: skip
