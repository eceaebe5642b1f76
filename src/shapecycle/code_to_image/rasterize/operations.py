"""The rasteriser's operations: arguments are checked here, then drawn by a backend."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shapecycle.code_to_image.rasterize import checks
from shapecycle.code_to_image.rasterize.attribute_faces import attribute_faces
from shapecycle.code_to_image.rasterize.backend import Backend
from shapecycle.code_to_image.rasterize.implementation import implementation
from shapecycle.code_to_image.rasterize.precision import in_full_precision
from shapecycle.code_to_image.rasterize.topology import Topology
from shapecycle.code_to_image.rasterize.visibility import Visibility


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
    rows = attribute_faces(faces, attributes, topology, "attributes")
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
