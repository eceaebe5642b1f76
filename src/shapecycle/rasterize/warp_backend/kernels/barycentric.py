# mypy: ignore-errors
# Warp reads these annotations itself; they are no Python types.
"""Triangles seen from a pixel, and vertex attributes at a point of a triangle."""

from typing import Any

import warp as wp

from shapecycle.rasterize.warp_backend.kernels.pixels import add_clip, pixel_centre

wp.set_module_options({"enable_backward": False, "fuse_fp": False})


@wp.func
def corner_rows(indices: wp.array(dtype=wp.int32), row: int, base: int):
    """Rows of a vertex table at a face's corners; ``base`` is the table's first row."""
    return wp.vec3i(base + indices[row], base + indices[row + 1], base + indices[row + 2])


@wp.func
def face_corners(
    item: int, faces: wp.array(dtype=wp.int32), face_count: int, face_stride: int, vertices: int
):
    """Vertex rows of the batch's n-th face; the stride is 0 if the batch shares its faces."""
    instance = item // face_count
    row = instance * face_stride + (item - instance * face_count) * 3
    return corner_rows(faces, row, instance * vertices)


@wp.struct
class Triangle:
    """Clip coordinates of three corners."""

    x: wp.vec3
    y: wp.vec3
    z: wp.vec3
    w: wp.vec3


@wp.func
def triangle(a: wp.vec4, b: wp.vec4, c: wp.vec4):
    t = Triangle()
    t.x = wp.vec3(a[0], b[0], c[0])
    t.y = wp.vec3(a[1], b[1], c[1])
    t.z = wp.vec3(a[2], b[2], c[2])
    t.w = wp.vec3(a[3], b[3], c[3])
    return t


@wp.func
def edge_functions(x: wp.vec3, y: wp.vec3):
    """Signed areas spanned by a pixel and the edges, from positions relative to the pixel."""
    return wp.cross(x, y)


@wp.func
def edges_at(t: Triangle, px: float, py: float):
    """Edge functions at a point of the image, in normalised device coordinates."""
    return edge_functions(t.x - px * t.w, t.y - py * t.w)


@wp.func
def plane_depth(t: Triangle, edges: wp.vec3):
    """Depth of a triangle's plane where its edge functions have these values."""
    return wp.dot(edges, t.z) / wp.dot(edges, t.w)


@wp.struct
class FaceSample:
    """The face that a pixel sees, at the pixel's centre.

    Corners are vertex rows of the whole batch, ``row`` is the face's first entry in the array
    of faces, x and y are the corners' positions relative to the pixel, total is the sum of the
    edge functions and weight holds the perspective-correct barycentric coordinates.
    """

    instance: int
    row: int
    centre: wp.vec2
    corners: wp.vec3i
    x: wp.vec3
    y: wp.vec3
    total: float
    weight: wp.vec3


@wp.func
def sample_ranked_face(
    item: int,
    rank: wp.int64,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    faces: wp.array(dtype=wp.int32),
    face_stride: int,
    height: int,
    width: int,
):
    """Sample at the batch's n-th pixel the face that a key names, which must not be EMPTY."""
    s = FaceSample()
    s.instance = item // (height * width)
    s.centre = pixel_centre(item - s.instance * height * width, height, width)
    s.row = s.instance * face_stride + int(rank & wp.int64(0xFFFFFFFF)) * 3
    s.corners = corner_rows(faces, s.row, s.instance * vertices)
    t = triangle(clip[s.corners[0]], clip[s.corners[1]], clip[s.corners[2]])
    s.x = t.x - s.centre[0] * t.w
    s.y = t.y - s.centre[1] * t.w
    edges = edge_functions(s.x, s.y)
    s.total = edges[0] + edges[1] + edges[2]
    s.weight = edges * (1.0 / s.total)
    return s


@wp.func
def sample_face(
    item: int,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    faces: wp.array(dtype=wp.int32),
    face_stride: int,
    key: wp.array(dtype=wp.int64),
    height: int,
    width: int,
):
    """Look up the face that the batch's n-th pixel sees; its key must not be EMPTY."""
    return sample_ranked_face(item, key[item], clip, vertices, faces, face_stride, height, width)


@wp.func
def sample_face_adjoint(s: FaceSample, weight_grad: wp.vec3, clip_grad: wp.array(dtype=float)):
    """Carry a gradient of the three weights back to the corners' x, y and w."""
    g = (weight_grad - wp.vec3(wp.dot(weight_grad, s.weight))) * (1.0 / s.total)
    dx, dy = wp.cross(s.y, g), wp.cross(g, s.x)
    dw = -s.centre[0] * dx - s.centre[1] * dy
    for n in range(3):
        add_clip(clip_grad, s.corners[n], wp.vec3(dx[n], dy[n], dw[n]))


@wp.func
def weighted_sum(values: wp.array(dtype=Any), rows: wp.vec3i, weight: wp.vec3):
    return values[rows[0]] * weight[0] + values[rows[1]] * weight[1] + values[rows[2]] * weight[2]


@wp.func
def add_weighted(grad: wp.array(dtype=Any), rows: wp.vec3i, g: Any, weight: wp.vec3):
    """Adjoint of ``weighted_sum`` by the values."""
    wp.atomic_add(grad, rows[0], g * weight[0])
    wp.atomic_add(grad, rows[1], g * weight[1])
    wp.atomic_add(grad, rows[2], g * weight[2])


@wp.func
def dot_rows(g: Any, values: wp.array(dtype=Any), rows: wp.vec3i):
    """Adjoint of ``weighted_sum`` by the weights, for vectors."""
    return wp.vec3(
        wp.dot(g, values[rows[0]]), wp.dot(g, values[rows[1]]), wp.dot(g, values[rows[2]])
    )
