"""What the seat stands on: legs, stars, pedestals, rockers and bent tubes."""

import numpy as np

from shapecycle.demo.chairs.design import Chair
from shapecycle.demo.chairs.layout import corner, has_shell, leg_point, underside
from shapecycle.demo.chairs.materials import FRAME, METAL, RUBBER
from shapecycle.demo.chairs.tubes import ROUND, SQUARE, Y, Z, filleted, post, straight, tube
from shapecycle.demo.solids import Solid, mirror

TURNINGS = (
    ((0, 0.5), (0.2, 0.85), (0.27, 0.6), (0.3, 0.9), (0.33, 0.6), (0.55, 1.0), (0.72, 0.75),
     (0.75, 1.05), (0.79, 1.05), (0.82, 0.75), (1, 0.85)),
    ((0, 0.6), (0.05, 0.85), (0.1, 0.6), (0.4, 0.75), (0.6, 1.1), (0.68, 0.65), (0.7, 1.0),
     (0.74, 1.0), (0.76, 0.7), (0.8, 0.95), (1, 1.0)),
    ((0, 0.45), (0.3, 0.7), (0.5, 1.0), (0.62, 1.1), (0.7, 0.8), (0.73, 0.6), (0.76, 0.9),
     (0.8, 0.9), (0.83, 0.6), (0.9, 0.8), (1, 0.85)),
)  # fmt: skip
"""Profiles of turned legs: share of the height, and of the thickness."""
STAR_SPOKES = (5, 5, 4)
"""How many spokes a star has, by the base's ``turning``."""


def base_solids(chair: Chair) -> list[Solid]:
    """All between seat and floor."""
    match chair.base.style:
        case "star":
            return _star(chair)
        case "pedestal":
            return _pedestal(chair)
        case "sled":
            return _sled(chair)
        case "cantilever":
            return _cantilever(chair)
        case "rocker":
            return [*_legs(chair), *_runners(chair), *_stretchers(chair), *_apron(chair)]
        case _:
            return [*_legs(chair), *_stretchers(chair), *_apron(chair)]


def pair(solid: Solid) -> list[Solid]:
    """A solid at +x and its mirror image."""
    return [solid, mirror(solid)]


def leg_material(chair: Chair) -> int:
    """What legs and all that joins them is made of."""
    return FRAME if chair.base.material == "frame" else METAL


def _legs(chair: Chair) -> list[Solid]:
    base, top = chair.base, underside(chair) + 0.004
    solids = []
    for front in (True, False):
        low = _runner_height(chair, front) if base.style == "rocker" else 0.0
        foot, head = leg_point(chair, front, low), leg_point(chair, front, top)
        if base.style == "turned":
            share, girth = np.array(TURNINGS[base.turning]).T
            girth = 1.15 * base.girth * girth
        else:
            share = np.array([0, 0.3, 0.65, 0.9, 1])
            girth = base.girth * (base.slimming + (1 - base.slimming) * share)
        path = foot + share[:, None] * (head - foot)
        is_square = base.style in ("straight", "rocker") and base.material == "frame"
        section = SQUARE if is_square else ROUND
        solids += pair(post("leg", path, girth, leg_material(chair), section))
    return solids


def _stretchers(chair: Chair) -> list[Solid]:
    """Bars between the legs; tall chairs need a bar for the feet."""
    base, top = chair.base, underside(chair)
    style = "around" if chair.kind == "bar" else base.stretchers
    if style == "none" or has_shell(chair) or top < 0.3:
        return []
    girth, material = 0.55 * base.girth, leg_material(chair)
    low = 0.24 if chair.kind == "bar" else 0.32 * top
    side = low + 0.05 if style == "around" else low
    ends = leg_point(chair, True, side), leg_point(chair, False, side)
    solids = pair(tube("stretcher", straight(*ends), girth, material))
    if style == "middle":
        middle = (ends[0] + ends[1]) / 2
        return [*solids, _crossbar("stretcher", middle, girth, material)]
    for front in (True, False):
        end = leg_point(chair, front, low)
        solids.append(_crossbar("stretcher", end, girth, material))
    return solids


