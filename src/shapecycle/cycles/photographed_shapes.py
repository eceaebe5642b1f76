"""Shapes that several photographs agree on: what one hides, another one shows.

Nobody says which photographs show one object. Those that look alike, in shape and in colour, are
taken together, and one shape is fitted to all their masks. Where every photograph is of another
object, it becomes one that lies between objects that are alike.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from shapecycle.camera import Pose, placement_in_window, translation_in_window
from shapecycle.data.photo_sampler import PhotoSampler
from shapecycle.losses.image import silhouette_loss
from shapecycle.model_networks import Networks

MOST_PHOTOS = 4096
"""Photographs that are looked at; of more, as many are spread over all."""
TOGETHER = 12
"""Photographs taken together for a shape; of few, a quarter at most."""
HEARD = 0.7
"""Share of them, those that fit best, that have a say: the others may be of another object."""
KEPT = 0.75
"""Share of the shapes that is kept: those on which their photographs agree best."""
STEPS = 40
"""Steps of fitting."""
STAY_CLOSE = 0.05
"""What moving every shape number by one training deviation costs, in silhouette loss."""
LOOK_SIDE = 8
"""Side of the albedo images by which colours are compared."""
AT_ONCE = 96
"""Photographs seen or drawn at once."""


@dataclass(frozen=True, eq=False)
class _Seen:
    """What the networks make of photographs: codes, poses and small albedo images."""

    shape: Float[Tensor, "n c"]
    angles: Float[Tensor, "n 3"]
    placement: Float[Tensor, "n 3"]
    look: Float[Tensor, "n q"]


def photographed_shapes(
    networks: Networks, photos: PhotoSampler, count: int
) -> Float[Tensor, "a n"]:
    """Return codes of shapes that the training photographs show.

    Args:
        networks: See and draw; their shape prior knows how far the training shapes' codes spread.
        photos: The training photographs.
        count: How many shapes are fitted, fewer if there are few photographs; ``KEPT`` of them are
            returned, the best ones first.

    Source:
        Monnier et al., "Share with thy neighbors: single-view reconstruction by cross-instance
        consistency", ECCV 2022, section 3.2, who swap shapes between neighbours.
    """
    count_seen = min(MOST_PHOTOS, len(photos.rgba))
    which = torch.arange(count_seen) * len(photos.rgba) // count_seen
    seen, spread = _see(networks, photos, which), networks.shape_prior.spread()
    apart = _apart(seen.shape / spread.clamp(min=1e-6)) + _apart(seen.look)
    few = max(1, len(which) // 4)
    groups = apart.topk(min(TOGETHER, few), largest=False).indices
    groups = groups[_far_apart(apart, min(count, few))]
    return _fitted(networks, photos, which.to(groups.device), seen, groups, spread)


@torch.no_grad()
def _see(networks: Networks, photos: PhotoSampler, which: Int[Tensor, " n"]) -> _Seen:
    parts = []
    for some in which.split(AT_ONCE):
        rgba, window = photos.at(some)
        encoding, view = networks.encode_image(rgba, window), networks.view(window)
        bins = encoding.pose.hypotheses(1)[0][:, 0]
        vertices = networks.renderer.vertices(encoding.shape)
        code = networks.code_of(rgba, encoding, bins, view, vertices=vertices)
        albedo = networks.renderer.texture_decoder(code.texture.code)
        placement = placement_in_window(code.pose.translation, window, fov_y=view.fov_y)
        look = F.adaptive_avg_pool2d(albedo, LOOK_SIDE).flatten(1)
        parts.append((code.shape, code.pose.angles, placement, look))
    return _Seen(*(torch.cat(part) for part in zip(*parts, strict=True)))


def _apart(features: Float[Tensor, "n q"]) -> Float[Tensor, "n n"]:
    """Return all squared distances, in multiples of their median."""
    squared = torch.cdist(features, features).square()
    squared.fill_diagonal_(0)
    return squared / squared[:: max(1, len(squared) // 256)].median().clamp(min=1e-12)


def _far_apart(apart: Float[Tensor, "n n"], count: int) -> Int[Tensor, " a"]:
    """Choose items far from each other.

    Source:
        Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985.
    """
    chosen = [0]
    nearest = apart[0]
    while len(chosen) < count:
        chosen.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, apart[chosen[-1]])
    return torch.tensor(chosen, device=apart.device)


def _fitted(
    networks: Networks,
    photos: PhotoSampler,
    which: Int[Tensor, " n"],
    seen: _Seen,
    groups: Int[Tensor, "a k"],
    spread: Float[Tensor, " c"],
) -> Float[Tensor, "b c"]:
    """Fit a shape to each group of photographs, whose poses may move a little."""
    renderer, together = networks.renderer, groups.shape[1]
    group = torch.arange(len(groups), device=groups.device).repeat_interleave(together)
    start = seen.shape[groups].median(1).values
    angles, placement = seen.angles[groups].flatten(0, 1), seen.placement[groups].flatten(0, 1)
    shift, turn, move = (torch.zeros_like(x) for x in (start, angles, placement))
    optimizer = torch.optim.Adam(
        [
            {"params": [shift.requires_grad_(True)], "lr": 0.06},
            {"params": [turn.requires_grad_(True)], "lr": 0.008},
            {"params": [move.requires_grad_(True)], "lr": 0.01},
        ],
        betas=(0.8, 0.95),
    )
    # All photographs of a group at once, for its worst have no say.
    parts = torch.arange(len(group), device=group.device).split(AT_ONCE // together * together)
    misfit = start.new_zeros(len(groups))
    for _ in range(STEPS):
        vertices = renderer.vertices(start + shift * spread)
        # Drawn some at a time, from vertices that are decoded once.
        leaf = vertices.detach().requires_grad_(True)
        optimizer.zero_grad()
        for part in parts:
            rgba, window = photos.at(which[groups.flatten()[part]])
            view = networks.view(window)
            place = translation_in_window(placement[part] + move[part], window, fov_y=view.fov_y)
            pose = Pose(angles[part] + turn[part], place)
            drawn = renderer.silhouette(leaf[group[part]], pose, view)
            loss = silhouette_loss(drawn, rgba[:, 3:]).view(-1, together)
            heard = loss.detach() <= loss.detach().quantile(HEARD, 1, keepdim=True)
            each = (loss * heard).sum(1) / heard.sum(1)
            misfit[group[part][::together]] = each.detach()
            each.sum().backward()
        away = STAY_CLOSE * shift.square().mean(1).sum()
        pulls = (leaf.grad, None)
        (shift.grad,) = torch.autograd.grad([vertices, away], [shift], pulls)
        optimizer.step()
    best = misfit.argsort()[: max(1, round(KEPT * len(misfit)))]
    return (start + shift * spread).detach()[best]
