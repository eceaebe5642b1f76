# mypy: ignore-errors
# Warp reads these annotations itself; they are no Python types.
# ruff: noqa: UP018, RUF046
# Warp turns literals into constants (a variable needs float(0.0)).
"""The nearest of many points, by looking at all of them sixteen at a time.

Distances are compared as the integers that their bits make, which have the same order: the
smaller of two floats may be NaN and is not vectorised, that of two integers is.
"""

import warp as wp

wp.set_module_options({"enable_backward": False, "fuse_fp": False})

LANES = 16
ROUND = 4
FARTHEST = wp.constant(0x7FFFFFFF)

lanes = wp.types.vector(length=LANES, dtype=wp.float32)
whole_lanes = wp.types.vector(length=LANES, dtype=wp.int32)
vec6 = wp.types.vector(length=6, dtype=wp.float32)


@wp.func
def square(points: wp.array(dtype=lanes), row: int, x: float):
    away = points[row] - lanes(x)
    return wp.cw_mul(away, away)


@wp.func
def distances_3(q: wp.vec3, points: wp.array(dtype=lanes), row: int):
    total = square(points, row, q[0]) + square(points, row + 1, q[1])
    return wp.cast(total + square(points, row + 2, q[2]), whole_lanes)


@wp.func
def distances_6(q: vec6, points: wp.array(dtype=lanes), row: int):
    total = square(points, row, q[0]) + square(points, row + 1, q[1])
    total += square(points, row + 2, q[2]) + square(points, row + 3, q[3])
    total += square(points, row + 4, q[4]) + square(points, row + 5, q[5])
    return wp.cast(total, whole_lanes)


@wp.kernel
def nearest_3(
    begin: int,
    queries: wp.array(dtype=wp.vec3),
    query_count: int,
    points: wp.array(dtype=lanes),
    groups: int,
    nearest: wp.array(dtype=wp.int64),
):
    item = begin + wp.tid()
    q = wp.vec3(queries[item])
    first = (item // query_count) * groups * 3
    best, where = int(FARTHEST), int(0)
    for group in range(0, groups, ROUND):
        least = distances_3(q, points, first + group * 3)
        for k in range(1, ROUND):
            least = wp.min(least, distances_3(q, points, first + (group + k) * 3))
        least_of_all = wp.min(least)
        if least_of_all < best:
            best = least_of_all
            where = group
    found = int(0)
    for k in range(ROUND):
        # Backwards, so that the first of equally near points is the last to be found.
        group = where + ROUND - 1 - k
        away = distances_3(q, points, first + group * 3)
        for lane in range(LANES):
            if away[LANES - 1 - lane] == best:
                found = group * LANES + LANES - 1 - lane
    nearest[item] = wp.int64(found)


@wp.kernel
def nearest_6(
    begin: int,
    queries: wp.array(dtype=vec6),
    query_count: int,
    points: wp.array(dtype=lanes),
    groups: int,
    nearest: wp.array(dtype=wp.int64),
):
    item = begin + wp.tid()
    q = vec6(queries[item])
    first = (item // query_count) * groups * 6
    best, where = int(FARTHEST), int(0)
    for group in range(0, groups, ROUND):
        least = distances_6(q, points, first + group * 6)
        for k in range(1, ROUND):
            least = wp.min(least, distances_6(q, points, first + (group + k) * 6))
        least_of_all = wp.min(least)
        if least_of_all < best:
            best = least_of_all
            where = group
    found = int(0)
    for k in range(ROUND):
        # Backwards, so that the first of equally near points is the last to be found.
        group = where + ROUND - 1 - k
        away = distances_6(q, points, first + group * 6)
        for lane in range(LANES):
            if away[LANES - 1 - lane] == best:
                found = group * LANES + LANES - 1 - lane
    nearest[item] = wp.int64(found)
