"""Oriented points drawn from what can be seen of a shape, whatever the winding of its faces."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from shapecycle.geometry.boxes import normalise
from shapecycle.mesh import Mesh

DIRECTIONS = 24
"""From how many sides a surface is looked at to tell its outside from its inside."""
GRAZING = 0.1
"""Below this cosine a look along a surface says nothing about its sides."""
LEAK = 0.15
"""A side seen less than this fraction of the other was seen through a crack, and is not outside."""
TOUCHING = 1e-4
"""Surfaces nearer than this, in bounding-box diagonals, do not hide each other."""
MAX_CELLS = 60_000
"""How many grid cells the triangles' boxes may cover before a coarser grid is taken."""


def surface_samples(
    mesh: Mesh, count: int, generator: np.random.Generator
) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, "n 3"]]:
    """Draw points uniformly by area from what can be seen of a shape, with outward normals.

    The winding of faces is not trusted. Each point is looked at from ``DIRECTIONS`` sides, and
    its normal points to where it is seen from; a sheet that is seen from both sides gets both
    signs at random, in proportion to how well each side is seen. Points that no direction
    reaches lie inside and are replaced by others. Clouds are trusted as they are.

    Args:
        mesh: A shape in any units; simplify very large ones first, at 4,000 faces it takes 0.1 s.
        count: Number of points, > 0.
        generator: Source of randomness.

    Returns:
        Points, in the mesh's units, and unit normals.

    Raises:
        GeometryError: If all faces have zero area.
    """
    if mesh.is_point_cloud:
        points, normals = mesh.sample(count, generator)
        return points.astype(np.float32), normals.astype(np.float32)
    # Near the origin float32 is fine enough to tell the sides of thin plates.
    unit, normalisation = normalise(mesh)
    kept: list[tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]] = []
    found, wanted = 0, int(count * 1.25) + 16
    for _ in range(4):
        points, normals = unit.sample(wanted, generator)
        towards, against = seen_sides(unit, points, normals, generator)
        seen = towards + against > 0
        flipped = generator.random(len(seen)) * (towards + against) < against
        kept.append((points[seen], np.where(flipped[:, None], -normals, normals)[seen]))
        found += int(seen.sum())
        if found >= count:
            break
        # The share that is seen tells how many more to draw; within reason where it is tiny.
        wanted = int((count - found) / max(float(seen.mean()), 0.05) * 1.25) + 16
    if found == 0:
        kept, found = [(points, normals)], len(points)
    pick = generator.choice(found, count, replace=found < count)
    points, normals = (np.concatenate(parts)[pick] for parts in zip(*kept, strict=True))
    return (
        normalisation.file_from_object(points).astype(np.float32),
        normals.astype(np.float32),
    )


