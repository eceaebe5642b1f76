"""Carrying fitted to a picture: which remembered shape it is, and where its handles go."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from shapecycle import rasterize as rz
from shapecycle.camera import Pose, View, placement_in_window, translation_in_window
from shapecycle.geometry.boxes import to_unit_box
from shapecycle.losses.image import silhouette_loss
from shapecycle.memory.sources import Handles, Sources
from shapecycle.model_networks import Networks

CANDIDATES = 12
"""Sources that are tried, those whose templates lie nearest."""
RUNGS = ((8, 6), (8, 3), (14, 3))
"""Steps of fitting, and how many candidates are kept after them: the best by mask and effort."""
RATE = 0.01
"""Step size of handles, in object units, and of the place in the window."""
BENDING = 0.2
"""What bending space costs, in silhouette loss."""
MOVING = 2.0
"""What moving handles costs, times the mean of their squared lengths."""
COMING_BACK = 3.0
"""What a vertex costs, in silhouette loss an object unit, by which a candidate that is drawn and
seen again is not what the picture showed."""
GREY = 0.4
"""Linear albedo in which candidates are drawn to be seen again."""


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
    seen: Float[Tensor, "b n"],
    light: Float[Tensor, "b 9 3"],
) -> Carried:
    """Carry the most alike sources to shapes that were seen, fit them, and choose one for each.

    Angles are held, as in `refine`. Candidates drop out as soon as others fit better, by mask and
    by how far their handles went; of the last ones, that is chosen which also comes back: drawn
    in grey, in the picture's light, it is seen again as what the picture was seen as.

    Args:
        networks: Decode, and see again.
        sources: What may be carried.
        handles: What may be moved.
        shape: Shape codes to which sources are carried.
        pose: Where the shapes stand.
        mask: Coverage in the view's windows.
        view: The windows.
        seen: Shape codes as the network saw them, before any refinement.
        light: Of the pictures.

    Source:
        Successive halving: Jamieson and Talwalkar, "Non-stochastic best arm identification and
        hyperparameter optimization", AISTATS 2016.
    """
    batch = len(shape)
    templates = networks.renderer.vertices(shape)
    rows, apart = sources.nearest(templates, CANDIDATES)
    count = rows.shape[1]
    picture = torch.arange(batch, device=shape.device).repeat_interleave(count)
    rows, laid = rows.flatten(), templates[picture]
    points = sources.carried(rows, laid)
    placement = placement_in_window(pose.translation, view.window, fov_y=view.fov_y)
    tried = _Candidates(
        row=rows,
        apart=apart.flatten(),
        points=points,
        influence=handles.influence(points, laid).mT.contiguous(),
        form=handles.bending(templates)[picture],
        moves=torch.zeros_like(laid[:, : len(handles)]),
        angles=pose.angles[picture],
        placement=placement[picture],
        window=view.window[picture],
        mask=mask[picture],
    )
    is_symmetric = networks.settings.symmetric
    for steps, kept in RUNGS:
        tried, misfit, effort = _fitted(tried, sources, handles, view, steps, is_symmetric)
        kept = min(kept, count)
        best = (misfit + effort).view(batch, count).topk(kept, largest=False).indices
        best = (best + count * torch.arange(batch, device=best.device)[:, None]).flatten()
        tried, misfit, effort, count = tried[best], misfit[best], effort[best], kept
        picture = picture[best]
    back = _seen_again(networks, tried, sources, view, light[picture])
    before = networks.renderer.vertices(seen)[picture]
    away = (networks.renderer.vertices(back) - before).norm(dim=2).mean(1)
    best = (misfit + effort + COMING_BACK * away).view(batch, count).argmin(1)
    best = best + count * torch.arange(batch, device=best.device)
    chosen = tried[best]
    return Carried(chosen.row, chosen.moves, chosen.pose(view), misfit[best], chosen.apart)


def _fitted(
    tried: _Candidates,
    sources: Sources,
    handles: Handles,
    view: View,
    steps: int,
    is_symmetric: bool,
) -> tuple[_Candidates, Float[Tensor, " c"], Float[Tensor, " c"]]:
    """Move handles and place for some steps; return also misfit and effort at the end."""
    topology = sources.topology_of(tried.row)
    moves, placement = tried.moves.clone(), tried.placement.clone()
    movable = [x.requires_grad_(True) for x in (moves, placement)]
    optimizer = torch.optim.Adam(movable, lr=RATE, betas=(0.8, 0.95))
    window = View(tried.window, view.size, view.fov_y)

    def now() -> _Candidates:
        tied = (moves + handles.mirrored(moves)) / 2 if is_symmetric else moves
        return _Candidates(**vars(tried) | {"moves": tied, "placement": placement})

    def losses(one: _Candidates) -> tuple[Tensor, Tensor]:
        clip = window.clip(one.pose(view).place(one.vertices()))
        seen = rz.rasterize(clip, topology, view.size)
        drawn = rz.antialias(seen.mask[:, None].to(clip.dtype), clip, topology, seen)
        bent = torch.einsum("cmi,cmn,cni->c", one.moves, one.form, one.moves)
        effort = BENDING * bent + MOVING * one.moves.square().sum(2).mean(1)
        return silhouette_loss(drawn, one.mask), effort

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


def _seen_again(
    networks: Networks,
    tried: _Candidates,
    sources: Sources,
    view: View,
    light: Float[Tensor, "c 9 3"],
) -> Float[Tensor, "c n"]:
    """Draw candidates in grey, flat-shaded from both sides, and return the shape codes seen."""
    topology, (height, width) = sources.topology_of(tried.row), view.size
    camera = tried.pose(view).place(tried.vertices())
    clip = View(tried.window, view.size, view.fov_y).clip(camera)
    seen = rz.rasterize(clip, topology, (2 * height, 2 * width))
    item = torch.arange(len(camera), device=camera.device)[:, None, None]
    corners = camera[item, topology.faces]
    normals = torch.cross(
        corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0], dim=2
    )
    is_away = (normals * corners[:, :, 0]).sum(2, keepdim=True) > 0
    normals = F.normalize(torch.where(is_away, -normals, normals), dim=2)
    shown = normals[item, seen.face_id.clamp(min=0)].permute(0, 3, 1, 2)
    covered = seen.mask[:, None].float()
    linear = GREY * rz.shade_sh(shown, light).clamp(min=0.03) * covered
    linear, covered = F.avg_pool2d(linear, 2), F.avg_pool2d(covered, 2)
    colour = rz.srgb_from_linear((linear / covered.clamp(min=0.25)).clamp(1e-4, 1))
    rgba = torch.cat([colour * (covered > 0), covered], 1)
    return networks.encode_image(rgba, tried.window).shape
