"""Seats: boards, dished or flat, with or without a cushion, and shells that are the back too."""

import numpy as np

from shapecycle.demo.chairs.design import Chair, Seat
from shapecycle.demo.chairs.layout import has_shell, underside
from shapecycle.demo.chairs.materials import FRAME, METAL, PADDING, SHELL
from shapecycle.demo.chairs.tubes import filleted, pad
from shapecycle.demo.solids import Solid, slab


def seat_solids(chair: Chair) -> list[Solid]:
    """All that is sat on."""
    if has_shell(chair):
        return [_shell(chair), _mount(chair)]
    if chair.seat.style == "cushioned":
        return [_board(chair), _cushion(chair)]
    return [_board(chair)]


def on_seat(seat: Seat, a: np.ndarray, b: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Positions of the seat's form: ``a`` across, ``b`` to the front, narrower in the rear."""
    x = a * seat.width / 2 * (1 - seat.taper * (1 - b) / 2)
    return np.stack([x, height, b * seat.depth / 2], axis=-1)


def _board(chair: Chair) -> Solid:
    seat = chair.seat
    top, bottom = seat.height, seat.height - seat.thickness
    edge = min(0.008, 0.3 * seat.thickness)
    dish = seat.relief if seat.style == "dished" else 0.0
    layers = [(0.0, bottom), (0.5, bottom), (0.97, bottom), (1.0, bottom + edge), (1.0, top - edge)]
    layers += [(s, top - dish * (1 - s**4)) for s in (0.975, 0.86, 0.7, 0.45, 0.2, 0.0)]
    points = 32 if seat.style == "cushioned" else 40
    upholstered = chair.kind == "lounge" and chair.base.style != "straight"
    material = PADDING if upholstered or chair.kind == "office" else FRAME
    return pad(
        "seat", lambda a, b, h: on_seat(seat, a, b, h), seat.squareness, layers, material, points
    )


def _cushion(chair: Chair) -> Solid:
    """A cushion on the board, its sides bulging a little."""
    seat = chair.seat
    low, rise = seat.height - 0.003, seat.relief
    sides = [(0.0, 0.0), (0.5, 0.0), (0.93, 0.0), (0.97, 0.15), (0.985, 0.4), (0.965, 0.66)]
    crown = [(0.91, 0.82), (0.8, 0.91), (0.6, 0.97), (0.3, 0.99), (0.0, 1.0)]
    layers = [(s, low + rise * h) for s, h in sides + crown]
    squareness = min(seat.squareness, 6.0)
    return pad("cushion", lambda a, b, h: on_seat(seat, a, b, h), squareness, layers, PADDING)


_PLATE = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0))
"""Scales and heights of a plate's outlines."""


def _mount(chair: Chair) -> Solid:
    """The plate between a shell and its legs."""
    seat, low = chair.seat, underside(chair)
    layers = [(s, low + 0.03 * h) for s, h in _PLATE]

    def place(a: np.ndarray, b: np.ndarray, h: np.ndarray) -> np.ndarray:
        return np.stack([a * 0.32 * seat.width, h, b * 0.32 * seat.depth], axis=-1)

    return pad("mount", place, 5.0, layers, METAL, points=16)


def _shell(chair: Chair) -> Solid:
    """Seat and back in one: a profile from the front lip to the top, wider and narrower."""
    seat, back = chair.seat, chair.back
    half, h = seat.depth / 2, seat.height
    corners = np.array(
        [
            (0, h - 0.03, half),
            (0, h + 0.008, half - 0.07),
            (0, h - 0.02, -half),
            (0, h + back.height, -half - back.lean * back.height),
        ]
    )
    # Steps are shorter towards the two ends, whose corners are round.
    steps = np.linspace(0, 1, 27)
    along = (0.3 * steps + 0.35 * (1 - np.cos(np.pi * steps)))[:, None]
    profile = _at_shares(filleted(corners, 0.15, steps=9), along[:, 0])
    across = np.linspace(-1, 1, 15)[None]

    # Both ends are rounded off, but not to a point: the last cross-section keeps some width.
    end = (1 - np.abs(1.98 * along - 0.99) ** 6) ** (1 / 6)
    width = seat.width / 2 * (1 + (0.9 * back.flare - 1) * along) * end
    # The sides rise where seat and back meet, as those of a bucket do.
    bucket = seat.relief * np.exp(-(((along - 0.5) / 0.3) ** 2)) * across**2
    tangent = np.gradient(profile, axis=0)
    inward = np.cross(tangent, [1.0, 0.0, 0.0])
    inward /= np.linalg.norm(inward, axis=1, keepdims=True)
    if inward[:, 1].sum() < 0:
        inward = -inward
    skin = profile[:, None] + bucket[..., None] * inward[:, None]
    skin[..., 0] = width * across
    thick = 0.012 * inward[:, None] * (1 - 0.5 * np.abs(across[..., None]) ** 8)
    return slab("shell", skin - thick, skin, SHELL)


def _at_shares(path: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Points of a path at shares of its length."""
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    at = shares * lengths[-1]
    return np.stack([np.interp(at, lengths, path[:, k]) for k in range(3)], axis=1)
