# mypy: ignore-errors
# Warp reads these annotations itself; they are no Python types.
# ruff: noqa: B007, RUF046, UP018
# Warp turns literals into constants (a variable needs float(0.0)).
"""Antialiasing by a walk along silhouette edges; see ``edge_walk.py`` beside."""

import warp as wp

from shapecycle.rasterize.warp_backend.kernels.barycentric import edges_at, plane_depth, triangle
from shapecycle.rasterize.warp_backend.kernels.pixels import (
    add_clip,
    depth_of,
    larger,
    pixel_centre,
    smaller,
    to_screen,
    within,
)

wp.set_module_options({"enable_backward": False, "fuse_fp": False})

DEPTH_BIAS = wp.constant(1e-4)
OFFSET_STEPS = wp.constant(2047.0)
MIN_W = wp.constant(1.0e-6)


@wp.func
def side_of(a: wp.vec4, b: wp.vec4, c: wp.vec4):
    """+1 if c is left of a b on screen, -1 if right, 0 if on its line; a.w > 0."""
    bx, by = b[0] * a[3] - a[0] * b[3], b[1] * a[3] - a[1] * b[3]
    cx, cy = c[0] * a[3] - a[0] * c[3], c[1] * a[3] - a[1] * c[3]
    turn = bx * cy - by * cx
    if turn > 0.0:
        return 1
    if turn < 0.0:
        return -1
    return 0


@wp.func
def near_cuts(a: wp.vec4, b: wp.vec4):
    """How far the near plane moves each end of an edge towards the other; 1 if both are behind."""
    d, e = a[2] + a[3], b[2] + b[3]
    return wp.vec2(near_cut(d, e), near_cut(e, d))


@wp.func
def near_cut(here: float, there: float):
    if here >= 0.0:
        return 0.0
    if there <= 0.0:
        return 1.0
    return here / (here - there)


@wp.struct
class Walk:
    """A silhouette edge on screen, and the pixel lines that it crosses.

    Rows i and j of the clip positions are its ends, start and end the same moved to the near
    plane. Pairs of numbers belong to start and end: the shares by which they were moved, depths,
    and screen coordinates along and across the direction in which the edge is the longer.
    """

    instance: int
    edge: int
    i: int
    j: int
    cuts: wp.vec2
    start: wp.vec4
    end: wp.vec4
    steep: bool
    along: wp.vec2
    across: wp.vec2
    depths: wp.vec2
    first: int
    stop: int
    length: int
    inner_is_lower: bool


@wp.func
def line_bound(value: float, limit: int):
    return int(wp.ceil(within(value - 0.5, -1.0, float(limit))))


@wp.func
def start_walk(
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    edges: wp.array(dtype=wp.int32),
    edge_count: int,
    edge_stride: int,
    coded: int,
    height: int,
    width: int,
):
    """Prepare an edge, coded as twice its item plus whether the surface lies to its left."""
    w = Walk()
    item = coded // 2
    left = coded - item * 2 == 1
    w.instance = item // edge_count
    w.edge = item - w.instance * edge_count
    row = w.instance * edge_stride + w.edge * 4
    w.i = w.instance * vertices + edges[row]
    w.j = w.instance * vertices + edges[row + 1]
    a, b = clip[w.i], clip[w.j]
    w.cuts = near_cuts(a, b)
    w.start = a + w.cuts[0] * (b - a)
    w.end = b + w.cuts[1] * (a - b)
    w.depths = wp.vec2(w.start[2] / w.start[3], w.end[2] / w.end[3])
    p, q = to_screen(w.start, height, width), to_screen(w.end, height, width)
    columns, rows = wp.vec2(p[0], q[0]), wp.vec2(p[1], q[1])
    w.steep = wp.abs(rows[1] - rows[0]) >= wp.abs(columns[1] - columns[0])
    w.along = columns
    w.across = rows
    w.length = height
    lines = width
    forwards = columns[1] > columns[0]
    if w.steep:
        w.along = rows
        w.across = columns
        w.length = width
        lines = height
        forwards = rows[1] < rows[0]
    w.first = wp.max(line_bound(smaller(w.along[0], w.along[1]), lines), 0)
    w.stop = line_bound(larger(w.along[0], w.along[1]), lines)
    w.inner_is_lower = left == forwards
    return w


