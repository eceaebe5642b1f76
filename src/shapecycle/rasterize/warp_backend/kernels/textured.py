# mypy: ignore-errors
# Warp reads these annotations itself; they are no Python types.
# ruff: noqa: UP018
# Warp turns literals into constants (a variable needs float(0.0)).
"""Texture, normals, light and the sRGB curve in one pass per pixel; see ``textured.py`` beside."""

import warp as wp

from shapecycle.rasterize.warp_backend.kernels.barycentric import (
    add_weighted,
    corner_rows,
    dot_rows,
    sample_face,
    sample_face_adjoint,
    weighted_sum,
)
from shapecycle.rasterize.warp_backend.kernels.pixels import (
    EMPTY,
    first_channel,
    larger,
    smaller,
    within,
)

wp.set_module_options({"enable_backward": False, "fuse_fp": False})

C0 = wp.constant(0.28209479177387814)
C1 = wp.constant(0.4886025119029199)
C2 = wp.constant(1.0925484305920792)
C20 = wp.constant(0.31539156525252005)
C22 = wp.constant(0.5462742152960396)
MIN_LINEAR = wp.constant(1e-4)
SMALLEST_SQUARE = wp.constant(1e-12)

vec9 = wp.types.vector(length=9, dtype=wp.float32)


@wp.func
def sh_basis(n: wp.vec3):
    """Spherical harmonics up to degree 2 at a unit vector."""
    x, y, z = n[0], n[1], n[2]
    return vec9(
        C0,
        C1 * y,
        C1 * z,
        C1 * x,
        C2 * (x * y),
        C2 * (y * z),
        C20 * (3.0 * (z * z) - 1.0),
        C2 * (x * z),
        C22 * (x * x - y * y),
    )


@wp.func
def sh_basis_adjoint(n: wp.vec3, g: vec9):
    x, y, z = n[0], n[1], n[2]
    return wp.vec3(
        C1 * g[3] + C2 * (g[4] * y + g[7] * z) + 2.0 * C22 * g[8] * x,
        C1 * g[1] + C2 * (g[4] * x + g[5] * z) - 2.0 * C22 * g[8] * y,
        C1 * g[2] + C2 * (g[5] * y + g[7] * x) + 6.0 * C20 * g[6] * z,
    )


@wp.func
def shade_sh(b: vec9, light: wp.array(dtype=wp.vec3), row: int):
    """Sum of basis functions times coefficients; another order of additions rounds otherwise."""
    shade = b[0] * light[row] + b[1] * light[row + 1] + b[2] * light[row + 2]
    shade += b[3] * light[row + 3] + b[4] * light[row + 4]
    shade += b[5] * light[row + 5] + b[6] * light[row + 6]
    shade += b[7] * light[row + 7] + b[8] * light[row + 8]
    return shade


@wp.func
def inverse_length(v: wp.vec3):
    return 1.0 / wp.sqrt(larger(wp.dot(v, v), SMALLEST_SQUARE))


@wp.func
def decode(value: float):
    if value <= 0.04045:
        return value / 12.92
    return wp.pow((value + 0.055) / 1.055, 2.4)


@wp.func
def encode(linear: float):
    if linear <= 0.0031308:
        return 12.92 * linear
    return 1.055 * wp.pow(linear, 1.0 / 2.4) - 0.055


@wp.func
def shade_srgb(value: float, shade: float):
    """Decode an sRGB value, multiply it by a shading, and encode it again."""
    if value > 0.04045:
        # On the curved part the two powers cancel, and the shading's own remains.
        lit = (value + 0.055) * wp.exp(wp.log(shade) / 2.4)
        if lit > 0.0955:
            return smaller(lit - 0.055, 1.0)
    return encode(within(decode(value) * shade, MIN_LINEAR, 1.0))


