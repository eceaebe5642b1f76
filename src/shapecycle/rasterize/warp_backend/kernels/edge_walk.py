# mypy: ignore-errors
# Warp reads these annotations itself; they are no Python types.
# ruff: noqa: B007, RUF046, UP018
# Warp turns literals into constants (a variable needs float(0.0)).
"""Antialiasing by a walk along silhouette edges; see ``edge_walk.py`` beside."""

import warp as wp

from shapecycle.rasterize.warp_backend.kernels.pixels import (
    add_clip,
    depth_of,
    larger,
    pixel_x,
    pixel_y,
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
def near_cut(v: wp.vec4, other: wp.vec4):
    """How far the near plane moves v towards the other end of its edge; 1 if both are behind."""
    here, there = v[2] + v[3], other[2] + other[3]
    if here >= 0.0:
        return 0.0
    if there <= 0.0:
        return 1.0
    return here / (here - there)


@wp.struct
class Walk:
    """A silhouette edge on screen, and the pixel lines that it crosses."""

    instance: int
    edge: int
    i: int
    j: int
    cut_i: float
    cut_j: float
    start: wp.vec4
    end: wp.vec4
    steep: bool
    along0: float
    along1: float
    across0: float
    across1: float
    depth0: float
    depth1: float
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
    w.cut_i = near_cut(a, b)
    w.cut_j = near_cut(b, a)
    w.start = a + w.cut_i * (b - a)
    w.end = b + w.cut_j * (a - b)
    p, q = to_screen(w.start, height, width), to_screen(w.end, height, width)
    ax, ay, bx, by = p[0], p[1], q[0], q[1]
    w.depth0 = w.start[2] / w.start[3]
    w.depth1 = w.end[2] / w.end[3]
    w.steep = wp.abs(by - ay) >= wp.abs(bx - ax)
    if w.steep:
        w.along0 = ay
        w.along1 = by
        w.across0 = ax
        w.across1 = bx
        w.length = width
        w.first = line_bound(smaller(ay, by), height)
        w.stop = line_bound(larger(ay, by), height)
        w.inner_is_lower = left == (by < ay)
    else:
        w.along0 = ax
        w.along1 = bx
        w.across0 = ay
        w.across1 = by
        w.length = height
        w.first = line_bound(smaller(ax, bx), width)
        w.stop = line_bound(larger(ax, bx), width)
        w.inner_is_lower = left == (bx > ax)
    w.first = wp.max(w.first, 0)
    return w


@wp.struct
class Crossing:
    """Where a walk passes between two pixel centres; slot is -1 outside the image."""

    share: float
    slot: int
    rank: int
    inner: int
    outer: int
    excess: float
    outwards: float


@wp.func
def cross_line(w: Walk, line: int, height: int, width: int):
    c = Crossing()
    c.slot = -1
    c.share = (float(line) + 0.5 - w.along0) / (w.along1 - w.along0)
    position = w.across0 + c.share * (w.across1 - w.across0)
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
    c.slot = (w.instance * 4 + direction) * height * width + c.inner
    return c


@wp.func
def plane_depth(a: wp.vec4, b: wp.vec4, c: wp.vec4, px: float, py: float):
    ax, ay = a[0] - px * a[3], a[1] - py * a[3]
    bx, by = b[0] - px * b[3], b[1] - py * b[3]
    cx, cy = c[0] - px * c[3], c[1] - py * c[3]
    ea, eb, ec = bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx
    volume = ea * a[3] + eb * b[3] + ec * c[3]
    return (ea * a[2] + eb * b[2] + ec * c[2]) / volume


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
    if a[2] + a[3] < 0.0 or b[2] + b[3] < 0.0:
        cut_a, cut_b = near_cut(a, b), near_cut(b, a)
        if cut_a >= 1.0 or cut_b >= 1.0:
            return
        start = a + cut_a * (b - a)
        end = b + cut_b * (a - b)
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
            depth = w.depth0 + c.share * (w.depth1 - w.depth0)
            inside = depth_of(key[instance * height * width + c.inner])
            beyond = depth_of(key[instance * height * width + c.outer])
            hidden = inside > 1.0 or depth < -1.0 or depth > 1.0 or beyond < depth - DEPTH_BIAS
            if not hidden:
                y = c.inner // width
                px, py = pixel_x(c.inner - y * width, width), pixel_y(y, height)
                surface = float(4.0)
                if first != 0:
                    surface = smaller(plane_depth(a, b, clip[base + k], px, py), surface)
                if second != 0:
                    surface = smaller(plane_depth(a, b, clip[base + m], px, py), surface)
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
                target = c.inner
                if c.excess > 0.0:
                    target = c.outer
                for k in range(channels):
                    change = c.excess * (image[base + c.inner] - image[base + c.outer])
                    wp.atomic_add(result, base + target, change)
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
    for n in range(item - instance * lanes, count[instance], lanes):
        coded = found[instance * edge_count + n]
        w = start_walk(clip, vertices, edges, edge_count, edge_stride, coded, height, width)
        walk_back(w, best, height, width, channels, image, result_grad, image_grad, clip_grad)


@wp.func
def walk_back(
    w: Walk,
    best: wp.array(dtype=wp.int32),
    height: int,
    width: int,
    channels: int,
    image: wp.array(dtype=float),
    result_grad: wp.array(dtype=float),
    image_grad: wp.array(dtype=float),
    clip_grad: wp.array(dtype=float),
):
    """Carry the picture's gradient back to the pixels that an edge blended, and to its ends."""
    pixels = height * width
    slope = (w.across1 - w.across0) / (w.along1 - w.along0)
    # Gradients of the two ends' screen coordinates, along and across the walk's lines.
    across0 = float(0.0)
    across1 = float(0.0)
    hits = int(0)
    for line in range(w.first, w.stop):
        c = cross_line(w, line, height, width)
        if c.slot >= 0 and best[c.slot] == c.rank:
            base = w.instance * channels * pixels
            target = c.inner
            if c.excess > 0.0:
                target = c.outer
            pull = float(0.0)
            for k in range(channels):
                g = result_grad[base + target]
                pull += g * (image[base + c.inner] - image[base + c.outer])
                wp.atomic_add(image_grad, base + c.inner, c.excess * g)
                wp.atomic_add(image_grad, base + c.outer, -c.excess * g)
                base += pixels
            pull *= c.outwards
            across0 += pull * (1.0 - c.share)
            across1 += pull * c.share
            hits += 1
    if hits == 0:
        return
    gi = wp.vec2(-slope * across0, across0)
    gj = wp.vec2(-slope * across1, across1)
    if w.steep:
        gi = wp.vec2(across0, -slope * across0)
        gj = wp.vec2(across1, -slope * across1)
    di, dj = to_clip(w.start, gi, height, width), to_clip(w.end, gj, height, width)
    add_clip(clip_grad, w.i, (1.0 - w.cut_i) * di + w.cut_j * dj)
    add_clip(clip_grad, w.j, (1.0 - w.cut_j) * dj + w.cut_i * di)


@wp.func
def to_clip(v: wp.vec4, screen_grad: wp.vec2, height: int, width: int):
    """Carry a gradient of screen coordinates back through the division by w: of x, y, w."""
    gx = screen_grad[0] * 0.5 * float(width) / v[3]
    gy = screen_grad[1] * -0.5 * float(height) / v[3]
    return wp.vec3(gx, gy, -(gx * v[0] + gy * v[1]) / v[3])
