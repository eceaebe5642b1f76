"""Carrying fitted to a picture: which remembered shape it is, and where its handles go."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shapecycle import rasterize as rz
from shapecycle.camera import Pose, View, placement_in_window, translation_in_window
from shapecycle.geometry.boxes import to_unit_box
from shapecycle.losses.image import silhouette_loss
from shapecycle.memory.sources import Handles, Sources
from shapecycle.model_networks import Networks

CANDIDATES = 12
"""Sources that are tried, those whose templates lie nearest."""
RUNGS = ((8, 6), (8, 3), (14, 1))
"""Steps of fitting, and how many candidates are kept after them: the best by mask and effort."""
LAST_STEPS = 30
"""Steps by which the chosen one is fitted more closely, and turned."""
EASED = 0.25
"""What bending and moving cost then, of what they cost before."""
RATE = 0.01
"""Step size of handles, in object units, of the place in the window, and of angles."""
NOISE = 3e-4
"""Size of gradients that move no handle and no place: Adam makes a whole step of any, of rounding
alone too, and two fits of one picture, beside other numbers of pictures, went .06 apart."""
BENDING = 0.2
"""What bending space costs, in silhouette loss."""
MOVING = 2.0
"""What moving handles costs, times the mean of their squared lengths."""


@dataclass(frozen=True, eq=False)
class Carried:
    """The source that fits each picture best, of those that were tried.

    Attributes:
        row: Its number among the sources.
        moves: Of the handles.
        pose: Where it stands.
        misfit: Silhouette loss.
        apart: Mean distance of its template's vertices from the decoded ones, in object units:
            how far it was bent.
    """

    row: Int[Tensor, " b"]
    moves: Float[Tensor, "b m 3"]
    pose: Pose
    misfit: Float[Tensor, " b"]
    apart: Float[Tensor, " b"]


@dataclass(frozen=True, eq=False)
class _Candidates:
    """Surfaces that are fitted to masks, a row for each, with all that is needed to go on."""

    row: Int[Tensor, " c"]
    apart: Float[Tensor, " c"]
    points: Float[Tensor, "c n 3"]
    influence: Float[Tensor, "c m n"]
    form: Float[Tensor, "c m m"]
    moves: Float[Tensor, "c m 3"]
    angles: Float[Tensor, "c 3"]
    placement: Float[Tensor, "c 3"]
    window: Float[Tensor, "c 3"]
    mask: Float[Tensor, "c 1 h w"]

    def __getitem__(self, index: Int[Tensor, " d"]) -> "_Candidates":
        return _Candidates(**{name: value[index] for name, value in vars(self).items()})

    def pose(self, view: View) -> Pose:
        place = translation_in_window(self.placement, self.window, fov_y=view.fov_y)
        return Pose(self.angles, place)

    def vertices(self) -> Float[Tensor, "c n 3"]:
        # Three times as fast on a processor as the product the other way round.
        return to_unit_box(self.points + (self.moves.mT @ self.influence).mT)[0]


@torch.no_grad()
def carry(
    networks: Networks,
    sources: Sources,
    handles: Handles,
    shape: Float[Tensor, "b n"],
    pose: Pose,
    mask: Float[Tensor, "b 1 h w"],
    view: View,
    *,
    turns: bool = True,
) -> Carried:
    """Carry the most alike sources to shapes that were seen, fit them, and choose one for each.

    Candidates drop out as soon as others fit better, by mask and by how far their handles went.
    Only the last one is turned as well: a decoded shape that is not quite right would be turned
    wrongly, see `refine`, but a real one that nearly fits is turned right.

    Args:
        networks: Decode.
        sources: What may be carried.
        handles: What may be moved.
        shape: Shape codes to which sources are carried.
        pose: Where the shapes stand.
        mask: Coverage in the view's windows.
        view: The windows.
        turns: Whether the last one may be turned.

    Source:
        Successive halving: Jamieson and Talwalkar, "Non-stochastic best arm identification and
        hyperparameter optimization", AISTATS 2016.
    """
    batch = len(shape)
    templates = networks.renderer.vertices(shape)
    rows, apart = sources.nearest(templates, CANDIDATES)
    count = rows.shape[1]
    picture = torch.arange(batch, device=shape.device).repeat_interleave(count)
    tried = _laid(
        sources, handles, rows.flatten(), apart.flatten(), templates[picture],
        Pose(pose.angles[picture], pose.translation[picture]),
        mask[picture], View(view.window[picture], view.size, view.fov_y),
    )  # fmt: skip
    is_symmetric = networks.settings.symmetric
    for steps, kept in RUNGS:
        tried, misfit, effort = _fitted(tried, sources, handles, view, steps, is_symmetric)
        kept = min(kept, count)
        best = (misfit + effort).view(batch, count).topk(kept, largest=False).indices
        best = (best + count * torch.arange(batch, device=best.device)[:, None]).flatten()
        tried, misfit, effort, count = tried[best], misfit[best], effort[best], kept
    chosen, misfit, _ = _fitted(
        tried, sources, handles, view, LAST_STEPS, is_symmetric, ease=EASED, turns=turns
    )
    return Carried(chosen.row, chosen.moves, chosen.pose(view), misfit, chosen.apart)


@torch.no_grad()
def fit(
    networks: Networks,
    sources: Sources,
    handles: Handles,
    row: int,
    shape: Float[Tensor, "b n"],
    pose: Pose,
    mask: Float[Tensor, "b 1 h w"],
    view: View,
    *,
    steps: int,
) -> Carried:
    """Carry one source to shapes that were seen, and fit it to all of their masks.

    Args:
        networks: Decode.
        sources: The source is among them.
        handles: What is moved.
        row: The source's number.
        shape: Shape codes to which it is carried.
        pose: Where the shapes stand.
        mask: Coverage in the view's windows.
        view: The windows.
        steps: Of fitting.
    """
    templates = networks.renderer.vertices(shape)
    rows = torch.full((len(shape),), row, device=shape.device)
    apart = (sources.templates[row] - templates).norm(dim=2).mean(1)
    laid = _laid(sources, handles, rows, apart, templates, pose, mask, view)
    is_symmetric = networks.settings.symmetric
    fitted, misfit, _ = _fitted(
        laid, sources, handles, view, steps, is_symmetric, ease=EASED, turns=True
    )
    return Carried(fitted.row, fitted.moves, fitted.pose(view), misfit, fitted.apart)


def _laid(
    sources: Sources,
    handles: Handles,
    rows: Int[Tensor, " c"],
    apart: Float[Tensor, " c"],
    templates: Float[Tensor, "c v 3"],
    pose: Pose,
    mask: Float[Tensor, "c 1 h w"],
    view: View,
) -> _Candidates:
    """Lay sources where decoded templates are, no handle moved."""
    points = sources.carried(rows, templates)
    return _Candidates(
        row=rows,
        apart=apart,
        points=points,
        influence=handles.influence(points, templates).mT.contiguous(),
        form=handles.bending(templates),
        moves=torch.zeros_like(templates[:, : len(handles)]),
        angles=pose.angles,
        placement=placement_in_window(pose.translation, view.window, fov_y=view.fov_y),
        window=view.window,
        mask=mask,
    )


def _fitted(
    tried: _Candidates,
    sources: Sources,
    handles: Handles,
    view: View,
    steps: int,
    is_symmetric: bool,
    *,
    ease: float = 1.0,
    turns: bool = False,
) -> tuple[_Candidates, Float[Tensor, " c"], Float[Tensor, " c"]]:
    """Move handles, place and angles for some steps; return also misfit and effort at the end."""
    topology = sources.topology_of(tried.row)
    moves, placement = tried.moves.clone(), tried.placement.clone()
    angles = tried.angles.clone()
    movable = [x.requires_grad_(True) for x in (moves, placement, *([angles] if turns else []))]
    groups: list[dict[str, Any]] = [{"params": [moves, placement], "eps": NOISE}]
    if turns:
        groups.append({"params": [angles]})
    optimizer = torch.optim.Adam(groups, lr=RATE, betas=(0.8, 0.95))
    window = View(tried.window, view.size, view.fov_y)

    def now() -> _Candidates:
        tied = (moves + handles.mirrored(moves)) / 2 if is_symmetric else moves
        return _Candidates(
            **vars(tried) | {"moves": tied, "placement": placement, "angles": angles}
        )

    def losses(one: _Candidates) -> tuple[Tensor, Tensor]:
        clip = window.clip(one.pose(view).place(one.vertices()))
        seen = rz.rasterize(clip, topology, view.size)
        drawn = rz.antialias(seen.mask[:, None].to(clip.dtype), clip, topology, seen)
        bent = torch.einsum("cmi,cmn,cni->c", one.moves, one.form, one.moves)
        effort = BENDING * bent + MOVING * one.moves.square().sum(2).mean(1)
        return silhouette_loss(drawn, one.mask), ease * effort

    with torch.enable_grad():
        for _ in range(steps):
            misfit, effort = losses(now())
            gradients = torch.autograd.grad((misfit + effort).sum(), movable)
            for parameter, gradient in zip(movable, gradients, strict=True):
                parameter.grad = gradient
            optimizer.step()
    end = now()
    end = _Candidates(**{name: value.detach() for name, value in vars(end).items()})
    return end, *losses(end)