@wp.func
def shade_srgb_derivatives(value: float, shade: float, result: float):
    """Derivatives of ``shade_srgb`` by the value and by the shading."""
    if value > 0.04045 and result > 0.0405:
        if result >= 1.0:
            return wp.vec2(0.0, 0.0)
        return wp.vec2((result + 0.055) / (value + 0.055), (result + 0.055) / (2.4 * shade))
    decoded = decode(value)
    linear = decoded * shade
    if linear < MIN_LINEAR or linear > 1.0:
        return wp.vec2(0.0, 0.0)
    slope = float(12.92)
    if linear > 0.0031308:
        slope = (result + 0.055) / (2.4 * linear)
    inner = float(1.0 / 12.92)
    if value > 0.04045:
        inner = 2.4 * decoded / (value + 0.055)
    return wp.vec2(slope * shade * inner, slope * decoded)


@wp.struct
class Texels:
    """The four texels around a point of a texture, and the point's place between them."""

    at00: int
    at01: int
    at10: int
    at11: int
    fx: float
    fy: float
    scale_x: float
    scale_y: float


@wp.func
def find_texels(uv: wp.vec2, height: int, width: int):
    t = Texels()
    x, y = uv[0] * float(width) - 0.5, (1.0 - uv[1]) * float(height) - 0.5
    t.scale_x = float(width)
    t.scale_y = -float(height)
    if x < 0.0 or x > float(width - 1):
        t.scale_x = 0.0
    if y < 0.0 or y > float(height - 1):
        t.scale_y = 0.0
    x = within(x, 0.0, float(width - 1))
    y = within(y, 0.0, float(height - 1))
    left, top = int(x), int(y)
    right, bottom = wp.min(left + 1, width - 1), wp.min(top + 1, height - 1)
    t.fx = x - float(left)
    t.fy = y - float(top)
    t.at00 = top * width + left
    t.at01 = top * width + right
    t.at10 = bottom * width + left
    t.at11 = bottom * width + right
    return t


@wp.func
def read_texels(albedo: wp.array(dtype=float), plane: int, t: Texels):
    """The four texels of one channel, the two upper ones first."""
    a, b = albedo[plane + t.at00], albedo[plane + t.at01]
    c, d = albedo[plane + t.at10], albedo[plane + t.at11]
    return wp.vec4(a, b, c, d)


@wp.func
def bilinear(q: wp.vec4, t: Texels):
    above = q[0] * (1.0 - t.fx) + q[1] * t.fx
    below = q[2] * (1.0 - t.fx) + q[3] * t.fx
    return above * (1.0 - t.fy) + below * t.fy


@wp.kernel
def shade_textured(
    begin: int,
    albedo: wp.array(dtype=float),
    albedo_stride: int,
    albedo_height: int,
    albedo_width: int,
    uv: wp.array(dtype=wp.vec2),
    uv_stride: int,
    uv_faces: wp.array(dtype=wp.int32),
    normals: wp.array(dtype=wp.vec3),
    light: wp.array(dtype=wp.vec3),
    min_shading: float,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    faces: wp.array(dtype=wp.int32),
    face_stride: int,
    key: wp.array(dtype=wp.int64),
    height: int,
    width: int,
    picture: wp.array(dtype=float),
):
    item = begin + wp.tid()
    pixels = height * width
    out = first_channel(item, 4, pixels)
    if key[item] == EMPTY:
        for c in range(4):
            picture[out + c * pixels] = 0.0
        return
    s = sample_face(item, clip, vertices, faces, face_stride, key, height, width)
    uv_rows = corner_rows(uv_faces, s.row, s.instance * uv_stride)
    t = find_texels(weighted_sum(uv, uv_rows, s.weight), albedo_height, albedo_width)
    normal = weighted_sum(normals, s.corners, s.weight)
    basis = sh_basis(normal * inverse_length(normal))
    shade = shade_sh(basis, light, s.instance * 9)
    plane = s.instance * albedo_stride
    for c in range(3):
        value = bilinear(read_texels(albedo, plane, t), t)
        picture[out] = shade_srgb(value, larger(shade[c], min_shading))
        plane += albedo_height * albedo_width
        out += pixels
    picture[out] = 1.0


