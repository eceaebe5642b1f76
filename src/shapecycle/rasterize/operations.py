"""The rasteriser's operations: arguments are checked here, then drawn by a backend."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shapecycle.devices import in_full_precision
from shapecycle.rasterize import checks
from shapecycle.rasterize.backend import Backend, implementation
from shapecycle.rasterize.topology import Topology
from shapecycle.rasterize.visibility import Visibility


@in_full_precision
def rasterize(
    clip: Float[Tensor, "b v 4"],
    topology: Topology,
    size: tuple[int, int],
    *,
    cull: bool = False,
    behind: Visibility | None = None,
    backend: Backend = "auto",
) -> Visibility:
    """Find the nearest face at every pixel centre. No gradient; the same result every time.

    Args:
        clip: OpenGL clip-space positions: after division by w, x points right and y up, both
            in [-1, 1] over the image, and z is -1 at the near and 1 at the far plane. What
            lies outside is cut off, pixel by pixel.
        topology: The faces, of one mesh or of one per item.
        size: Image height and width, in pixels. Row 0 is the top.
        cull: Leave out faces seen from behind (clockwise on screen).
        behind: Draw only what lies deeper than this earlier result at each pixel. Repeated, this
            peels a scene into layers; each face is in one layer of a pixel at most.
        backend: "auto", "warp" or "torch".

    Raises:
        ValueError: If a shape, type or device is wrong or a position is not finite.
    """
    checks.check_clip(clip, topology)
    checks.check_size(size)
    checks.check_finite(clip, "clip")
    if behind is not None:
        checks.check_visibility(behind, clip, topology)
        if behind.size != tuple(size):
            raise ValueError(f"behind has size {behind.size}, but size is {tuple(size)}")
    draw = implementation(backend, clip, topology, clip.shape[0] * size[0] * size[1])
    return draw.rasterize(clip, topology, size, cull, behind)


@in_full_precision
def interpolate(
    attributes: Float[Tensor, "ab n c"],
    clip: Float[Tensor, "b v 4"],
    topology: Topology,
    visibility: Visibility,
    *,
    faces: Int[Tensor, "f 3"] | None = None,
    backend: Backend = "auto",
) -> Float[Tensor, "b c h w"]:
    """Spread vertex attributes over the visible faces, correctly in perspective.

    Gradients reach the attributes and the positions (x, y and w).

    Args:
        attributes: One row per vertex; one table per item, or one for all.
        clip: The positions that were rasterised.
        topology: The faces that were rasterised.
        visibility: What ``rasterize`` returned.
        faces: Rows of ``attributes`` per face corner, if they are not those of the vertices
            (texture coordinates with seams). Shared by the batch, so only for a shared topology.
        backend: "auto", "warp" or "torch".

    Returns:
        Attributes per pixel; 0 where nothing is seen.

    Raises:
        ValueError: If a shape, type or device is wrong, or an index is out of range.
    """
    checks.check_clip(clip, topology)
    checks.check_visibility(visibility, clip, topology)
    checks.check_float(attributes, "attributes", "(b or 1, n, c)", None, None, None)
    checks.check_companion(attributes, "attributes", clip, "clip")
    if attributes.shape[0] not in (1, clip.shape[0]):
        raise ValueError(f"attributes hold {attributes.shape[0]} items, clip {clip.shape[0]}")
    rows = _attribute_rows(faces, attributes, topology, "attributes")
    drawn = visibility.key.numel() * attributes.shape[2]
    draw = implementation(backend, clip, topology, max(drawn, attributes.numel()))
    return draw.interpolate(attributes, clip, topology, visibility, rows)


@torch.no_grad()
@in_full_precision
def uv_slopes(
    uv: Float[Tensor, "ub n 2"],
    clip: Float[Tensor, "b v 4"],
    topology: Topology,
    visibility: Visibility,
    *,
    faces: Int[Tensor, "f 3"] | None = None,
    backend: Backend = "auto",
) -> Float[Tensor, "b 4 h w"]:
    """Measure how texture coordinates change from pixel to pixel, for ``texture``'s mipmaps.

    Arguments are those of ``interpolate``. No gradient.

    Returns:
        Change of u and v from the pixel's centre to that of its right neighbour, then to that
        of its lower neighbour, both on the plane of the pixel's own face; 0 where empty.
    """
    height, width = visibility.size
    here = interpolate(uv, clip, topology, visibility, faces=faces, backend=backend)
    slopes = []
    for axis, step in ((0, 2 / width), (1, -2 / height)):
        # Moving the scene by one pixel brings the neighbour's point under this pixel's centre.
        moved = clip.clone()
        moved[..., axis] -= step * clip[..., 3]
        there = interpolate(uv, moved, topology, visibility, faces=faces, backend=backend)
        # A face that ends in the horizon has no slope there; any huge one picks the last level.
        slopes.append((there - here).nan_to_num(1e6, 1e6, -1e6).clamp(-1e6, 1e6))
    return torch.cat(slopes, dim=1)


@in_full_precision
def antialias(
    image: Float[Tensor, "b c h w"],
    clip: Float[Tensor, "b v 4"],
    topology: Topology,
    visibility: Visibility,
    *,
    backend: Backend = "auto",
) -> Float[Tensor, "b c h w"]:
    """Blend pixels across silhouettes by how far the surface reaches between their centres.

    This alone lets a loss on the picture move the outline: gradients reach the image and the
    positions of silhouette vertices. Call it last, on colours and mask together.

    Args:
        image: Colours over their background, or any other channels.
        clip: The positions that were rasterised.
        topology: The faces that were rasterised.
        visibility: What ``rasterize`` returned.
        backend: "auto", "warp" or "torch".

    Raises:
        ValueError: If a shape, type or device is wrong.
    """
    checks.check_clip(clip, topology)
    checks.check_visibility(visibility, clip, topology)
    batch, (height, width) = clip.shape[0], visibility.size
    shape = f"({batch}, c, {height}, {width})"
    checks.check_float(image, "image", shape, batch, None, height, width)
    checks.check_companion(image, "image", clip, "clip")
    # The walk keeps four numbers a pixel.
    numbers = batch * height * width * max(4, image.shape[1])
    draw = implementation(backend, clip, topology, numbers)
    return draw.antialias(image, clip, topology, visibility)


@in_full_precision
def vertex_normals(
    vertices: Float[Tensor, "b v 3"], topology: Topology, *, backend: Backend = "auto"
) -> Float[Tensor, "b v 3"]:
    """Average the normals of the faces around each vertex, weighted by their areas.

    Args:
        vertices: Positions, in any frame.
        topology: Faces counter-clockwise seen from outside, so normals point outwards.
        backend: "auto", "warp" or "torch".

    Returns:
        Unit normals; zero where a vertex has no face with an area.

    Raises:
        ValueError: If a shape, a type or a device is wrong.
    """
    checks.check_float(vertices, "vertices", "(b, v, 3)", None, None, 3)
    checks.check_topology(topology, vertices, "vertices")
    return implementation(backend, vertices, topology).vertex_normals(vertices, topology)


@in_full_precision
def shade_textured(
    albedo: Float[Tensor, "ab 3 th tw"],
    uv: Float[Tensor, "ub n 2"],
    normals: Float[Tensor, "b v 3"],
    light: Float[Tensor, "b 9 3"],
    clip: Float[Tensor, "b v 4"],
    topology: Topology,
    visibility: Visibility,
    *,
    uv_faces: Int[Tensor, "f 3"] | None = None,
    min_shading: float = 0.03,
    backend: Backend = "auto",
) -> Float[Tensor, "b 4 h w"]:
    """Light a textured surface: interpolation, lookup, light and sRGB in one pass per pixel.

    The same as ``interpolate``, ``texture`` (bilinear, clamped), ``shade_sh`` and the sRGB
    curve one after the other, several times faster. Gradients reach all five tensors. Antialias
    the result.

    Args:
        albedo: sRGB textures in [0, 1], row 0 on top; one per item, or one for all.
        uv: Texture coordinates, origin bottom-left; one table per item, or one for all.
        normals: Unit vertex normals, in the light's frame.
        light: Coefficients as for ``shade_sh``.
        clip: The positions that were rasterised.
        topology: The faces that were rasterised.
        visibility: What ``rasterize`` returned.
        uv_faces: Rows of ``uv`` per face corner, if they are not those of the vertices.
        min_shading: Least shading; harmonics dip below zero behind a strong lamp.
        backend: "auto", "warp" or "torch".

    Returns:
        sRGB colour and coverage: colour of light in [1e-4, 1], all 0 where nothing is seen.

    Raises:
        ValueError: If a shape, type or device is wrong, or an index is out of range.
    """
    if not min_shading >= 0:
        raise ValueError(f"min_shading is {min_shading}; expected at least 0")
    checks.check_clip(clip, topology)
    checks.check_visibility(visibility, clip, topology)
    batch, count, _ = clip.shape
    checks.check_float(albedo, "albedo", "(b or 1, 3, th, tw)", None, 3, None, None)
    checks.check_float(uv, "uv", "(b or 1, n, 2)", None, None, 2)
    checks.check_float(normals, "normals", f"({batch}, {count}, 3)", batch, count, 3)
    checks.check_float(light, "light", f"({batch}, 9, 3)", batch, 9, 3)
    for tensor, name in ((albedo, "albedo"), (uv, "uv"), (normals, "normals"), (light, "light")):
        checks.check_companion(tensor, name, clip, "clip")
        if tensor.shape[0] not in (1, batch):
            raise ValueError(f"{name} holds {tensor.shape[0]} items, clip {batch}")
    if albedo[0, 0].numel() == 0:
        raise ValueError(f"albedo has shape {tuple(albedo.shape)}; expected at least one texel")
    checks.check_finite(light, "light")
    checks.check_finite(albedo, "albedo")
    rows = _attribute_rows(uv_faces, uv, topology, "uv")
    numbers = max(4 * visibility.key.numel(), albedo.numel())
    draw = implementation(backend, clip, topology, numbers)
    return draw.shade_textured(
        albedo, uv, rows, normals, light, min_shading, clip, topology, visibility
    )


@torch.no_grad()
@in_full_precision
def solid_colour(
    points: Float[Tensor, "b n 3"],
    regions: Float[Tensor, "b r 14"],
    mirrored: Float[Tensor, " b"],
    *,
    backend: Backend = "auto",
) -> Float[Tensor, "b n 3"]:
    """Evaluate solid textures: colours as a function of position. No gradient.

    Later regions cover earlier ones; the first is everywhere.

    Args:
        points: Positions.
        regions: Per region its sRGB colour, a plane's unit normal and offset, an ellipsoid's centre
            and radii, and its kind: 0 for the half-space in front of the plane, 1 for the
            ellipsoid, 2 for stripes parallel to the plane, from 3 on for none.
        mirrored: 1 where the texture at -x is that at x, else 0.
        backend: "auto", "warp" or "torch".

    Returns:
        sRGB colours.

    Raises:
        ValueError: If a shape, a type or a device is wrong.
    """
    checks.check_float(points, "points", "(b, n, 3)", None, None, 3)
    _check_solid(regions, mirrored, points, "points")
    draw = implementation(backend, points, None, max(points.numel(), regions.numel()))
    return draw.solid_colour(points, regions, mirrored)


@torch.no_grad()
@in_full_precision
def shade_solid(
    vertices: Float[Tensor, "b v 3"],
    camera: Float[Tensor, "b v 3"],
    regions: Float[Tensor, "b r 14"],
    mirrored: Float[Tensor, " b"],
    light: Float[Tensor, "b 9 3"],
    clip: Float[Tensor, "b v 4"],
    topology: Topology,
    visibility: Visibility,
    *,
    samples: int = 1,
    min_shading: float = 0.03,
    backend: Backend = "auto",
) -> Float[Tensor, "b 4 h w"]:
    """Light flat faces, seen from both sides, that wear a solid texture. No gradient.

    Coverage is counted over blocks of ``samples`` by ``samples``; the colour is evaluated once per
    block, at its centre on the plane of the nearest face that any of the samples sees.

    Args:
        vertices: Positions in the texture's frame.
        camera: Positions in the camera's frame, which is also the light's; the eye is the origin.
        regions, mirrored: The textures, as for ``solid_colour``.
        light: Coefficients as for ``shade_sh``.
        clip: The positions that were rasterised.
        topology: The faces that were rasterised.
        visibility: What ``rasterize`` returned, ``samples`` times as high and wide as the result.
        samples: Side of a block.
        min_shading: Least shading; harmonics dip below zero behind a strong lamp.
        backend: "auto", "warp" or "torch".

    Returns:
        sRGB colour in [0, 1], not multiplied by the coverage, and coverage; all 0 where nothing is.

    Raises:
        ValueError: If a shape, type or device is wrong.
    """
    if not min_shading >= 0:
        raise ValueError(f"min_shading is {min_shading}; expected at least 0")
    checks.check_clip(clip, topology)
    checks.check_visibility(visibility, clip, topology)
    batch, count, _ = clip.shape
    checks.check_float(vertices, "vertices", f"({batch}, {count}, 3)", batch, count, 3)
    checks.check_float(camera, "camera", f"({batch}, {count}, 3)", batch, count, 3)
    checks.check_float(light, "light", f"({batch}, 9, 3)", batch, 9, 3)
    for tensor, name in ((vertices, "vertices"), (camera, "camera"), (light, "light")):
        checks.check_companion(tensor, name, clip, "clip")
    _check_solid(regions, mirrored, clip, "clip")
    height, width = visibility.size
    if samples < 1 or height % samples or width % samples:
        raise ValueError(f"samples is {samples}; expected a divisor of the size {height} x {width}")
    draw = implementation(backend, clip, topology, max(4 * visibility.key.numel(), clip.numel()))
    return draw.shade_solid(
        vertices,
        camera,
        regions,
        mirrored,
        light,
        min_shading,
        clip,
        topology,
        visibility,
        samples,
    )


def _check_solid(regions: Tensor, mirrored: Tensor, other: Tensor, other_name: str) -> None:
    batch = len(other)
    checks.check_float(regions, "regions", f"({batch}, r, 14)", batch, None, 14)
    checks.check_float(mirrored, "mirrored", f"({batch},)", batch)
    checks.check_companion(regions, "regions", other, other_name)
    checks.check_companion(mirrored, "mirrored", other, other_name)
    if regions.shape[1] == 0:
        raise ValueError("regions holds none per item; expected at least the first, everywhere")


def _attribute_rows(
    faces: Tensor | None, attributes: Tensor, topology: Topology, name: str
) -> Tensor:
    """Settle the index array of an attribute table (b n c); the vertices' own if none is given.

    Raises:
        ValueError: If it does not fit the topology, or an index the table.
    """
    count = attributes.shape[1]
    if faces is None:
        if topology.vertex_count > count:
            raise ValueError(
                f"{name} has {count} rows, but topology names vertex "
                f"{topology.vertex_count - 1}; give faces if they have their own indices"
            )
        return topology.faces
    checks.check_tensor(faces, "faces")
    if topology.batch is not None:
        raise ValueError("faces is for a topology shared by the batch; this one is stacked")
    if faces.shape != topology.faces.shape:
        raise ValueError(
            f"faces has shape {tuple(faces.shape)}; expected {tuple(topology.faces.shape)}"
        )
    if (
        faces.dtype.is_floating_point
        or faces.dtype == torch.bool
        or faces.device != attributes.device
    ):
        raise ValueError(
            f"faces is {faces.dtype} on {faces.device}; expected integers on {attributes.device}"
        )
    checks.check_indices(faces, "faces", count)
    return faces if faces.dtype == torch.int64 else faces.long()