def _crossbar(name: str, end: np.ndarray, girth: float, material: int) -> Solid:
    """A bar from a point to its mirror image."""
    return tube(name, straight(end * [-1, 1, 1], end), girth, material, across=Z)


def _apron(chair: Chair) -> list[Solid]:
    base, top = chair.base, underside(chair)
    if (
        not base.apron
        or has_shell(chair)
        or base.style in ("splayed", "turned")
        or base.material == "metal"
    ):
        return []
    middle = top - base.apron / 2 + 0.003
    size = np.array([base.apron / 2, 0.010])
    ends = leg_point(chair, True, middle), leg_point(chair, False, middle)
    side = tube("apron", straight(*ends), np.tile(size, (3, 1)), FRAME, across=Y, section=SQUARE)
    solids = pair(side)
    for end in ends:
        path = straight(end * [-1, 1, 1], end)
        board = tube("apron", path, np.tile(size, (3, 1)), FRAME, across=Y, section=SQUARE)
        solids.append(board)
    return solids


def _runners(chair: Chair) -> list[Solid]:
    """Two bows on the floor; they touch it under the seat's middle."""
    x = leg_point(chair, True, 0.0)[0]
    step = 0.062
    z = step * np.arange(-8, 7)
    half = np.array([0.014, 0.022])
    path = np.stack([np.full_like(z, x), half[1] + _rise(z), z], axis=1)
    return pair(tube("runner", path, np.tile(half, (len(z), 1)), FRAME, section=SQUARE))


def _rise(z: float | np.ndarray) -> np.ndarray:
    """How far a runner has left the floor; its radius is about a metre."""
    return np.asarray(np.square(z) / 2.0)


def _runner_height(chair: Chair, front: bool) -> float:
    """Where a leg ends in its runner."""
    return float(0.022 + _rise(leg_point(chair, front, 0.05)[2]))


def _star(chair: Chair) -> list[Solid]:
    """A gas column on spokes with castors, mirror-symmetric: the odd spoke points rearwards."""
    top, count = underside(chair), STAR_SPOKES[chair.base.turning]
    wheel = 0.028 if chair.kind == "office" else 0.012
    reach = max(0.26, min(0.36, 0.62 * chair.seat.width))
    hub = wheel * 2 + 0.05
    middle = min(hub + 0.6 * (top - hub), top - 0.02)
    heights = np.array([hub - 0.05, hub + 0.02, hub + 0.03, middle, middle + 0.005, top + 0.004])
    column = np.stack([np.zeros(6), heights, np.zeros(6)], axis=1)
    girth = np.array([0.035, 0.035, 0.026, 0.026, 0.016, 0.016])
    solids = [post("column", column, girth, METAL, ROUND), *_tray(chair)]
    first = 0.0 if count % 2 else np.pi / count
    for angle in first + np.arange(count) * 2 * np.pi / count:
        out = np.array([np.sin(angle), 0.0, -np.cos(angle)])
        if out[0] < -1e-9:
            continue
        on_plane = abs(out[0]) < 1e-9
        out[0] = 0.0 if on_plane else out[0]
        for solid in _spoke(out * reach, hub, wheel):
            solids += [solid] if on_plane else pair(solid)
    return solids


def _spoke(end: np.ndarray, hub: float, wheel: float) -> list[Solid]:
    """One spoke and its castor, or glide."""
    aside = np.cross(Y, end) / np.linalg.norm(end)
    path = np.linspace(Y * hub - 0.01 * Y, end + Y * (2 * wheel + 0.014), 4)
    sizes = np.array([(0.022, 0.022), (0.019, 0.017), (0.017, 0.013), (0.016, 0.011)])
    spoke = tube("spoke", path, sizes, METAL, across=aside, section=SQUARE)
    axle = end * 0.97 + Y * wheel
    wide = np.array([-0.022, -0.018, 0.018, 0.022])[:, None] * aside
    tyre = wheel * np.array([0.85, 1, 1, 0.85])
    stem = straight(axle, axle + Y * (wheel + 0.012), 2)
    return [
        spoke,
        tube("castor", axle + wide, tyre, RUBBER, across=Y),
        post("castor stem", stem, 0.007, METAL),
    ]


