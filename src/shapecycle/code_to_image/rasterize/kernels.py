# mypy: ignore-errors
# Warp reads these annotations itself; they are no Python types.
# ruff: noqa: B007, RUF046, UP018
# Warp turns literals into constants (a variable needs float(0.0)).
"""The rasteriser as compiled kernels (float32, CPU and CUDA from one source).

Each kernel repeats the arithmetic of ``scan.py`` and ``edge_walk.py`` in the same
order, with contraction into fused multiply-adds switched off, so that both see the same faces.
Adjoints are written by hand. All launches and arrays are one-dimensional: on the CPU, Warp's
multi-dimensional indexing costs several times more than the arithmetic.
"""

import warp as wp

wp.set_module_options({"enable_backward": False, "fuse_fp": False})

EMPTY = wp.constant(wp.int64((1 << 63) - 1))
DEPTH_STEPS = wp.constant(float(1 << 30))
DEPTH_BIAS = wp.constant(1e-4)
OFFSET_STEPS = wp.constant(2047.0)
LEAST_W = wp.constant(1.0e-6)
TINY = wp.constant(1.1754943508222875e-38)
SLACK = wp.constant(1e-3)
FAR_OUT = wp.constant(1.0e30)


@wp.func
def pixel_x(j: int, width: int):
    return float(2 * j + 1) / float(width) - 1.0


@wp.func
def pixel_y(i: int, height: int):
    return 1.0 - float(2 * i + 1) / float(height)


@wp.func
def owns_its_line(a: wp.vec4, b: wp.vec4):
    slope_x = a[1] * b[3] - b[1] * a[3]
    slope_y = b[0] * a[3] - a[0] * b[3]
    return slope_x > 0.0 or (slope_x == 0.0 and slope_y > 0.0)


@wp.func
def first_pixel(low: float, length: int):
    return wp.max(int(wp.ceil(wp.clamp(low - 0.5 - SLACK, -1.0, float(length + 1)))), 0)


@wp.func
def last_pixel(high: float, length: int):
    return wp.min(int(wp.floor(wp.clamp(high - 0.5 + SLACK, -2.0, float(length)))), length - 1)


@wp.func
def to_screen(v: wp.vec4, height: int, width: int):
    x = (v[0] / v[3] * 0.5 + 0.5) * float(width)
    y = (v[1] / v[3] * -0.5 + 0.5) * float(height)
    return wp.vec2(x, y)


@wp.func
def screen_bounds(a: wp.vec4, b: wp.vec4, c: wp.vec4, height: int, width: int):
    """Smallest and largest column and row coordinates of a face's visible part."""
    if a[3] > TINY and b[3] > TINY and c[3] > TINY:
        p, q, r = (
            to_screen(a, height, width),
            to_screen(b, height, width),
            to_screen(c, height, width),
        )
        return wp.min(p, wp.min(q, r)), wp.max(p, wp.max(q, r))
    low = wp.vec2(FAR_OUT, FAR_OUT)
    high = wp.vec2(-FAR_OUT, -FAR_OUT)
    low, high = cut_bounds(a, b, low, high, height, width)
    low, high = cut_bounds(b, c, low, high, height, width)
    low, high = cut_bounds(c, a, low, high, height, width)
    return low, high


@wp.func
def cut_bounds(v: wp.vec4, next: wp.vec4, low: wp.vec2, high: wp.vec2, height: int, width: int):
    """Widen bounds by a corner in front of the near plane, and by its edge's cut with it."""
    here, there = v[2] + v[3], next[2] + next[3]
    if here >= 0.0:
        low, high = widen(v, low, high, height, width)
    if (here >= 0.0) != (there >= 0.0):
        cut = v + (here / (here - there)) * (next - v)
        low, high = widen(cut, low, high, height, width)
    return low, high


@wp.func
def widen(v: wp.vec4, low: wp.vec2, high: wp.vec2, height: int, width: int):
    if v[3] <= TINY:
        return wp.vec2(-FAR_OUT, -FAR_OUT), wp.vec2(FAR_OUT, FAR_OUT)
    p = to_screen(v, height, width)
    return wp.min(low, p), wp.max(high, p)