@wp.kernel
def shade_textured_adjoint(
    begin: int,
    albedo: wp.array(dtype=float),
    albedo_stride: int,
    albedo_height: int,
    albedo_width: int,
    uv: wp.array(dtype=wp.vec2),
    uv_stride: int,
    uv_faces: wp.array(dtype=wp.int32),
    normals: wp.array(dtype=wp.vec3),
    light: wp.array(dtype=wp.vec3),
    min_shading: float,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    faces: wp.array(dtype=wp.int32),
    face_stride: int,
    key: wp.array(dtype=wp.int64),
    height: int,
    width: int,
    picture: wp.array(dtype=float),
    picture_grad: wp.array(dtype=float),
    wants_albedo: int,
    wants_uv: int,
    wants_geometry: int,
    wants_light: int,
    albedo_grad: wp.array(dtype=float),
    uv_grad: wp.array(dtype=wp.vec2),
    normals_grad: wp.array(dtype=wp.vec3),
    basis: wp.array(dtype=vec9),
    shade_grads: wp.array(dtype=wp.vec3),
    clip_grad: wp.array(dtype=float),
):
    item = begin + wp.tid()
    if key[item] == EMPTY:
        return
    pixels = height * width
    out = first_channel(item, 4, pixels)
    s = sample_face(item, clip, vertices, faces, face_stride, key, height, width)
    uv_rows = corner_rows(uv_faces, s.row, s.instance * uv_stride)
    t = find_texels(weighted_sum(uv, uv_rows, s.weight), albedo_height, albedo_width)
    long_normal = weighted_sum(normals, s.corners, s.weight)
    shrink = inverse_length(long_normal)
    normal = long_normal * shrink
    harmonics = sh_basis(normal)
    shade = shade_sh(harmonics, light, s.instance * 9)
    plane = s.instance * albedo_stride
    shade_grad = wp.vec3(0.0, 0.0, 0.0)
    u_grad = float(0.0)
    v_grad = float(0.0)
    for c in range(3):
        q = read_texels(albedo, plane, t)
        value = bilinear(q, t)
        derivatives = shade_srgb_derivatives(value, larger(shade[c], min_shading), picture[out])
        g = picture_grad[out]
        h = g * derivatives[0]
        if shade[c] >= min_shading:
            shade_grad[c] = g * derivatives[1]
        if h != 0.0:
            u_grad += h * ((q[1] - q[0]) * (1.0 - t.fy) + (q[3] - q[2]) * t.fy)
            v_grad += h * ((q[2] - q[0]) * (1.0 - t.fx) + (q[3] - q[1]) * t.fx)
            if wants_albedo != 0:
                wp.atomic_add(albedo_grad, plane + t.at00, h * (1.0 - t.fx) * (1.0 - t.fy))
                wp.atomic_add(albedo_grad, plane + t.at01, h * t.fx * (1.0 - t.fy))
                wp.atomic_add(albedo_grad, plane + t.at10, h * (1.0 - t.fx) * t.fy)
                wp.atomic_add(albedo_grad, plane + t.at11, h * t.fx * t.fy)
        plane += albedo_height * albedo_width
        out += pixels
    at_grad = wp.vec2(u_grad * t.scale_x, v_grad * t.scale_y)
    if wants_uv != 0:
        add_weighted(uv_grad, uv_rows, at_grad, s.weight)
    if wants_light != 0:
        # All pixels of a picture would wait for one another at 27 numbers: a product adds them up.
        basis[item] = harmonics
        shade_grads[item] = shade_grad
    if wants_geometry == 0:
        return
    basis_grad = vec9()
    for k in range(9):
        basis_grad[k] = wp.dot(shade_grad, light[s.instance * 9 + k])
    normal_grad = sh_basis_adjoint(normal, basis_grad)
    if wp.dot(long_normal, long_normal) > SMALLEST_SQUARE:
        normal_grad -= normal * wp.dot(normal, normal_grad)
    normal_grad = normal_grad * shrink
    add_weighted(normals_grad, s.corners, normal_grad, s.weight)
    weight_grad = dot_rows(at_grad, uv, uv_rows) + dot_rows(normal_grad, normals, s.corners)
    sample_face_adjoint(s, weight_grad, clip_grad)
