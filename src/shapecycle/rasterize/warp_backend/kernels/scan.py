# mypy: ignore-errors
# Warp reads these annotations itself; they are no Python types.
"""Which face each pixel sees, and attributes spread over faces; see ``scan.py`` beside."""

import warp as wp

from shapecycle.rasterize.warp_backend.kernels.barycentric import (
    add_weighted,
    corner_rows,
    edge_functions,
    edges_at,
    face_corners,
    plane_depth,
    sample_face,
    sample_face_adjoint,
    triangle,
    weighted_sum,
)
from shapecycle.rasterize.warp_backend.kernels.pixels import (
    DEPTH_STEPS,
    EMPTY,
    TINY,
    first_channel,
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
    corners = face_corners(item, faces, face_count, face_stride, vertices)
    if corners[0] == corners[1] or corners[1] == corners[2] or corners[2] == corners[0]:
        return
    # Copies: a name bound to an array's element reads the array again after every write.
    a, b, c = wp.vec4(clip[corners[0]]), wp.vec4(clip[corners[1]]), wp.vec4(clip[corners[2]])
    low, high = screen_bounds(a, b, c, height, width)
    left, right = first_pixel(low[0], width), last_pixel(high[0], width)
    top, bottom = first_pixel(low[1], height), last_pixel(high[1], height)
    if left > right or top > bottom:
        return
    t = triangle(a, b, c)
    # Six times the signed volume that the face spans with the eye, positive seen from the front.
    volume = wp.dot(edges_at(t, pixel_x(left, width), pixel_y(top, height)), t.w)
    if volume < 0.0:
        if cull != 0:
            return
        # Seen from behind: turned round, which flips the sign of every edge function exactly.
        a, b = b, a
        t = triangle(a, b, c)
    instance = item // face_count
    face = item - instance * face_count
    for i in range(top, bottom + 1):
        y = t.y - pixel_y(i, height) * t.w
        line = (instance * height + i) * width
        for j in range(left, right + 1):
            edges = edge_functions(t.x - pixel_x(j, width) * t.w, y)
            least = smaller(edges[0], smaller(edges[1], edges[2]))
            if least < 0.0:
                continue
            if least == 0.0 and (
                (edges[0] == 0.0 and not owns_its_line(b, c))
                or (edges[1] == 0.0 and not owns_its_line(c, a))
                or (edges[2] == 0.0 and not owns_its_line(a, b))
            ):
                continue
            depth = plane_depth(t, edges)
            if depth >= -1.0 and depth <= 1.0:
                steps = wp.int64((depth * 0.5 + 0.5) * DEPTH_STEPS)
                rank = (steps << wp.int64(32)) | wp.int64(face)
                if peel == 0 or rank > behind[line + j]:
                    wp.atomic_min(key, line + j, rank)


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
    pixels = height * width
    out = first_channel(item, channels, pixels)
    if key[item] == EMPTY:
        for k in range(channels):
            image[out + k * pixels] = 0.0
        return
    s = sample_face(item, clip, vertices, faces, face_stride, key, height, width)
    base = s.instance * attribute_stride
    rows = corner_rows(attribute_faces, s.row, 0) * channels + wp.vec3i(base)
    for k in range(channels):
        image[out + k * pixels] = weighted_sum(attributes, rows + wp.vec3i(k), s.weight)


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
    if key[item] == EMPTY:
        return
    pixels = height * width
    out = first_channel(item, channels, pixels)
    s = sample_face(item, clip, vertices, faces, face_stride, key, height, width)
    base = s.instance * attribute_stride
    rows = corner_rows(attribute_faces, s.row, 0) * channels + wp.vec3i(base)
    weight_grad = wp.vec3()
    for k in range(channels):
        g = image_grad[out + k * pixels]
        at = rows + wp.vec3i(k)
        if wants_attributes != 0:
            add_weighted(attributes_grad, at, g, s.weight)
        weight_grad += g * wp.vec3(attributes[at[0]], attributes[at[1]], attributes[at[2]])
    if wants_clip != 0:
        sample_face_adjoint(s, weight_grad, clip_grad)
