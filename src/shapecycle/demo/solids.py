"""Closed surfaces with a material per face: lofts, slabs, blocks, and their mirror images."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Solid:
    """A closed surface with an index into ``MATERIALS`` per face."""

    name: str
    vertices: np.ndarray
    faces: np.ndarray
    materials: np.ndarray


def half_loft(
    name: str,
    rows: np.ndarray,
    first_pole: np.ndarray,
    last_pole: np.ndarray,
    materials: np.ndarray,
    pole_materials: tuple[int, int],
) -> Solid:
    """The +x half of a solid, open at x = 0."""
    return loft(name, rows, first_pole, last_pole, materials, pole_materials, closed=False)


def loft(
    name: str,
    rows: np.ndarray,
    first_pole: np.ndarray,
    last_pole: np.ndarray,
    materials: np.ndarray,
    pole_materials: tuple[int, int],
    *,
    closed: bool,
) -> Solid:
    """Skin a stack of outlines and close both ends with fans.

    Args:
        name: The solid's name.
        rows: Outlines (r c 3) with equally many points.
        first_pole: Centre of the fan under the first outline; ``last_pole`` over the last.
        last_pole: See ``first_pole``.
        materials: Material of each quadrilateral, (r-1, c-1) or (r-1, c) when closed.
        pole_materials: Materials of the two fans.
        closed: Whether each outline's last point is followed by its first.

    Returns:
        The skin, outside to the left of first-to-last column, seen along the rows.
    """
    count, across = rows.shape[:2]
    index = np.arange(count * across).reshape(count, across)
    if closed:
        index = np.concatenate([index, index[:, :1]], axis=1)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    skin = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], axis=2).reshape(-1, 3)
    first = np.full(index.shape[1] - 1, count * across)
    below = np.stack([first, index[0, 1:], index[0, :-1]], axis=1)
    above = np.stack([first + 1, index[-1, :-1], index[-1, 1:]], axis=1)
    faces = np.concatenate([skin, below, above])
    labels = np.concatenate(
        [
            np.repeat(materials.reshape(-1), 2),
            np.full(len(below), pole_materials[0]),
            np.full(len(above), pole_materials[1]),
        ]
    )
    vertices = np.concatenate([rows.reshape(-1, 3), first_pole[None], last_pole[None]])
    return _outward(Solid(name, vertices, faces, labels))


def _outward(solid: Solid) -> Solid:
    """Turn all faces over if they enclose a negative volume."""
    centred = solid.vertices - solid.vertices.mean(0) * [0, 1, 1]
    a, b, c = (centred[solid.faces[:, k]] for k in range(3))
    if np.einsum("ij,ij->", a, np.cross(b, c)) >= 0:
        return solid
    return Solid(solid.name, solid.vertices, solid.faces[:, ::-1], solid.materials)


def mirror(solid: Solid) -> Solid:
    """The mirror image about x = 0."""
    return Solid(solid.name, solid.vertices * [-1, 1, 1], solid.faces[:, ::-1], solid.materials)


def mirrored_whole(half: Solid) -> Solid:
    """Join a half with its mirror image, sharing the vertices on x = 0."""
    on_plane = half.vertices[:, 0] == 0
    count = len(half.vertices)
    twin = np.where(on_plane, np.arange(count), count + np.cumsum(~on_plane) - 1)
    vertices = np.concatenate([half.vertices, half.vertices[~on_plane] * [-1, 1, 1]])
    faces = np.concatenate([half.faces, twin[half.faces][:, ::-1]])
    return Solid(half.name, vertices, faces, np.tile(half.materials, 2))


def slab(name: str, inner: np.ndarray, outer: np.ndarray, material: int) -> Solid:
    """Close two equal grids of points (r c 3) into a slab."""
    rows, columns = inner.shape[:2]
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    sheet = np.concatenate([np.stack([a, b, c], -1), np.stack([a, c, d], -1)]).reshape(-1, 3)
    rim = np.concatenate([index[0, :-1], index[:-1, -1], index[-1, :0:-1], index[:0:-1, 0]])
    ahead, shift = np.roll(rim, -1), rows * columns
    wall = np.concatenate(
        [
            np.stack([rim, ahead, ahead + shift], axis=1),
            np.stack([rim, ahead + shift, rim + shift], axis=1),
        ]
    )
    faces = np.concatenate([sheet[:, ::-1], sheet + shift, wall])
    vertices = np.concatenate([inner.reshape(-1, 3), outer.reshape(-1, 3)])
    solid = Solid(name, vertices, faces, np.full(len(faces), material))
    a, b, c = (vertices[faces[:, k]] - vertices.mean(0) for k in range(3))
    if np.einsum("ij,ij->", a, np.cross(b, c)) < 0:
        return Solid(name, vertices, faces[:, ::-1], solid.materials)
    return solid


def block(
    name: str, centre: np.ndarray, half_size: tuple[float, float, float], material: int
) -> Solid:
    """A box with bevelled edges along z, symmetric about its centre."""
    corner = np.array([(1, 0.5), (0.6, 1), (-0.6, 1), (-1, 0.5), (-1, -0.5), (-0.6, -1), (0.6, -1)])
    outline = np.concatenate([corner, [(1, -0.5)]])
    rows = np.zeros((4, len(outline), 3))
    for row, (z, size) in zip(rows, ((-1, 0.8), (-0.8, 1), (0.8, 1), (1, 0.8)), strict=True):
        row[:, :2], row[:, 2] = outline * size, z
    materials = np.full((3, len(outline)), material)
    poles = np.array([0, 0, -1.0]), np.array([0, 0, 1.0])
    unit = loft(name, rows, poles[0], poles[1], materials, (material, material), closed=True)
    return Solid(name, unit.vertices * half_size + centre, unit.faces, unit.materials)