@wp.func
def depth_of(key: wp.int64):
    if key == EMPTY:
        return 3.0
    return float(key >> wp.int64(32)) * (2.0 / DEPTH_STEPS) - 1.0


@wp.kernel
def rasterize(
    clip: wp.array(dtype=wp.vec4),
    faces: wp.array(dtype=wp.int32),
    vertices: int,
    face_count: int,
    face_stride: int,
    height: int,
    width: int,
    cull: int,
    key: wp.array(dtype=wp.int64),
):
    item = wp.tid()
    instance = item // face_count
    face = item - instance * face_count
    row = instance * face_stride + face * 3
    i0, i1, i2 = faces[row], faces[row + 1], faces[row + 2]
    if i0 == i1 or i1 == i2 or i2 == i0:
        return
    base = instance * vertices
    a, b, c = clip[base + i0], clip[base + i1], clip[base + i2]
    low, high = screen_bounds(a, b, c, height, width)
    left, right = first_pixel(low[0], width), last_pixel(high[0], width)
    top, bottom = first_pixel(low[1], height), last_pixel(high[1], height)
    if left > right or top > bottom:
        return
    own0, own1, own2 = owns_its_line(b, c), owns_its_line(c, a), owns_its_line(a, b)
    for i in range(top, bottom + 1):
        py = pixel_y(i, height)
        y0, y1, y2 = a[1] - py * a[3], b[1] - py * b[3], c[1] - py * c[3]
        for j in range(left, right + 1):
            px = pixel_x(j, width)
            x0, x1, x2 = a[0] - px * a[3], b[0] - px * b[3], c[0] - px * c[3]
            e0 = x1 * y2 - y1 * x2
            e1 = x2 * y0 - y2 * x0
            e2 = x0 * y1 - y0 * x1
            front = (
                (e0 > 0.0 or (e0 == 0.0 and own0))
                and (e1 > 0.0 or (e1 == 0.0 and own1))
                and (e2 > 0.0 or (e2 == 0.0 and own2))
            )
            back = (
                cull == 0
                and (e0 < 0.0 or (e0 == 0.0 and not own0))
                and (e1 < 0.0 or (e1 == 0.0 and not own1))
                and (e2 < 0.0 or (e2 == 0.0 and not own2))
            )
            if front or back:
                volume = e0 * a[3] + e1 * b[3] + e2 * c[3]
                if (front and volume > 0.0) or (back and volume < 0.0):
                    depth = (e0 * a[2] + e1 * b[2] + e2 * c[2]) / volume
                    if depth >= -1.0 and depth <= 1.0:
                        steps = wp.int64((depth * 0.5 + 0.5) * DEPTH_STEPS)
                        rank = (steps << wp.int64(32)) | wp.int64(face)
                        wp.atomic_min(key, (instance * height + i) * width + j, rank)


@wp.struct
class Sight:
    """A pixel's face: corner rows, positions relative to the pixel, barycentric weights."""

    i0: int
    i1: int
    i2: int
    x: wp.vec3
    y: wp.vec3
    total: float
    weight: wp.vec3
    px: float
    py: float


@wp.func
def look(
    clip: wp.array(dtype=wp.vec4),
    faces: wp.array(dtype=wp.int32),
    row: int,
    base: int,
    px: float,
    py: float,
):
    s = Sight()
    s.i0 = base + faces[row]
    s.i1 = base + faces[row + 1]
    s.i2 = base + faces[row + 2]
    a, b, c = clip[s.i0], clip[s.i1], clip[s.i2]
    s.x = wp.vec3(a[0] - px * a[3], b[0] - px * b[3], c[0] - px * c[3])
    s.y = wp.vec3(a[1] - py * a[3], b[1] - py * b[3], c[1] - py * c[3])
    e0 = s.x[1] * s.y[2] - s.y[1] * s.x[2]
    e1 = s.x[2] * s.y[0] - s.y[2] * s.x[0]
    e2 = s.x[0] * s.y[1] - s.y[0] * s.x[1]
    s.total = e0 + e1 + e2
    s.weight = wp.vec3(e0 / s.total, e1 / s.total, e2 / s.total)
    s.px = px
    s.py = py
    return s


