"""Bars along a path: posts of level sections, tubes of sections square to the path."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from shapecycle.demo.solids import Solid, loft

ROUND = np.stack([f(np.arange(10) * 2 * np.pi / 10) for f in (np.cos, np.sin)], axis=1)
"""A circle as ten points; one is at (1, 0), one at (-1, 0)."""
SQUARE = np.array(
    [(1, 0.7), (0.7, 1), (-0.7, 1), (-1, 0.7), (-1, -0.7), (-0.7, -1), (0.7, -1), (1, -0.7)]
)
"""A square with bevelled corners."""
Sizes = float | Float[np.ndarray, " n"] | Float[np.ndarray, "n 2"]
Path = Float[np.ndarray, "n 3"]
X, Y, Z = np.eye(3)


def post(
    name: str, path: Path, half_sizes: Sizes, material: int, section: np.ndarray = SQUARE
) -> Solid:
    """Stack level sections: whatever the path's slope, a post stands flat.

    Args:
        name: The solid's name.
        path: The sections' centres, from one end to the other.
        half_sizes: Half the extents along x and z: one for all, one each, or a pair each.
        material: An index into the world's materials.
        section: A closed outline within [-1, 1]^2.
    """
    sizes = _pairs(half_sizes, len(path))
    x = section[None, :, :1] * sizes[:, None, :1] * X
    return _skinned(name, path, x + section[None, :, 1:] * sizes[:, None, 1:] * Z, material)


def tube(
    name: str,
    path: Path,
    half_sizes: Sizes,
    material: int,
    *,
    across: np.ndarray = X,
    section: np.ndarray = ROUND,
) -> Solid:
    """Sweep a section along a path, square to it.

    Args:
        name: The solid's name.
        path: The sections' centres; no two neighbours are equal.
        half_sizes: Half the extents along ``across`` and square to it: one for all, one each,
            or a pair each.
        material: An index into the world's materials.
        across: Where the section's first axis points, as near as may be; never along the path.
        section: A closed outline within [-1, 1]^2.
    """
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    first = across - (tangent @ across)[:, None] * tangent
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(tangent, first)
    sizes = _pairs(half_sizes, len(path))
    x = section[None, :, :1] * (sizes[:, :1] * first)[:, None]
    return _skinned(
        name, path, x + section[None, :, 1:] * (sizes[:, 1:] * second)[:, None], material
    )


def filleted(corners: Path, radius: float, steps: int = 5) -> Float[np.ndarray, "m 3"]:
    """Round the inner corners of a path with arcs; shorter sides take smaller arcs."""
    path = [corners[0]]
    for before, corner, after in zip(corners[:-2], corners[1:-1], corners[2:], strict=True):
        back, ahead = before - corner, after - corner
        lengths = np.linalg.norm(back), np.linalg.norm(ahead)
        back, ahead = back / lengths[0], ahead / lengths[1]
        turn = np.pi - np.arccos(np.clip(back @ ahead, -1, 1))
        reach = min(radius * np.tan(turn / 2), 0.48 * min(lengths))
        inward = (back + ahead) / np.linalg.norm(back + ahead)
        centre = corner + inward * reach / np.sin(turn / 2)
        arc_radius = reach / np.tan(turn / 2)
        start = corner + back * reach - centre
        sideways = -back
        for angle in np.linspace(0, turn, steps):
            turned = start * np.cos(angle) + sideways * arc_radius * np.sin(angle)
            path.append(centre + turned)
    return np.array([*path, corners[-1]])


def straight(start: np.ndarray, end: np.ndarray, points: int = 3) -> Path:
    """Points on a line, both ends among them."""
    return np.linspace(start, end, points)


def pad(
    name: str,
    place: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    squareness: float,
    layers: Sequence[tuple[float, float]],
    material: int,
    points: int = 32,
) -> Solid:
    """Skin a stack of outlines of one form: boards, cushions, panels.

    Args:
        name: The solid's name.
        place: Positions (n 3) of a point of the form, (a, b) within [-1, 1]^2, at a height.
        squareness: Exponent of the form: 2 is an ellipse, 9 nearly a rectangle.
        layers: Scale and height of each outline; the first and last are fans' centres.
        material: An index into the world's materials.
        points: Points of an outline, a multiple of 4.
    """
    angle = np.arange(points) * 2 * np.pi / points
    # Exact zeros keep the axes' points on the axes: a root would blow rounding up.
    form = np.stack([np.cos(angle), np.sin(angle)]).round(12)
    a, b = np.sign(form) * np.abs(form) ** (2 / squareness)
    rows = np.stack([place(a * s, b * s, np.full(points, h)) for s, h in layers[1:-1]])
    zero = np.zeros(1)
    first, last = (place(zero, zero, np.array([h]))[0] for _, h in (layers[0], layers[-1]))
    labels = np.full((len(rows) - 1, points), material)
    return loft(name, rows, first, last, labels, (material, material), closed=True)


def _pairs(half_sizes: Sizes, count: int) -> np.ndarray:
    sizes = np.asarray(half_sizes, dtype=float)
    return np.broadcast_to(sizes if sizes.ndim == 2 else sizes.reshape(-1, 1), (count, 2))


def _skinned(name: str, path: Path, offsets: np.ndarray, material: int) -> Solid:
    labels = np.full((len(path) - 1, offsets.shape[1]), material)
    rows = path[:, None] + offsets
    return loft(name, rows, path[0], path[-1], labels, (material, material), closed=True)