@wp.struct
class Crossing:
    """Where a walk passes between two pixel centres; slot is -1 outside the image.

    Inner is the pixel on the surface's side, outer its neighbour, and target the one of both that
    is blended: the outer one if the surface reaches past the border between them (excess > 0).
    """

    share: float
    slot: int
    rank: int
    inner: int
    outer: int
    target: int
    excess: float
    outwards: float


@wp.func
def cross_line(w: Walk, line: int, height: int, width: int):
    c = Crossing()
    c.slot = -1
    c.share = (float(line) + 0.5 - w.along[0]) / (w.along[1] - w.along[0])
    position = w.across[0] + c.share * (w.across[1] - w.across[0])
    lower = int(wp.floor(within(position - 0.5, -2.0, 1.0e6)))
    if lower < 0 or lower + 1 >= w.length:
        return c
    inner = lower + 1
    outer = lower
    c.outwards = -1.0
    direction = int(0)
    if w.inner_is_lower:
        inner = lower
        outer = lower + 1
        c.outwards = 1.0
        direction = 1
    c.excess = (position - float(lower + 1)) * c.outwards
    offset = wp.abs(position - 0.5 - float(inner))
    c.rank = (int(offset * OFFSET_STEPS) << 20) | w.edge
    if w.steep:
        c.inner = line * width + inner
        c.outer = line * width + outer
    else:
        c.inner = inner * width + line
        c.outer = outer * width + line
        direction += 2
    c.target = c.inner
    if c.excess > 0.0:
        c.target = c.outer
    c.slot = (w.instance * 4 + direction) * height * width + c.inner
    return c


@wp.func
def depth_at(a: wp.vec4, b: wp.vec4, c: wp.vec4, centre: wp.vec2):
    """Depth of the plane of a face at a pixel's centre."""
    t = triangle(a, b, c)
    return plane_depth(t, edges_at(t, centre[0], centre[1]))


@wp.kernel
def mark_outermost(
    begin: int,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    edges: wp.array(dtype=wp.int32),
    edge_count: int,
    edge_stride: int,
    key: wp.array(dtype=wp.int64),
    height: int,
    width: int,
    best: wp.array(dtype=wp.int32),
    found: wp.array(dtype=wp.int32),
    count: wp.array(dtype=wp.int32),
):
    """Find silhouettes, keep each pixel's outermost crossing, and list edges that have any."""
    item = begin + wp.tid()
    instance = item // edge_count
    row = instance * edge_stride + (item - instance * edge_count) * 4
    base = instance * vertices
    i, j, k, m = edges[row], edges[row + 1], edges[row + 2], edges[row + 3]
    if i == j:
        return
    a, b = clip[base + i], clip[base + j]
    start, end = wp.vec4(a), wp.vec4(b)
    # Few edges meet the near plane; cutting all of them makes this kernel slower.
    if a[2] + a[3] < 0.0 or b[2] + b[3] < 0.0:
        cuts = near_cuts(a, b)
        if cuts[0] >= 1.0 or cuts[1] >= 1.0:
            return
        start, end = a + cuts[0] * (b - a), b + cuts[1] * (a - b)
    if start[3] <= MIN_W or end[3] <= MIN_W:
        return
    first = int(0)
    second = int(0)
    if k >= 0:
        first = side_of(start, end, clip[base + k])
    if m >= 0:
        second = side_of(start, end, clip[base + m])
    if first * second < 0 or first + second == 0:
        return
    left = int(0)
    if first + second > 0:
        left = 1
    w = start_walk(clip, vertices, edges, edge_count, edge_stride, item * 2 + left, height, width)
    marked = bool(False)
    for line in range(w.first, w.stop):
        c = cross_line(w, line, height, width)
        if c.slot >= 0:
            depth = w.depths[0] + c.share * (w.depths[1] - w.depths[0])
            inside = depth_of(key[instance * height * width + c.inner])
            beyond = depth_of(key[instance * height * width + c.outer])
            hidden = inside > 1.0 or depth < -1.0 or depth > 1.0 or beyond < depth - DEPTH_BIAS
            if not hidden:
                centre = pixel_centre(c.inner, height, width)
                surface = float(4.0)
                if first != 0:
                    surface = smaller(depth_at(a, b, clip[base + k], centre), surface)
                if second != 0:
                    surface = smaller(depth_at(a, b, clip[base + m], centre), surface)
                if inside >= surface - DEPTH_BIAS:
                    wp.atomic_max(best, c.slot, c.rank)
                    marked = True
    if marked:
        found[instance * edge_count + wp.atomic_add(count, instance, 1)] = item * 2 + left