def _tray(chair: Chair) -> list[Solid]:
    """The mechanism under a seat on a column."""
    if has_shell(chair):
        return []
    path = straight(
        np.array([0, underside(chair) - 0.016, -0.10]),
        np.array([0, underside(chair) - 0.016, 0.10]),
    )
    return [tube("tray", path, np.tile([0.07, 0.018], (3, 1)), METAL, section=SQUARE)]


def _pedestal(chair: Chair) -> list[Solid]:
    """A column on a round foot, with a ring for the feet under a tall seat."""
    top = underside(chair) + 0.004
    reach = 0.48 * chair.seat.width * (1.0 if top < 0.6 else 1.12)
    heights = np.array([0, 0.012, 0.022, 0.035, 0.06, 0.12, 0.5 * top, top - 0.03, top - 0.02, top])
    girth = np.array([1, 1, 0.93, 0.5, 0.16, 0.10, 0.09, 0.09, 0.3, 0.3]) * reach
    path = np.stack([0 * heights, heights, 0 * heights], axis=1)
    angle = np.arange(24) * 2 * np.pi / 24
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    solids = [post("pedestal", path, girth, METAL, circle)]
    if top > 0.55:
        solids += _foot_ring(0.62 * reach, 0.42 * top)
    return solids


def _foot_ring(radius: float, height: float) -> list[Solid]:
    """Half a ring in front of a column, and its spoke."""
    angle = np.linspace(-0.62 * np.pi, 0.62 * np.pi, 15)
    bow = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], axis=1) * radius + Y * height
    # The path is symmetric, but rounding of sine and cosine need not be.
    bow = (bow + bow[::-1] * [-1, 1, 1]) / 2
    spoke = straight(Y * height, Y * height + Z * radius)
    holders = pair(tube("foot ring", straight(Y * height, bow[-1]), 0.009, METAL, across=Y))
    ring = tube("foot ring", bow, 0.010, METAL, across=Y)
    return [ring, tube("foot ring", spoke, 0.009, METAL), *holders]


def _sled(chair: Chair) -> list[Solid]:
    """A loop of tube on either side, flat on the floor, and bars across under the seat."""
    girth, top = 0.010, underside(chair)
    x, front = corner(chair, True)
    rear = corner(chair, False)[1]
    if has_shell(chair):
        x, front, rear = 0.85 * x, 0.66 * front, 0.66 * rear
    flare = 0.07 if has_shell(chair) else 0.02
    loop = np.array(
        [(top + girth, rear), (girth, rear - flare), (girth, front + flare), (top + girth, front)]
    )
    path = filleted(np.column_stack([np.full(4, x), loop]), 0.06)
    solids = pair(tube("runner", path, girth, METAL))
    for z in (front, rear):
        end = np.array([x, top - 0.2 * girth, z])
        solids.append(_crossbar("bar", end, girth, METAL))
    return solids


def _cantilever(chair: Chair) -> list[Solid]:
    """A tube on the floor that rises in front only and carries the seat from there."""
    girth, top = 0.0125, underside(chair)
    x, front = corner(chair, True)
    rear = corner(chair, False)[1]
    under = top - girth + 0.004
    loop = np.array([(under, rear), (under, front), (girth, front + 0.01), (girth, rear - 0.02)])
    path = filleted(np.column_stack([np.full(4, x), loop]), 0.07)
    solids = pair(tube("runner", path, girth, METAL))
    solids.append(_crossbar("bar", np.array([x, girth, rear - 0.02 + girth]), girth, METAL))
    solids.append(_crossbar("bar", np.array([x, under, 0.5 * rear]), 0.8 * girth, METAL))
    solids.append(_crossbar("bar", np.array([x, under, 0.6 * front]), 0.8 * girth, METAL))
    return solids
