"""Alignment: a shape at any rotation and scale is brought into the frame of the training shapes.

Autoencoders know upright shapes alone: in its own frame a shape comes back as it was, turned
otherwise it comes back as something else. Many rotations are tried, the best are turned on towards
what comes back, and shapes that are remembered have a say.
"""

from dataclasses import dataclass
from math import radians

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation  # type: ignore[import-untyped]
from torch import Tensor

from shapecycle.geometry.boxes import to_unit_box
from shapecycle.geometry.nearest import nearest
from shapecycle.model_networks import Networks
from shapecycle.shape_to_code.encoder import SURFACE_POINTS
from shapecycle.shape_to_code.refine import refine

TRIED = 768
"""Rotations that are tried: no rotation is farther than some 20 degrees from one of them."""
AT_ONCE = 64
"""Shapes that are read at once."""
KEPT = 16
"""Of them, the best that are `APART`, which are turned on."""
APART = radians(25)
"""Angle between two rotations that are different answers."""
ROUNDS = 8
"""Of turning them towards what comes back."""
KNOWN_ROUNDS = 6
"""Of turning them, then, towards the remembered shapes most alike: what comes back follows a shape
that is a little turned."""
ALIKE = 4
"""How many those are."""
REFINE_STEPS = 20
"""Of fitting the shape code, at last."""
COMPARED = 512
"""Points by which shapes are compared."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """How a shape lies in the training shapes' frame.

    Attributes:
        object_from_points: Rotation, for column vectors.
        shape: Its shape code there.
        residual: Chamfer distance between the shape and what comes back, in object units.
        confidence: How much worse the best answer in another direction is, over its own residual,
            in [0, 1]: near 0 both are as good, as of a table turned by a right angle.
        other: That other answer.
    """

    object_from_points: Float[np.ndarray, "3 3"]
    shape: Float[Tensor, "1 n"]
    residual: float
    confidence: float
    other: Float[np.ndarray, "3 3"]


@torch.no_grad()
def align(
    networks: Networks,
    points: Float[Tensor, "p 3"],
    normals: Float[Tensor, "p 3"],
    known: Float[Tensor, "s k 3"] | None = None,
    *,
    seed: int = 0,
) -> Alignment:
    """Find the rotation that brings a shape upright, its front to the front.

    Args:
        networks: Read and decode.
        points: Points of the shape, in any frame and units, in any order.
        normals: Outward unit normals.
        known: Points of remembered shapes, in object space.
        seed: Of the rotations that are tried.
    """
    tried = Rotation.random(TRIED, rng=seed).as_matrix()
    tried = torch.from_numpy(tried).to(points)
    residuals = []
    for some in tried.split(AT_ONCE):
        turned = to_unit_box(points @ some.mT)[0]
        residuals.append(_residual(networks, networks.read(turned[:, :SURFACE_POINTS]), turned))
    rotation = tried[_distinct(tried, torch.cat(residuals), KEPT)]
    for _ in range(ROUNDS):
        turned = to_unit_box(points @ rotation.mT)[0]
        decoded = networks.renderer.vertices(networks.read(turned[:, :SURFACE_POINTS]))
        some = turned[:, :COMPARED]
        match = nearest(some, decoded)
        there = torch.gather(decoded, 1, match[..., None].expand(-1, -1, 3))
        rotation = _closest_rotation(some, there) @ rotation
    if known is not None:
        for _ in range(KNOWN_ROUNDS):
            turned = to_unit_box(points @ rotation.mT)[0][:, : known.shape[1]]
            rotation = _closest_rotation(*_beside_known(turned, known)) @ rotation
    turned = to_unit_box(points @ rotation.mT)[0]
    code = refine(
        networks.renderer,
        networks.read(turned[:, :SURFACE_POINTS]),
        turned,
        normals @ rotation.mT,
        spread=networks.shape_prior.spread(),
        steps=REFINE_STEPS,
    )
    residual = _residual(networks, code, turned)
    order = residual.argsort()
    best = int(order[0])
    angles = _angles(rotation[best], rotation)
    others = [int(k) for k in order if angles[k] > APART]
    second = others[0] if others else best
    first = float(residual[best])
    confidence = min(1.0, float(residual[second]) / max(first, 1e-9) - 1) if others else 1.0
    return Alignment(
        rotation[best].double().cpu().numpy(),
        code[best : best + 1],
        first,
        confidence,
        rotation[second].double().cpu().numpy(),
    )


def _residual(
    networks: Networks, code: Float[Tensor, "b n"], points: Float[Tensor, "b p 3"]
) -> Float[Tensor, " b"]:
    """Return the Chamfer distances between shapes and what their codes decode to."""
    decoded, some = networks.renderer.vertices(code), points[:, :COMPARED]
    there = torch.gather(decoded, 1, nearest(some, decoded)[..., None].expand(-1, -1, 3))
    back = torch.gather(some, 1, nearest(decoded, some)[..., None].expand(-1, -1, 3))
    return ((there - some).norm(dim=2).mean(1) + (back - decoded).norm(dim=2).mean(1)) / 2


def _beside_known(
    points: Float[Tensor, "b k 3"], known: Float[Tensor, "s k 3"]
) -> tuple[Float[Tensor, "b p 3"], Float[Tensor, "b p 3"]]:
    """Return points of shapes, and the nearest ones of the remembered shapes most alike."""
    ours, theirs = [], []
    for one in points:
        away = torch.cdist(one.expand(len(known), -1, -1), known)
        chamfer = away.amin(1).mean(1) + away.amin(2).mean(1)
        alike = chamfer.topk(min(ALIKE, len(known)), largest=False).indices
        match = away[alike].argmin(2)
        ours.append(one.repeat(len(alike), 1))
        theirs.append(
            torch.gather(known[alike], 1, match[..., None].expand(-1, -1, 3)).flatten(0, 1)
        )
    return torch.stack(ours), torch.stack(theirs)


def _distinct(
    rotations: Float[Tensor, "r 3 3"], residuals: Float[Tensor, " r"], count: int
) -> Int[Tensor, " k"]:
    """Return the best rotations that are apart from each other."""
    chosen: list[int] = []
    for k in residuals.argsort().tolist():
        if len(chosen) == count:
            break
        if not chosen or float(_angles(rotations[k], rotations[chosen]).min()) > APART:
            chosen.append(k)
    return torch.tensor(chosen, device=rotations.device)


def _angles(one: Float[Tensor, "3 3"], others: Float[Tensor, "r 3 3"]) -> Float[Tensor, " r"]:
    """Return the angles between a rotation and others, in radians."""
    trace = (one * others).sum((1, 2))
    return ((trace - 1) / 2).clamp(-1, 1).arccos()


def _closest_rotation(
    points: Float[Tensor, "b p 3"], there: Float[Tensor, "b p 3"]
) -> Float[Tensor, "b 3 3"]:
    """Return the rotations that bring points nearest to others.

    Source:
        Kabsch, "A solution for the best rotation to relate two sets of vectors", 1976.
    """
    centred = points - points.mean(1, keepdim=True)
    wanted = there - there.mean(1, keepdim=True)
    # On the host: batches of decompositions are slow or wrong elsewhere.
    u, _, vt = np.linalg.svd((wanted.mT @ centred).double().cpu().numpy())
    sign = np.linalg.det(u @ vt)
    u[:, :, 2] *= sign[:, None]
    return torch.from_numpy(u @ vt).to(points)
