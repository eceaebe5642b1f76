# mypy: ignore-errors
# Warp reads these annotations itself; they are no Python types.
# ruff: noqa: UP018, RUF046
# Warp turns literals into constants (a variable needs float(0.0)).
"""Solid textures, and flat-shaded faces that wear them; see ``solid.py`` beside."""

import warp as wp

from shapecycle.rasterize.warp_backend.kernels.barycentric import (
    sample_ranked_face,
    weighted_sum,
)
from shapecycle.rasterize.warp_backend.kernels.pixels import EMPTY, first_channel, larger, within
from shapecycle.rasterize.warp_backend.kernels.textured import (
    inverse_length,
    sh_basis,
    shade_sh,
    shade_srgb,
)

wp.set_module_options({"enable_backward": False, "fuse_fp": False})

REGION = wp.constant(14)


@wp.func
def three(table: wp.array(dtype=float), at: int):
    return wp.vec3(table[at], table[at + 1], table[at + 2])


@wp.func
def covers(p: wp.vec3, regions: wp.array(dtype=float), at: int):
    """How much of a point the region covers whose row begins at an index."""
    kind = regions[at + 13]
    if kind == 1.0:
        away = wp.cw_div(p - three(regions, at + 7), three(regions, at + 10))
        return within((1.0 - wp.dot(away, away)) * 60.0 + 0.5, 0.0, 1.0)
    plane = wp.dot(p, three(regions, at + 3)) - regions[at + 6]
    if kind == 0.0:
        return within(plane * 60.0 + 0.5, 0.0, 1.0)
    stripes = wp.sin(plane * 6.2832 / (0.05 + regions[at + 10] / 2.0))
    return within(stripes * 60.0 + 0.5, 0.0, 1.0)


@wp.func
def solid_colour_at(
    point: wp.vec3, regions: wp.array(dtype=float), first: int, count: int, mirrored: float
):
    """The colour of the texture whose regions begin at an index."""
    p = wp.vec3(point[0] + mirrored * (wp.abs(point[0]) - point[0]), point[1], point[2])
    colour = three(regions, first)
    for k in range(1, count):
        at = first + k * REGION
        if regions[at + 13] < 3.0:
            colour = colour + covers(p, regions, at) * (three(regions, at) - colour)
    return colour


@wp.kernel
def solid_colour(
    begin: int,
    points: wp.array(dtype=wp.vec3),
    point_count: int,
    regions: wp.array(dtype=float),
    region_count: int,
    mirrored: wp.array(dtype=float),
    colour: wp.array(dtype=wp.vec3),
):
    item = begin + wp.tid()
    instance = item // point_count
    first = instance * region_count * REGION
    colour[item] = solid_colour_at(points[item], regions, first, region_count, mirrored[instance])


@wp.kernel
def shade_solid(
    begin: int,
    positions: wp.array(dtype=wp.vec3),
    camera: wp.array(dtype=wp.vec3),
    regions: wp.array(dtype=float),
    region_count: int,
    mirrored: wp.array(dtype=float),
    light: wp.array(dtype=wp.vec3),
    min_shading: float,
    clip: wp.array(dtype=wp.vec4),
    vertices: int,
    faces: wp.array(dtype=wp.int32),
    face_stride: int,
    key: wp.array(dtype=wp.int64),
    fine_height: int,
    fine_width: int,
    samples: int,
    picture: wp.array(dtype=float),
):
    item = begin + wp.tid()
    height, width = fine_height // samples, fine_width // samples
    pixels = height * width
    # Rows of pixels follow each other through the batch, and so do their samples' rows.
    row = item // width
    first = row * samples * fine_width + (item - row * width) * samples
    # Not from EMPTY: Warp would write to the constant itself, which the comparison below reads.
    nearest = wp.int64(key[first])
    seen = int(0)
    for i in range(samples):
        for j in range(samples):
            rank = wp.int64(key[first + i * fine_width + j])
            nearest = wp.min(nearest, rank)
            seen += wp.where(rank != EMPTY, 1, 0)
    out = first_channel(item, 4, pixels)
    if seen == 0:
        for c in range(4):
            picture[out + c * pixels] = 0.0
        return
    s = sample_ranked_face(item, nearest, clip, vertices, faces, face_stride, height, width)
    albedo = solid_colour_at(
        weighted_sum(positions, s.corners, s.weight),
        regions,
        s.instance * region_count * REGION,
        region_count,
        mirrored[s.instance],
    )
    a = camera[s.corners[0]]
    normal = wp.cross(camera[s.corners[1]] - a, camera[s.corners[2]] - a)
    normal = normal * inverse_length(normal)
    if wp.dot(normal, a) > 0.0:
        normal = -normal
    shade = shade_sh(sh_basis(normal), light, s.instance * 9)
    for c in range(3):
        picture[out] = shade_srgb(albedo[c], larger(shade[c], min_shading))
        out += pixels
    picture[out] = float(seen) / float(samples * samples)