def seen_sides(
    mesh: Mesh,
    points: Float[np.ndarray, "n 3"],
    normals: Float[np.ndarray, "n 3"],
    generator: np.random.Generator,
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """How well points of a surface are seen from its two sides, from far away.

    Args:
        mesh: What may hide them; its bounding box has diagonal 1.
        points: On the surface.
        normals: Unit normals there, of either sign.
        generator: Turns the set of directions.

    Returns:
        For each point, how well it is seen from where its normal points and from the other
        side: sums of cosines over the directions that reach it, made 0 for mere leaks.
    """
    vertices, points = mesh.vertices.astype(np.float64), points.astype(np.float64)
    corners = mesh.faces[mesh.face_normals()[1] > 0].T
    towards, against = np.zeros(len(points)), np.zeros(len(points))
    for frame in _lines_of_sight(generator):
        in_front, behind = _hidden((frame @ vertices.T)[:, corners], frame @ points.T)
        cosine = normals @ frame[2]
        cosine[np.abs(cosine) < GRAZING] = 0
        towards += np.where(cosine > 0, ~in_front, ~behind) * np.abs(cosine)
        against += np.where(cosine > 0, ~behind, ~in_front) * np.abs(cosine)
    leak = LEAK * np.maximum(towards, against)
    return np.where(towards > leak, towards, 0), np.where(against > leak, against, 0)


def _lines_of_sight(generator: np.random.Generator) -> Iterator[Float[np.ndarray, "3 3"]]:
    """Yield rotations whose third rows, and their opposites, are spread over the sphere.

    Source:
        Gonzalez, Measurement of areas on a sphere using Fibonacci and latitude-longitude
        lattices, Mathematical Geosciences 2010; here the lattice's upper half, turned at random.
    """
    turn = np.linalg.qr(generator.standard_normal((3, 3)))[0]
    index = np.arange(DIRECTIONS // 2)
    z = 1 - (2 * index + 1) / DIRECTIONS
    angle = index * np.pi * (3 - np.sqrt(5))
    radius = np.sqrt(1 - z**2)
    for look in np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1) @ turn:
        side = np.cross(look, np.eye(3)[np.argmin(np.abs(look))])
        side /= np.linalg.norm(side)
        yield np.stack([side, np.cross(look, side), look])


def _hidden(
    corners: Float[np.ndarray, "3 3 f"], points: Float[np.ndarray, "3 n"]
) -> tuple[Bool[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Whether triangles hide points from viewers far away on +z, and on -z.

    Args:
        corners: Coordinate, corner, triangle; distances are in bounding-box diagonals.
        points: Those looked at; on a triangle or not.

    Returns:
        Hidden from +z and hidden from -z: some triangle crosses the line that way.
    """
    point, triangle = _neighbours(corners[:2], points[:2])
    x, y, z = corners[:, :, triangle] - points[:, None, point]
    # Twice the signed areas of the triangle's parts opposite each corner, in the picture plane.
    parts = np.stack([x[k - 2] * y[k - 1] - x[k - 1] * y[k - 2] for k in range(3)])
    whole = parts[0] + parts[1] + parts[2]
    inside = (parts >= 0).all(0) | (parts <= 0).all(0)
    # Height times area on both sides, so that triangles seen edge-on divide by nothing.
    height = (parts * z).sum(0) * np.sign(whole)
    touching = TOUCHING * np.abs(whole)
    in_front, behind = np.zeros((2, points.shape[1]), dtype=bool)
    in_front[point[inside & (height > touching)]] = True
    behind[point[inside & (height < -touching)]] = True
    return in_front, behind


def _neighbours(
    corners: Float[np.ndarray, "2 3 f"], points: Float[np.ndarray, "2 n"]
) -> tuple[Int[np.ndarray, " p"], Int[np.ndarray, " p"]]:
    """Pair points of the plane with the triangles whose bounding boxes hold them."""
    low, high = corners.min(1), corners.max(1)
    origin = low.min(1, keepdims=True)
    extent = 1.0001 * float((high.max(1) - origin[:, 0]).max())
    # The finest grid on which the boxes do not cover too many cells: long slivers would.
    for grid in (128, 64, 32, 16, 8, 1):
        first, last = (((e - origin) * (grid / extent)).astype(np.int64) for e in (low, high))
        columns, rows = last - first + 1
        if (columns * rows).sum() <= MAX_CELLS + 4 * len(columns):
            break
    triangle, inner = _spread(columns * rows)
    row, column = np.divmod(inner, columns[triangle])
    cell = (first[1][triangle] + row) * grid + first[0][triangle] + column
    # Small integers are sorted by counting.
    triangle = triangle[np.argsort(cell.astype(np.int16), kind="stable")]
    held = np.bincount(cell, minlength=grid * grid)
    home_column, home_row = ((points - origin) * (grid / extent)).astype(np.int64)
    home = home_row.clip(0, grid - 1) * grid + home_column.clip(0, grid - 1)
    point, inner = _spread(held[home])
    triangle = triangle[(np.cumsum(held) - held)[home][point] + inner]
    for axis in range(2):
        at = points[axis][point]
        holds = (low[axis][triangle] <= at) & (at <= high[axis][triangle])
        point, triangle = point[holds], triangle[holds]
    return point, triangle


def _spread(
    counts: Int[np.ndarray, " n"],
) -> tuple[Int[np.ndarray, " total"], Int[np.ndarray, " total"]]:
    """Repeat each index by its count, and number its copies: (2, 1) to (0, 0, 1), (0, 1, 0)."""
    index = np.repeat(np.arange(len(counts)), counts)
    return index, np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
