# mypy: ignore-errors
# Warp reads these annotations itself; they are no Python types.
# ruff: noqa: UP018
# Warp turns literals into constants (a variable needs float(0.0)).
"""Which face each pixel sees, and attributes spread over faces; see ``scan.py`` beside."""

import warp as wp

from shapecycle.rasterize.warp_backend.kernels.pixels import (
    DEPTH_STEPS,
    EMPTY,
    TINY,
    add_clip,
    larger,
    pixel_x,
    pixel_y,
    smaller,
    to_screen,
    within,
)

wp.set_module_options({"enable_backward": False, "fuse_fp": False})

SLACK = wp.constant(1e-3)
FAR_OUT = wp.constant(1.0e30)


@wp.func
def owns_its_line(a: wp.vec4, b: wp.vec4):
    slope_x = a[1] * b[3] - b[1] * a[3]
    slope_y = b[0] * a[3] - a[0] * b[3]
    return slope_x > 0.0 or (slope_x == 0.0 and slope_y > 0.0)


@wp.func
def first_pixel(low: float, length: int):
    return wp.max(int(wp.ceil(within(low - 0.5 - SLACK, -1.0, float(length + 1)))), 0)


@wp.func
def last_pixel(high: float, length: int):
    return wp.min(int(wp.floor(within(high - 0.5 + SLACK, -2.0, float(length)))), length - 1)


@wp.func
def screen_bounds(a: wp.vec4, b: wp.vec4, c: wp.vec4, height: int, width: int):
    """Smallest and largest column and row coordinates of a face's visible part."""
    if a[3] > TINY and b[3] > TINY and c[3] > TINY:
        p, q, r = (
            to_screen(a, height, width),
            to_screen(b, height, width),
            to_screen(c, height, width),
        )
        return smaller_both(p, smaller_both(q, r)), larger_both(p, larger_both(q, r))
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
    return smaller_both(low, p), larger_both(high, p)


@wp.func
def smaller_both(p: wp.vec2, q: wp.vec2):
    return wp.vec2(smaller(p[0], q[0]), smaller(p[1], q[1]))


@wp.func
def larger_both(p: wp.vec2, q: wp.vec2):
    return wp.vec2(larger(p[0], q[0]), larger(p[1], q[1]))


@wp.func
def volume_at(a: wp.vec4, b: wp.vec4, c: wp.vec4, px: float, py: float):
    """Six times the signed volume that a face spans with the eye, positive seen from before."""
    x0, x1, x2 = a[0] - px * a[3], b[0] - px * b[3], c[0] - px * c[3]
    y0, y1, y2 = a[1] - py * a[3], b[1] - py * b[3], c[1] - py * c[3]
    e0, e1, e2 = x1 * y2 - y1 * x2, x2 * y0 - y2 * x0, x0 * y1 - y0 * x1
    return e0 * a[3] + e1 * b[3] + e2 * c[3]


