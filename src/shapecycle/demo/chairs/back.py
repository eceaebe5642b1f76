"""Backs: posts, rails, slats and spindles on one curved surface, panels, hoops and pads."""

import numpy as np

from shapecycle.demo.chairs.base import leg_material, pair
from shapecycle.demo.chairs.design import Chair
from shapecycle.demo.chairs.layout import back_point, has_posts, sitting_height, underside
from shapecycle.demo.chairs.materials import FRAME, METAL, PADDING
from shapecycle.demo.chairs.tubes import ROUND, SQUARE, Y, Z, filleted, pad, post, straight, tube
from shapecycle.demo.solids import Solid

BOW = 2.6
"""Exponent of the form of bent rods; 2 would be half an ellipse."""


def back_solids(chair: Chair) -> list[Solid]:
    """All above the seat but the arms."""
    posts = _posts(chair) if has_posts(chair) else []
    match chair.back.style:
        case "none" | "shell":
            return []
        case "slats":
            return [*posts, _crest(chair), _lower_rail(chair), *_uprights(chair, slat=True)]
        case "spindles":
            return [*posts, _crest(chair), *_uprights(chair, slat=False)]
        case "bow":
            return [_bow(chair, 1.0, 1.0), *_uprights(chair, slat=False)]
        case "hoop":
            return [_bow(chair, 1.0, 1.0), _bow(chair, 0.62, 0.76)]
        case "ladder":
            return [*posts, *_ladder(chair)]
        case "splat":
            return [*posts, _crest(chair), _lower_rail(chair), _splat(chair)]
        case "cross":
            return [*posts, _crest(chair), _lower_rail(chair), *_cross(chair)]
        case "rail":
            return [*posts, _rail("crest rail", chair, 0.78, 0.22 * chair.back.height)]
        case "panel":
            return [*posts, _panel(chair)]
        case "padded":
            return [*posts, *_strut(chair), _padding(chair)]
        case "strips":
            return [*posts, *_strut(chair), *_strips(chair)]


def _posts(chair: Chair) -> list[Solid]:
    base, metal = chair.base, leg_material(chair) == METAL
    up = np.array([-0.05, 0.2, 0.45, 0.7, 0.9, 1.0])
    path = back_point(chair, 1.0, up)
    path[0, 1] = underside(chair) + 0.002
    girth = np.linspace(1, 0.72, len(up))[:, None] * base.girth * np.array([1.0, 1.0])
    is_round = metal or chair.back.style == "spindles" or base.style in ("turned", "splayed")
    return pair(post("post", path, girth, leg_material(chair), ROUND if is_round else SQUARE))


def _rail(name: str, chair: Chair, up: float, tall: float, bow: float = 0.0) -> Solid:
    """A bar from post to post at a height of the back."""
    across = np.linspace(-1, 1, 9)
    path = back_point(chair, across, up + bow / chair.back.height * (1 - across**2))
    size = np.tile([tall / 2, 0.010], (len(path), 1))
    return tube(name, path, size, FRAME, across=_upwards(chair), section=SQUARE)


def _upwards(chair: Chair) -> np.ndarray:
    """Up along the back."""
    direction = Y - chair.back.lean * Z
    return np.asarray(direction / np.linalg.norm(direction))


def _crest(chair: Chair) -> Solid:
    back = chair.back
    up = 1.0 - 0.42 * back.crest / back.height
    return _rail("crest rail", chair, up, back.crest, back.bow)


def _lower_rail(chair: Chair) -> Solid:
    return _rail("lower rail", chair, chair.back.foot, 0.6 * chair.back.crest)


def _uprights(chair: Chair, *, slat: bool) -> list[Solid]:
    """Slats from rail to rail, or spindles from the seat up."""
    back = chair.back
    count = back.count
    reach = 0.80 if slat else 0.74
    places = np.linspace(-reach, reach, count)
    spacing = back_point(chair, 1.0, back.foot)[0] * 2 * reach / (count - 1)
    half = float(np.clip(0.31 * spacing, 0.010, 0.034))
    solids = []
    for place in places[places > -1e-9]:
        top = 1.0 - 0.3 * back.crest / back.height
        if back.style == "bow":
            top = _bow_height(float(place)) - 0.01
        up = np.linspace(back.foot if slat else -0.04, top, 7)
        if slat:
            path = back_point(chair, place, up)
            upright = post("slat", path, np.tile([half, 0.006], (7, 1)), FRAME)
        else:
            path = straight(back_point(chair, place, up[0]), back_point(chair, place, up[-1]), 7)
            girth = 0.0075 * np.array([0.8, 1.0, 1.15, 1.0, 0.85, 0.75, 0.7])
            upright = post("spindle", path, girth, FRAME, ROUND)
        solids += pair(upright) if place > 1e-9 else [upright]
    return solids


def _bow_height(across: float) -> float:
    """How far up a bow is at a distance from the middle."""
    return float((1 - abs(across) ** BOW) ** (1 / BOW))


def _bow(chair: Chair, width: float, height: float) -> Solid:
    """A bent rod from the seat's one corner over the top to the other."""
    angle = np.linspace(0, np.pi, 27)
    form = np.stack([np.cos(angle), np.sin(angle)]).round(12)
    across, up = np.sign(form) * np.abs(form) ** (2 / BOW)
    path = back_point(chair, width * across, height * up - 0.03)
    girth = 0.7 * chair.base.girth if leg_material(chair) == FRAME else chair.base.girth
    return tube("hoop", path, girth, leg_material(chair), across=Z)