@wp.kernel
def interpolate(
    attributes: wp.array(dtype=float),
    attribute_stride: int,
    attribute_faces: wp.array(dtype=wp.int32),
    channels: int,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    faces: wp.array(dtype=wp.int32),
    face_stride: int,
    key: wp.array(dtype=wp.int64),
    height: int,
    width: int,
    image: wp.array(dtype=float),
):
    item = wp.tid()
    rank = key[item]
    if rank == EMPTY:
        return
    pixels = height * width
    instance = item // pixels
    pixel = item - instance * pixels
    i = pixel // width
    row = instance * face_stride + int(rank & wp.int64(0xFFFFFFFF)) * 3
    px, py = pixel_x(pixel - i * width, width), pixel_y(i, height)
    s = look(clip, faces, row, instance * vertices, px, py)
    base = instance * attribute_stride
    r0 = base + attribute_faces[row] * channels
    r1 = base + attribute_faces[row + 1] * channels
    r2 = base + attribute_faces[row + 2] * channels
    out = instance * channels * pixels + pixel
    for k in range(channels):
        image[out + k * pixels] = (
            attributes[r0 + k] * s.weight[0]
            + attributes[r1 + k] * s.weight[1]
            + attributes[r2 + k] * s.weight[2]
        )


@wp.kernel
def interpolate_adjoint(
    attributes: wp.array(dtype=float),
    attribute_stride: int,
    attribute_faces: wp.array(dtype=wp.int32),
    channels: int,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    faces: wp.array(dtype=wp.int32),
    face_stride: int,
    key: wp.array(dtype=wp.int64),
    height: int,
    width: int,
    image_grad: wp.array(dtype=float),
    wants_attributes: int,
    wants_clip: int,
    attributes_grad: wp.array(dtype=float),
    clip_grad: wp.array(dtype=float),
):
    item = wp.tid()
    rank = key[item]
    if rank == EMPTY:
        return
    pixels = height * width
    instance = item // pixels
    pixel = item - instance * pixels
    i = pixel // width
    row = instance * face_stride + int(rank & wp.int64(0xFFFFFFFF)) * 3
    px, py = pixel_x(pixel - i * width, width), pixel_y(i, height)
    s = look(clip, faces, row, instance * vertices, px, py)
    base = instance * attribute_stride
    r0 = base + attribute_faces[row] * channels
    r1 = base + attribute_faces[row + 1] * channels
    r2 = base + attribute_faces[row + 2] * channels
    out = instance * channels * pixels + pixel
    g0 = float(0.0)
    g1 = float(0.0)
    g2 = float(0.0)
    for k in range(channels):
        g = image_grad[out + k * pixels]
        if wants_attributes != 0:
            wp.atomic_add(attributes_grad, r0 + k, g * s.weight[0])
            wp.atomic_add(attributes_grad, r1 + k, g * s.weight[1])
            wp.atomic_add(attributes_grad, r2 + k, g * s.weight[2])
        g0 += g * attributes[r0 + k]
        g1 += g * attributes[r1 + k]
        g2 += g * attributes[r2 + k]
    if wants_clip == 0:
        return
    mean = g0 * s.weight[0] + g1 * s.weight[1] + g2 * s.weight[2]
    h0, h1, h2 = (g0 - mean) / s.total, (g1 - mean) / s.total, (g2 - mean) / s.total
    add_clip(
        clip_grad, s.i0, at_pixel(h2 * s.y[1] - h1 * s.y[2], h1 * s.x[2] - h2 * s.x[1], px, py)
    )
    add_clip(
        clip_grad, s.i1, at_pixel(h0 * s.y[2] - h2 * s.y[0], h2 * s.x[0] - h0 * s.x[2], px, py)
    )
    add_clip(
        clip_grad, s.i2, at_pixel(h1 * s.y[0] - h0 * s.y[1], h0 * s.x[1] - h1 * s.x[0], px, py)
    )


@wp.func
def at_pixel(dx: float, dy: float, px: float, py: float):
    """Carry a gradient of a position relative to a pixel back to x, y, w."""
    return wp.vec3(dx, dy, -px * dx - py * dy)


