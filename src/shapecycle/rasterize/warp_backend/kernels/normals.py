# mypy: ignore-errors
# Warp reads these annotations itself; they are no Python types.
"""Area-weighted vertex normals; see ``shading.py`` beside."""

import warp as wp

from shapecycle.rasterize.warp_backend.kernels.barycentric import face_corners

wp.set_module_options({"enable_backward": False, "fuse_fp": False})


@wp.kernel
def add_face_normals(
    begin: int,
    vertices: wp.array(dtype=wp.vec3),
    vertex_count: int,
    faces: wp.array(dtype=wp.int32),
    face_count: int,
    face_stride: int,
    total: wp.array(dtype=wp.vec3),
):
    corners = face_corners(begin + wp.tid(), faces, face_count, face_stride, vertex_count)
    i, j, k = corners[0], corners[1], corners[2]
    a = vertices[i]
    normal = wp.cross(vertices[j] - a, vertices[k] - a)
    wp.atomic_add(total, i, normal)
    wp.atomic_add(total, j, normal)
    wp.atomic_add(total, k, normal)


@wp.kernel
def face_normals_adjoint(
    begin: int,
    vertices: wp.array(dtype=wp.vec3),
    vertex_count: int,
    faces: wp.array(dtype=wp.int32),
    face_count: int,
    face_stride: int,
    total_grad: wp.array(dtype=wp.vec3),
    vertices_grad: wp.array(dtype=wp.vec3),
):
    corners = face_corners(begin + wp.tid(), faces, face_count, face_stride, vertex_count)
    i, j, k = corners[0], corners[1], corners[2]
    a = vertices[i]
    u, v = vertices[j] - a, vertices[k] - a
    g = total_grad[i] + total_grad[j] + total_grad[k]
    du, dv = wp.cross(v, g), wp.cross(g, u)
    wp.atomic_add(vertices_grad, i, -du - dv)
    wp.atomic_add(vertices_grad, j, du)
    wp.atomic_add(vertices_grad, k, dv)


@wp.kernel
def to_unit(begin: int, total: wp.array(dtype=wp.vec3), unit: wp.array(dtype=wp.vec3)):
    item = begin + wp.tid()
    v = total[item]
    square = wp.dot(v, v)
    if square > 1.0e-30:
        unit[item] = v * (1.0 / wp.sqrt(square))


@wp.kernel
def to_unit_adjoint(
    begin: int,
    total: wp.array(dtype=wp.vec3),
    unit_grad: wp.array(dtype=wp.vec3),
    total_grad: wp.array(dtype=wp.vec3),
):
    item = begin + wp.tid()
    v = total[item]
    square = wp.dot(v, v)
    if square > 1.0e-30:
        shrink = 1.0 / wp.sqrt(square)
        u = v * shrink
        g = unit_grad[item]
        total_grad[item] = (g - u * wp.dot(u, g)) * shrink