def _ladder(chair: Chair) -> list[Solid]:
    back = chair.back
    places = np.linspace(back.foot + 0.05, 1 - 0.45 * back.crest / back.height, back.count)
    gap = back.height * (places[1] - places[0])
    tall = np.minimum(np.linspace(0.75, 1, back.count) * back.crest, 0.62 * gap)
    return [
        _rail("slat", chair, float(up), float(t), back.bow * float(up))
        for up, t in zip(places, tall, strict=True)
    ]


def _splat(chair: Chair) -> Solid:
    """A vase-shaped board in the middle."""
    back = chair.back
    up = np.linspace(back.foot, 1 - 0.3 * back.crest / back.height, 11)
    share = np.linspace(0, 1, 11)
    vase = 0.8 + 0.35 * np.sin(2 * np.pi * share * (1 + 0.2 * back.count)) * share + 0.2 * share
    half = np.stack([0.055 * vase, np.full(11, 0.006)], axis=1)
    return post("splat", back_point(chair, 0.0, up), half, FRAME)


def _cross(chair: Chair) -> list[Solid]:
    back = chair.back
    across = np.linspace(-0.97, 0.97, 7)
    up = np.linspace(back.foot, 1 - 0.6 * back.crest / back.height, 7)
    size = np.tile([0.014, 0.007], (7, 1))
    path = back_point(chair, across, up)
    return pair(tube("cross", path, size, FRAME, across=_upwards(chair), section=SQUARE))


def _panel(chair: Chair) -> Solid:
    """A board between the posts, from the back's foot to its top."""
    t = 0.011
    layers = [(0.0, -t), (0.6, -t), (0.97, -t), (1.0, -0.6 * t), (1.0, 0.6 * t), (0.97, t)]
    return _on_back(chair, "back panel", [*layers, (0.6, t), (0.0, t)], FRAME, 8.0)


def _padding(chair: Chair) -> Solid:
    """An upholstered back, fuller in front."""
    thick = 0.10 if chair.kind == "lounge" else 0.045
    layers = [(0.0, -0.35), (0.6, -0.35), (0.93, -0.32), (1.0, -0.1), (1.0, 0.2), (0.95, 0.48)]
    layers += [(0.86, 0.6), (0.6, 0.68), (0.3, 0.7), (0.0, 0.7)]
    scaled = [(s, h * thick) for s, h in layers]
    # Pads between posts fill the corners; others may be rounder.
    squareness = (5.0 if has_posts(chair) or chair.kind == "lounge" else 3.0) + 80 * chair.back.bow
    return _on_back(chair, "back cushion", scaled, PADDING, squareness)


def _on_back(
    chair: Chair, name: str, layers: list[tuple[float, float]], material: int, squareness: float
) -> Solid:
    low, high = _panel_foot(chair), 1.0
    wide = 0.99 if has_posts(chair) else 1.1
    forward = np.array([0.0, chair.back.lean, 1.0]) / np.hypot(1, chair.back.lean)

    def place(a: np.ndarray, b: np.ndarray, h: np.ndarray) -> np.ndarray:
        point = back_point(chair, wide * a, (low + high) / 2 + b * (high - low) / 2)
        return np.asarray(point + h[:, None] * forward)

    return pad(name, place, squareness, layers, material)


def _panel_foot(chair: Chair) -> float:
    """Where a panel begins; a lounge chair's cushion stands on the seat."""
    if chair.kind == "lounge":
        return 0.5 * (sitting_height(chair) - chair.seat.height) / chair.back.height
    return chair.back.foot


def _strut(chair: Chair) -> list[Solid]:
    """The bar that holds an office chair's back from under its seat."""
    if has_posts(chair) or chair.kind == "lounge":
        return []
    low = underside(chair) - 0.01
    heights = np.array([0.12, 0.35, 0.6])
    behind = back_point(chair, 0.0, heights) - Z * 0.03
    elbow = np.array([0.0, low, behind[0, 2] - 0.035])
    start = np.array([0.0, low, -0.05])
    path = filleted(np.stack([start, elbow, *behind]), 0.06)
    size = np.tile([0.028, 0.009], (len(path), 1))
    return [tube("strut", path, size, METAL, section=SQUARE)]


def _strips(chair: Chair) -> list[Solid]:
    """A frame with strips across: between them one sees through."""
    back = chair.back
    low = back.foot
    solids = []
    if not has_posts(chair):
        angle = np.linspace(-np.pi / 2, 1.5 * np.pi, 29)
        form = np.stack([np.cos(angle), np.sin(angle)]).round(12)
        across, along = np.sign(form) * np.abs(form) ** (2 / 5)
        path = back_point(chair, across, (1 + low) / 2 + along * (1 - low) / 2)
        solids.append(tube("back frame", path, 0.012, METAL, across=Z))
    inside = 0.06
    places = np.linspace(low + inside, 1 - inside, back.count)
    tall = 0.55 * back.height * (places[1] - places[0])
    for up in places:
        across = np.linspace(-0.97, 0.97, 5)
        path = back_point(chair, across, up)
        size = np.tile([tall / 2, 0.004], (len(path), 1))
        solids.append(tube("strip", path, size, PADDING, across=_upwards(chair), section=SQUARE))
    return solids