@wp.func
def side_of(a: wp.vec4, b: wp.vec4, c: wp.vec4):
    """+1 if c is left of a b on screen, -1 if right, 0 if on its line; a.w > 0."""
    x, y = a[0] / a[3], a[1] / a[3]
    bx, by = b[0] - x * b[3], b[1] - y * b[3]
    cx, cy = c[0] - x * c[3], c[1] - y * c[3]
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


@wp.kernel
def find_silhouettes(
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    edges: wp.array(dtype=wp.int32),
    edge_count: int,
    edge_stride: int,
    found: wp.array(dtype=wp.int32),
    count: wp.array(dtype=wp.int32),
):
    """List (item, sides) of edges whose faces lie on one side; sides in base 3, plus 1 each."""
    item = wp.tid()
    instance = item // edge_count
    row = instance * edge_stride + (item - instance * edge_count) * 4
    base = instance * vertices
    i, j, k, m = edges[row], edges[row + 1], edges[row + 2], edges[row + 3]
    if i == j:
        return
    a, b = clip[base + i], clip[base + j]
    cut_a, cut_b = near_cut(a, b), near_cut(b, a)
    if cut_a >= 1.0 or cut_b >= 1.0:
        return
    start, end = a + cut_a * (b - a), b + cut_b * (a - b)
    if start[3] <= LEAST_W or end[3] <= LEAST_W:
        return
    first = int(0)
    second = int(0)
    if k >= 0:
        first = side_of(start, end, clip[base + k])
    if m >= 0:
        second = side_of(start, end, clip[base + m])
    if first * second < 0 or first + second == 0:
        return
    slot = wp.atomic_add(count, 0, 1)
    found[2 * slot] = item
    found[2 * slot + 1] = (first + 1) * 3 + second + 1


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
    return int(wp.ceil(wp.min(wp.max(value - 0.5, -1.0), float(limit))))


@wp.func
def start_walk(
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    edges: wp.array(dtype=wp.int32),
    edge_count: int,
    edge_stride: int,
    item: int,
    sides: int,
    height: int,
    width: int,
):
    w = Walk()
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
    left = sides // 3 + sides % 3 > 2
    if w.steep:
        w.along0 = ay
        w.along1 = by
        w.across0 = ax
        w.across1 = bx
        w.length = width
        w.first = line_bound(wp.min(ay, by), height)
        w.stop = line_bound(wp.max(ay, by), height)
        w.inner_is_lower = left == (by < ay)
    else:
        w.along0 = ax
        w.along1 = bx
        w.across0 = ay
        w.across1 = by
        w.length = height
        w.first = line_bound(wp.min(ax, bx), width)
        w.stop = line_bound(wp.max(ax, bx), width)
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
    lower = int(wp.floor(wp.clamp(position - 0.5, -2.0, 1.0e6)))
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
    found: wp.array(dtype=wp.int32),
    count: wp.array(dtype=wp.int32),
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    edges: wp.array(dtype=wp.int32),
    edge_count: int,
    edge_stride: int,
    key: wp.array(dtype=wp.int64),
    height: int,
    width: int,
    best: wp.array(dtype=wp.int32),
):
    n = wp.tid()
    if n >= count[0]:
        return
    item, sides = found[2 * n], found[2 * n + 1]
    w = start_walk(clip, vertices, edges, edge_count, edge_stride, item, sides, height, width)
    row = w.instance * edge_stride + w.edge * 4
    pixels = height * width
    for line in range(w.first, w.stop):
        c = cross_line(w, line, height, width)
        if c.slot >= 0:
            depth = w.depth0 + c.share * (w.depth1 - w.depth0)
            within = depth_of(key[w.instance * pixels + c.inner])
            beyond = depth_of(key[w.instance * pixels + c.outer])
            hidden = within > 1.0 or depth < -1.0 or depth > 1.0 or beyond < depth - DEPTH_BIAS
            if not hidden:
                i = c.inner // width
                px, py = pixel_x(c.inner - i * width, width), pixel_y(i, height)
                a, b = clip[w.i], clip[w.j]
                surface = float(4.0)
                if sides // 3 != 1:
                    apex = clip[w.instance * vertices + edges[row + 2]]
                    surface = wp.min(surface, plane_depth(a, b, apex, px, py))
                if sides % 3 != 1:
                    apex = clip[w.instance * vertices + edges[row + 3]]
                    surface = wp.min(surface, plane_depth(a, b, apex, px, py))
                if within >= surface - DEPTH_BIAS:
                    wp.atomic_max(best, c.slot, c.rank)


