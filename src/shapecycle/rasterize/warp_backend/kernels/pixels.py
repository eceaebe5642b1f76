# mypy: ignore-errors
# Warp reads these annotations itself; they are no Python types.
"""Pixel centres, screen positions and depths, as all kernels know them."""

import warp as wp

wp.set_module_options({"enable_backward": False, "fuse_fp": False})

EMPTY = wp.constant(wp.int64((1 << 63) - 1))
DEPTH_STEPS = wp.constant(float(1 << 30))
TINY = wp.constant(1.1754943508222875e-38)


@wp.func
def smaller(x: float, y: float):
    """The smaller of two; y if x is NaN. Four times as fast as wp.min, which knows both ways."""
    return wp.where(x < y, x, y)


@wp.func
def larger(x: float, y: float):
    """The larger of two; y if x is NaN."""
    return wp.where(x > y, x, y)


@wp.func
def within(x: float, low: float, high: float):
    """Clamp a number to a range; NaN becomes its lower end."""
    return smaller(larger(x, low), high)


@wp.func
def pixel_x(j: int, width: int):
    return float(2 * j + 1) * (1.0 / float(width)) - 1.0


@wp.func
def pixel_y(i: int, height: int):
    return 1.0 - float(2 * i + 1) * (1.0 / float(height))


@wp.func
def pixel_centre(pixel: int, height: int, width: int):
    """Normalised device coordinates of the centre of an image's n-th pixel."""
    i = pixel // width
    return wp.vec2(pixel_x(pixel - i * width, width), pixel_y(i, height))


@wp.func
def first_channel(item: int, channels: int, pixels: int):
    """Where channel 0 of the batch's n-th pixel lies in a (b c h w) array."""
    instance = item // pixels
    return instance * channels * pixels + item - instance * pixels


@wp.func
def to_screen(v: wp.vec4, height: int, width: int):
    inverse = 0.5 / v[3]
    x = (v[0] * inverse + 0.5) * float(width)
    y = (0.5 - v[1] * inverse) * float(height)
    return wp.vec2(x, y)


@wp.func
def depth_of(key: wp.int64):
    if key == EMPTY:
        return 3.0
    return float(key >> wp.int64(32)) * (2.0 / DEPTH_STEPS) - 1.0


@wp.func
def add_clip(clip_grad: wp.array(dtype=float), row: int, g: wp.vec3):
    wp.atomic_add(clip_grad, row * 4, g[0])
    wp.atomic_add(clip_grad, row * 4 + 1, g[1])
    wp.atomic_add(clip_grad, row * 4 + 3, g[2])
