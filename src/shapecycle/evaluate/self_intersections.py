"""Is it a surface one would show? Faces that cross other faces, and how crumpled it is.

A face *touches* another when they have a corner in common. Corners are told apart by position,
not by index, so a mesh whose vertices were doubled along texture seams scores like the one it
came from. Two faces *cross* when they meet along a segment of positive length and each has
corners strictly on both sides of the other's plane; faces in one plane, and faces that only
rest on one another, do not.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

TOLERANCE = 1e-6
"""Lengths below this share of the bounding-box diagonal count as zero (float32 keeps 1e-7)."""

PAIRS_AT_ONCE = 1 << 20
"""Candidate pairs held in memory at a time, unless a single face has more."""


@dataclass(frozen=True, eq=False)
class _Triangles:
    """Triangles with an area: corners, unit normals, and which corners are the same point."""

    corners: Float[np.ndarray, "t 3 3"]
    normals: Float[np.ndarray, "t 3"]
    labels: Int[np.ndarray, "t 3"]
    tolerance: float


def self_intersecting_faces(
    vertices: Float[np.ndarray, "v 3"], faces: Int[np.ndarray, "f 3"]
) -> Bool[np.ndarray, " f"]:
    """Find the faces that cross a face they do not touch.

    Args:
        vertices: Positions, in any units and frame.
        faces: Indices into ``vertices``; their winding plays no part.

    Returns:
        True for every face that crosses at least one other. Faces without area never do.

    Source:
        Moeller, A Fast Triangle-Triangle Intersection Test, JGT 1997: both triangles cut the
        line in which their planes meet in intervals; they cross where the intervals overlap.
    """
    triangles, solid = _triangles(vertices, faces)
    crosses = np.zeros(len(faces), dtype=bool)
    for first, second in _overlapping_boxes(triangles.corners):
        first, second = _that_cross(triangles, first, second)
        crosses[solid[first]] = True
        crosses[solid[second]] = True
    return crosses


def dihedral_deviation(vertices: Float[np.ndarray, "v 3"], faces: Int[np.ndarray, "f 3"]) -> float:
    """Measure how crumpled a surface is.

    Args:
        vertices: Positions, in any units and frame.
        faces: Indices into ``vertices``.

    Returns:
        Mean absolute angle between the normals of adjacent faces, in radians, in [0, pi]: the
        mean over all edges that exactly two faces with an area share. Zero if there are none.
        Two faces that disagree about the side that is out are first made to agree.
    """
    triangles, _ = _triangles(vertices, faces)
    start = triangles.labels.ravel()
    end = np.roll(triangles.labels, -1, axis=1).ravel()
    low, high = np.minimum(start, end), np.maximum(start, end)
    order = np.lexsort((high, low))
    low, high, ascends = low[order], high[order], (start < end)[order]
    face = order // 3
    begins = np.flatnonzero(np.r_[True, (np.diff(low) != 0) | (np.diff(high) != 0)][: len(low)])
    pair = begins[np.diff(np.r_[begins, len(low)]) == 2]
    if not len(pair):
        return 0.0
    a, b = triangles.normals[face[pair]], triangles.normals[face[pair + 1]]
    # Neighbours that agree walk their common edge in opposite directions.
    b = np.where((ascends[pair] == ascends[pair + 1])[:, None], -b, b)
    sine = np.linalg.norm(np.cross(a, b), axis=1)
    return float(np.arctan2(sine, np.einsum("ek,ek->e", a, b)).mean())


def _triangles(
    vertices: Float[np.ndarray, "v 3"], faces: Int[np.ndarray, "f 3"]
) -> tuple[_Triangles, Int[np.ndarray, " t"]]:
    """The faces that have an area, and their indices among all faces."""
    points = vertices.astype(np.float64)
    corners = points[faces]
    used = corners.reshape(-1, 3)
    scale = float(np.linalg.norm(np.ptp(used, axis=0))) if len(used) else 0.0
    tolerance = TOLERANCE * scale
    edges = np.roll(corners, -1, axis=1) - corners
    normals = np.cross(edges[:, 0], edges[:, 1])
    doubled_area = np.linalg.norm(normals, axis=1)
    longest = np.linalg.norm(edges, axis=2).max(axis=1)
    solid = np.flatnonzero(doubled_area > tolerance * longest)
    return (
        _Triangles(
            corners=corners[solid],
            normals=normals[solid] / doubled_area[solid, None],
            labels=_labels_by_position(points)[faces[solid]],
            tolerance=tolerance,
        ),
        solid,
    )


def _labels_by_position(points: Float[np.ndarray, "v 3"]) -> Int[np.ndarray, " v"]:
    """A number per vertex, the same for vertices at the same place."""
    order = np.lexsort(points.T)
    is_new = (np.diff(points[order], axis=0) != 0).any(axis=1)
    labels = np.empty(len(points), dtype=np.int64)
    labels[order] = np.concatenate([[0], np.cumsum(is_new)])
    return labels


def _overlapping_boxes(
    corners: Float[np.ndarray, "t 3 3"],
) -> Iterator[tuple[Int[np.ndarray, " p"], Int[np.ndarray, " p"]]]:
    """Yield every pair of triangles whose bounding boxes overlap, once, in several parts.

    Sorts the boxes by where they begin along one axis; those that begin while another lasts
    overlap it there. Of the three axes it takes the one with the fewest such pairs.
    """
    low, high = corners.min(axis=1), corners.max(axis=1)
    orders = np.argsort(low, axis=0, kind="stable")
    counts = np.stack([_lasting(low[:, k], high[:, k], orders[:, k]) for k in range(3)])
    axis = int(counts.sum(axis=1).argmin())
    order, count = orders[:, axis], counts[axis]
    u, v = (axis + 1) % 3, (axis + 2) % 3
    low_u, high_u, low_v, high_v = (x[order, k] for k in (u, v) for x in (low, high))
    for begin, stop in _parts(count):
        many = count[begin:stop]
        first = np.repeat(np.arange(begin, stop), many)
        second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(many) - many, many)
        for lower, upper in ((low_u, high_u), (low_v, high_v)):
            keep = (lower[first] <= upper[second]) & (lower[second] <= upper[first])
            first, second = first[keep], second[keep]
        yield order[first], order[second]


def _lasting(
    low: Float[np.ndarray, " t"], high: Float[np.ndarray, " t"], order: Int[np.ndarray, " t"]
) -> Int[np.ndarray, " t"]:
    """How many later intervals begin before each one ends, in order of their beginnings."""
    ends = np.searchsorted(low[order], high[order], side="right")
    later: Int[np.ndarray, " t"] = ends - np.arange(1, len(order) + 1)
    return later


def _parts(count: Int[np.ndarray, " t"]) -> Iterator[tuple[int, int]]:
    """Split a row of counts into runs with at most ``PAIRS_AT_ONCE`` together."""
    total = np.concatenate([[0], np.cumsum(count)])
    begin = 0
    while begin < len(count):
        stop = int(np.searchsorted(total, total[begin] + PAIRS_AT_ONCE, side="right")) - 1
        stop = max(stop, begin + 1)
        yield begin, stop
        begin = stop


def _that_cross(
    triangles: _Triangles, first: Int[np.ndarray, " p"], second: Int[np.ndarray, " p"]
) -> tuple[Int[np.ndarray, " q"], Int[np.ndarray, " q"]]:
    """Keep the pairs of triangles that cross without touching."""
    for i in range(3):
        for j in range(3):
            apart = triangles.labels[first, i] != triangles.labels[second, j]
            first, second = first[apart], second[apart]

    above_second = _heights(triangles, first, second)
    keep = _on_both_sides(above_second)
    first, second, above_second = first[keep], second[keep], above_second[keep]

    above_first = _heights(triangles, second, first)
    keep = _on_both_sides(above_first)
    first, second = first[keep], second[keep]
    above_first, above_second = above_first[keep], above_second[keep]

    line = np.cross(triangles.normals[first], triangles.normals[second])
    # Nearly parallel planes: unscaled, the overlap would be measured in shrunken units.
    line /= np.maximum(np.linalg.norm(line, axis=1), 1e-300)[:, None]
    begin, end = _cut(triangles.corners[first], above_second, line)
    other_begin, other_end = _cut(triangles.corners[second], above_first, line)
    overlap = np.minimum(end, other_end) - np.maximum(begin, other_begin)
    keep = overlap > triangles.tolerance
    return first[keep], second[keep]


def _heights(
    triangles: _Triangles, of: Int[np.ndarray, " p"], above: Int[np.ndarray, " p"]
) -> Float[np.ndarray, "p 3"]:
    """Signed distance of each corner from the plane of another triangle; tiny ones are zero."""
    corners, normals = triangles.corners, triangles.normals
    height: Float[np.ndarray, "p 3"] = np.einsum(
        "pck,pk->pc", corners[of] - corners[above][:, :1], normals[above]
    )
    height[np.abs(height) <= triangles.tolerance] = 0.0
    return height


def _on_both_sides(height: Float[np.ndarray, "p 3"]) -> Bool[np.ndarray, " p"]:
    both: Bool[np.ndarray, " p"] = (height.min(axis=1) < 0) & (height.max(axis=1) > 0)
    return both


def _cut(
    corners: Float[np.ndarray, "p 3 3"],
    height: Float[np.ndarray, "p 3"],
    line: Float[np.ndarray, "p 3"],
) -> tuple[Float[np.ndarray, " p"], Float[np.ndarray, " p"]]:
    """Where each triangle begins and ends along the line in which a plane cuts it.

    Args:
        corners: Corners of the triangles.
        height: Signed distances of the corners from the plane, of both signs per triangle.
        line: Unit direction of the line.

    Returns:
        The interval's two ends, as projections onto ``line``.
    """
    along = np.einsum("pck,pk->pc", corners, line)
    next_along, next_height = np.roll(along, -1, axis=1), np.roll(height, -1, axis=1)
    is_cut = (height * next_height <= 0) & (height != next_height)
    drop = np.where(is_cut, height - next_height, 1.0)
    where = along + (next_along - along) * height / drop
    begin = np.where(is_cut, where, np.inf).min(axis=1)
    end = np.where(is_cut, where, -np.inf).max(axis=1)
    return begin, end
