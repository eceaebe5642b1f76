"""Arms: on posts, on a stem, as loops of tube, or upholstered from the seat up."""

import numpy as np

from shapecycle.demo.chairs.base import leg_material, pair
from shapecycle.demo.chairs.design import Chair
from shapecycle.demo.chairs.layout import back_point, corner, has_posts, underside
from shapecycle.demo.chairs.materials import METAL, PADDING, RUBBER
from shapecycle.demo.chairs.tubes import ROUND, SQUARE, Z, filleted, pad, post, straight, tube
from shapecycle.demo.solids import Solid


def arm_solids(chair: Chair) -> list[Solid]:
    """Both arms, or nothing."""
    match chair.arms.style:
        case "none":
            return []
        case "posts":
            right = _on_posts(chair)
        case "tees":
            right = _on_stem(chair)
        case "loops":
            right = _loop(chair)
        case "panels":
            right = [_panel(chair)]
    return [solid for one in right for solid in pair(one)]


def _on_posts(chair: Chair) -> list[Solid]:
    """A rest from the back to a post on the seat's front corner."""
    height, material = chair.arms.height, leg_material(chair)
    rear = back_point(chair, 1.0, height / chair.back.height)
    x, z = corner(chair, front=True)
    stands_on_leg = chair.base.style in ("straight", "rocker")
    foot = np.array([x, underside(chair) + 0.002, z if stands_on_leg else 0.45 * z])
    top = np.array([x + 0.012, chair.seat.height + height, foot[2]])
    tip = top + Z * 0.035

    share = np.linspace(0, 1, 8)[:, None]
    rest = (1 - share) * rear + share * tip
    rest[:, 0] += 0.03 * np.sin(np.pi * share[:, 0])
    rest[:, 1] = np.linspace(rear[1], top[1], 8) + 0.008
    wide = chair.arms.width / 2 * np.array([0.5, 0.6, 0.75, 0.9, 1.0, 1.0, 0.95, 0.7])
    sizes = np.stack([wide, np.full(8, 0.011)], axis=1)
    section = ROUND if chair.base.style in ("splayed", "turned") else SQUARE
    solids = [
        tube("armrest", rest, sizes, material, section=section),
        post("arm post", straight(foot, top, 4), 0.8 * chair.base.girth, material, section),
    ]
    if not has_posts(chair):
        bottom = back_point(chair, 1.0, -0.02)
        solids.append(
            post("arm post", straight(bottom, rear, 4), 0.8 * chair.base.girth, material, section)
        )
    return solids


def _on_stem(chair: Chair) -> list[Solid]:
    """A short rest on a bent stem from under the seat."""
    low, top = underside(chair) - 0.004, chair.seat.height + chair.arms.height
    half = chair.seat.width / 2
    bend = np.array([(0.3 * half, low, 0), (half + 0.03, low, 0), (half + 0.05, top, 0)])
    stem = filleted(bend - Z * 0.02, 0.04)
    sizes = np.tile([0.022, 0.008], (len(stem), 1))
    z = np.array([-0.14, -0.125, -0.05, 0.04, 0.10, 0.115])
    rest = np.stack([np.full(6, half + 0.05), top + 0.012 - 0.3 * z**2, z], axis=1)
    wide = chair.arms.width * np.array([0.55, 0.75, 0.85, 0.85, 0.75, 0.5])
    rest_sizes = np.stack([wide, 0.016 * np.array([0.6, 1, 1, 1, 1, 0.6])], axis=1)
    return [
        tube("arm stem", stem, sizes, METAL, across=Z, section=SQUARE),
        tube("armrest", rest, rest_sizes, RUBBER),
    ]


def _loop(chair: Chair) -> list[Solid]:
    """A loop of tube on the seat's side, with a rest on it."""
    low, top = underside(chair) + 0.012, chair.seat.height + chair.arms.height
    half = chair.seat.width / 2
    x = half + 0.004
    outline = np.array(
        [(low, -0.02), (low, -0.16), (top, -0.18), (top, 0.13), (low, 0.10), (low, 0.0)]
    )
    path = filleted(np.column_stack([np.full(6, x), outline]), 0.05, steps=4)
    # The ends meet inside the seat.
    path[[0, -1], 0] -= 0.02
    rest = np.stack([np.full(4, x), np.full(4, top + 0.012), np.linspace(-0.12, 0.10, 4)], axis=1)
    sizes = np.stack([chair.arms.width / 2 * np.array([0.8, 1, 1, 0.8]), np.full(4, 0.009)], axis=1)
    return [
        tube("arm loop", path, 0.011, METAL),
        tube("armrest", rest, sizes, RUBBER if chair.kind == "office" else leg_material(chair)),
    ]


def _panel(chair: Chair) -> Solid:
    """An upholstered side from the seat's underside to the arm's height."""
    seat, arms = chair.seat, chair.arms
    low, high = underside(chair), seat.height + arms.height
    inner, thick = seat.width / 2 - 0.02, 2.2 * arms.width
    front, rear = seat.depth / 2 + 0.005, -seat.depth / 2 - 0.02
    layers = [(0.0, 0.0), (0.6, 0.0), (0.94, 0.0), (1.0, 0.12), (1.02, 0.5), (1.0, 0.88)]
    layers += [(0.94, 1.0), (0.6, 1.0), (0.0, 1.0)]

    def place(a: np.ndarray, b: np.ndarray, h: np.ndarray) -> np.ndarray:
        y = (low + high) / 2 + b * (high - low) / 2
        z = (front + rear) / 2 + a * (front - rear) / 2
        return np.stack([inner + h * thick, y, z], axis=-1)

    return pad("arm panel", place, 6.0, layers, PADDING)