@wp.kernel
def rasterize(
    begin: int,
    clip: wp.array(dtype=wp.vec4),
    faces: wp.array(dtype=wp.int32),
    vertices: int,
    face_count: int,
    face_stride: int,
    height: int,
    width: int,
    peel: int,
    behind: wp.array(dtype=wp.int64),
    cull: int,
    key: wp.array(dtype=wp.int64),
):
    item = begin + wp.tid()
    instance = item // face_count
    face = item - instance * face_count
    row = instance * face_stride + face * 3
    i0, i1, i2 = faces[row], faces[row + 1], faces[row + 2]
    if i0 == i1 or i1 == i2 or i2 == i0:
        return
    base = instance * vertices
    low, high = screen_bounds(clip[base + i0], clip[base + i1], clip[base + i2], height, width)
    left, right = first_pixel(low[0], width), last_pixel(high[0], width)
    top, bottom = first_pixel(low[1], height), last_pixel(high[1], height)
    if left > right or top > bottom:
        return
    first = base + i0
    second = base + i1
    px, py = pixel_x(left, width), pixel_y(top, height)
    if volume_at(clip[first], clip[second], clip[base + i2], px, py) < 0.0:
        if cull != 0:
            return
        # Seen from behind: turned round, which flips the sign of every edge function exactly.
        first = base + i1
        second = base + i0
    a, b, c = clip[first], clip[second], clip[base + i2]
    # Numbers of their own: the loops would read the array again after every write.
    ax, ay, az, aw = a[0], a[1], a[2], a[3]
    bx, by, bz, bw = b[0], b[1], b[2], b[3]
    cx, cy, cz, cw = c[0], c[1], c[2], c[3]
    for i in range(top, bottom + 1):
        py = pixel_y(i, height)
        y0, y1, y2 = ay - py * aw, by - py * bw, cy - py * cw
        line = (instance * height + i) * width
        for j in range(left, right + 1):
            px = pixel_x(j, width)
            x0, x1, x2 = ax - px * aw, bx - px * bw, cx - px * cw
            e0 = x1 * y2 - y1 * x2
            e1 = x2 * y0 - y2 * x0
            e2 = x0 * y1 - y0 * x1
            least = smaller(e0, smaller(e1, e2))
            if least < 0.0:
                continue
            if least == 0.0 and (
                (e0 == 0.0 and not owns_its_line(b, c))
                or (e1 == 0.0 and not owns_its_line(c, a))
                or (e2 == 0.0 and not owns_its_line(a, b))
            ):
                continue
            depth = (e0 * az + e1 * bz + e2 * cz) / (e0 * aw + e1 * bw + e2 * cw)
            if depth >= -1.0 and depth <= 1.0:
                steps = wp.int64((depth * 0.5 + 0.5) * DEPTH_STEPS)
                rank = (steps << wp.int64(32)) | wp.int64(face)
                if peel == 0 or rank > behind[line + j]:
                    wp.atomic_min(key, line + j, rank)


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
    inverse = 1.0 / s.total
    s.weight = wp.vec3(e0 * inverse, e1 * inverse, e2 * inverse)
    return s


@wp.func
def add_weights(clip_grad: wp.array(dtype=float), s: Sight, g: wp.vec3, px: float, py: float):
    """Carry a gradient of the three weights back to the corners' positions."""
    inverse = 1.0 / s.total
    h = (g - wp.vec3(1.0, 1.0, 1.0) * wp.dot(g, s.weight)) * inverse
    x, y = s.x, s.y
    add_clip(
        clip_grad, s.i0, at_pixel(h[2] * y[1] - h[1] * y[2], h[1] * x[2] - h[2] * x[1], px, py)
    )
    add_clip(
        clip_grad, s.i1, at_pixel(h[0] * y[2] - h[2] * y[0], h[2] * x[0] - h[0] * x[2], px, py)
    )
    add_clip(
        clip_grad, s.i2, at_pixel(h[1] * y[0] - h[0] * y[1], h[0] * x[1] - h[1] * x[0], px, py)
    )


@wp.func
def at_pixel(dx: float, dy: float, px: float, py: float):
    """Carry a gradient of a position relative to a pixel back to x, y, w."""
    return wp.vec3(dx, dy, -px * dx - py * dy)


@wp.kernel
def interpolate(
    begin: int,
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
    item = begin + wp.tid()
    rank = key[item]
    pixels = height * width
    instance = item // pixels
    pixel = item - instance * pixels
    out = instance * channels * pixels + pixel
    if rank == EMPTY:
        for k in range(channels):
            image[out + k * pixels] = 0.0
        return
    i = pixel // width
    row = instance * face_stride + int(rank & wp.int64(0xFFFFFFFF)) * 3
    px, py = pixel_x(pixel - i * width, width), pixel_y(i, height)
    s = look(clip, faces, row, instance * vertices, px, py)
    base = instance * attribute_stride
    r0 = base + attribute_faces[row] * channels
    r1 = base + attribute_faces[row + 1] * channels
    r2 = base + attribute_faces[row + 2] * channels
    for k in range(channels):
        image[out + k * pixels] = (
            attributes[r0 + k] * s.weight[0]
            + attributes[r1 + k] * s.weight[1]
            + attributes[r2 + k] * s.weight[2]
        )


@wp.kernel
def interpolate_adjoint(
    begin: int,
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
    item = begin + wp.tid()
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
    add_weights(clip_grad, s, wp.vec3(g0, g1, g2), px, py)