@wp.kernel
def antialias(
    begin: int,
    found: wp.array(dtype=wp.int32),
    count: wp.array(dtype=wp.int32),
    lanes: int,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    edges: wp.array(dtype=wp.int32),
    edge_count: int,
    edge_stride: int,
    best: wp.array(dtype=wp.int32),
    height: int,
    width: int,
    channels: int,
    image: wp.array(dtype=float),
    result: wp.array(dtype=float),
):
    """Blend along the edges found; each of an instance's lanes takes every so many-th."""
    item = begin + wp.tid()
    instance = item // lanes
    pixels = height * width
    for n in range(item - instance * lanes, count[instance], lanes):
        coded = found[instance * edge_count + n]
        w = start_walk(clip, vertices, edges, edge_count, edge_stride, coded, height, width)
        for line in range(w.first, w.stop):
            c = cross_line(w, line, height, width)
            if c.slot >= 0 and best[c.slot] == c.rank:
                base = instance * channels * pixels
                for k in range(channels):
                    change = c.excess * (image[base + c.inner] - image[base + c.outer])
                    wp.atomic_add(result, base + c.target, change)
                    base += pixels


@wp.kernel
def antialias_adjoint(
    begin: int,
    found: wp.array(dtype=wp.int32),
    count: wp.array(dtype=wp.int32),
    lanes: int,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    edges: wp.array(dtype=wp.int32),
    edge_count: int,
    edge_stride: int,
    best: wp.array(dtype=wp.int32),
    height: int,
    width: int,
    channels: int,
    image: wp.array(dtype=float),
    result_grad: wp.array(dtype=float),
    image_grad: wp.array(dtype=float),
    clip_grad: wp.array(dtype=float),
):
    item = begin + wp.tid()
    instance = item // lanes
    pixels = height * width
    for n in range(item - instance * lanes, count[instance], lanes):
        coded = found[instance * edge_count + n]
        w = start_walk(clip, vertices, edges, edge_count, edge_stride, coded, height, width)
        # Gradients of the two ends' screen coordinates across the walk's lines.
        across_grad = wp.vec2(0.0, 0.0)
        for line in range(w.first, w.stop):
            c = cross_line(w, line, height, width)
            if c.slot >= 0 and best[c.slot] == c.rank:
                base = instance * channels * pixels
                excess_grad = float(0.0)
                for k in range(channels):
                    g = result_grad[base + c.target]
                    excess_grad += g * (image[base + c.inner] - image[base + c.outer])
                    wp.atomic_add(image_grad, base + c.inner, c.excess * g)
                    wp.atomic_add(image_grad, base + c.outer, -c.excess * g)
                    base += pixels
                excess_grad *= c.outwards
                across_grad += excess_grad * wp.vec2(1.0 - c.share, c.share)
        start_walk_adjoint(w, across_grad, height, width, clip_grad)


@wp.func
def start_walk_adjoint(
    w: Walk, across_grad: wp.vec2, height: int, width: int, clip_grad: wp.array(dtype=float)
):
    """Carry a gradient of where an edge's two ends lie back to their clip positions.

    Moving an end along the edge changes nothing, so its gradient is at right angles to the edge.
    """
    slope = (w.across[1] - w.across[0]) / (w.along[1] - w.along[0])
    along_grad = -slope * across_grad
    gi = wp.vec2(along_grad[0], across_grad[0])
    gj = wp.vec2(along_grad[1], across_grad[1])
    if w.steep:
        gi = wp.vec2(across_grad[0], along_grad[0])
        gj = wp.vec2(across_grad[1], along_grad[1])
    di = to_screen_adjoint(w.start, gi, height, width)
    dj = to_screen_adjoint(w.end, gj, height, width)
    add_clip(clip_grad, w.i, (1.0 - w.cuts[0]) * di + w.cuts[1] * dj)
    add_clip(clip_grad, w.j, (1.0 - w.cuts[1]) * dj + w.cuts[0] * di)


@wp.func
def to_screen_adjoint(v: wp.vec4, screen_grad: wp.vec2, height: int, width: int):
    """Carry a gradient of screen coordinates back through the division by w: of x, y, w."""
    gx = screen_grad[0] * 0.5 * float(width) / v[3]
    gy = screen_grad[1] * -0.5 * float(height) / v[3]
    return wp.vec3(gx, gy, -(gx * v[0] + gy * v[1]) / v[3])