@wp.kernel
def antialias(
    found: wp.array(dtype=wp.int32),
    count: wp.array(dtype=wp.int32),
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
    n = wp.tid()
    if n >= count[0]:
        return
    item, sides = found[2 * n], found[2 * n + 1]
    w = start_walk(clip, vertices, edges, edge_count, edge_stride, item, sides, height, width)
    pixels = height * width
    for line in range(w.first, w.stop):
        c = cross_line(w, line, height, width)
        if c.slot >= 0 and best[c.slot] == c.rank:
            base = w.instance * channels * pixels
            target = c.inner
            if c.excess > 0.0:
                target = c.outer
            for k in range(channels):
                change = c.excess * (image[base + c.inner] - image[base + c.outer])
                wp.atomic_add(result, base + target, change)
                base += pixels


@wp.kernel
def antialias_adjoint(
    found: wp.array(dtype=wp.int32),
    count: wp.array(dtype=wp.int32),
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
    n = wp.tid()
    if n >= count[0]:
        return
    item, sides = found[2 * n], found[2 * n + 1]
    w = start_walk(clip, vertices, edges, edge_count, edge_stride, item, sides, height, width)
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


@wp.func
def add_clip(clip_grad: wp.array(dtype=float), row: int, g: wp.vec3):
    wp.atomic_add(clip_grad, row * 4, g[0])
    wp.atomic_add(clip_grad, row * 4 + 1, g[1])
    wp.atomic_add(clip_grad, row * 4 + 3, g[2])


@wp.kernel
def add_face_normals(
    vertices: wp.array(dtype=wp.vec3),
    vertex_count: int,
    faces: wp.array(dtype=wp.int32),
    face_count: int,
    face_stride: int,
    total: wp.array(dtype=wp.vec3),
):
    item = wp.tid()
    instance = item // face_count
    row = instance * face_stride + (item - instance * face_count) * 3
    base = instance * vertex_count
    i, j, k = base + faces[row], base + faces[row + 1], base + faces[row + 2]
    a = vertices[i]
    normal = wp.cross(vertices[j] - a, vertices[k] - a)
    wp.atomic_add(total, i, normal)
    wp.atomic_add(total, j, normal)
    wp.atomic_add(total, k, normal)


@wp.kernel
def face_normals_adjoint(
    vertices: wp.array(dtype=wp.vec3),
    vertex_count: int,
    faces: wp.array(dtype=wp.int32),
    face_count: int,
    face_stride: int,
    total_grad: wp.array(dtype=wp.vec3),
    vertices_grad: wp.array(dtype=wp.vec3),
):
    item = wp.tid()
    instance = item // face_count
    row = instance * face_stride + (item - instance * face_count) * 3
    base = instance * vertex_count
    i, j, k = base + faces[row], base + faces[row + 1], base + faces[row + 2]
    a = vertices[i]
    u, v = vertices[j] - a, vertices[k] - a
    g = total_grad[i] + total_grad[j] + total_grad[k]
    du, dv = wp.cross(v, g), wp.cross(g, u)
    wp.atomic_add(vertices_grad, i, -du - dv)
    wp.atomic_add(vertices_grad, j, du)
    wp.atomic_add(vertices_grad, k, dv)


@wp.kernel
def to_unit(total: wp.array(dtype=wp.vec3), unit: wp.array(dtype=wp.vec3)):
    item = wp.tid()
    v = total[item]
    square = wp.dot(v, v)
    if square > 1.0e-30:
        unit[item] = v * (1.0 / wp.sqrt(square))


@wp.kernel
def to_unit_adjoint(
    total: wp.array(dtype=wp.vec3),
    unit_grad: wp.array(dtype=wp.vec3),
    total_grad: wp.array(dtype=wp.vec3),
):
    item = wp.tid()
    v = total[item]
    square = wp.dot(v, v)
    if square > 1.0e-30:
        shrink = 1.0 / wp.sqrt(square)
        u = v * shrink
        g = unit_grad[item]
        total_grad[item] = (g - u * wp.dot(u, g)) * shrink
