"""Which face each pixel sees, and attributes spread over faces, in plain PyTorch.

All positions stay homogeneous: nothing is divided by a vertex's w, so faces
that cross the camera plane need no special case.

Source: M. Olano and T. Greer, "Triangle Scan Conversion using 2D Homogeneous Coordinates",
Graphics Hardware 1997, for the edge functions; S. Laine et al., "Modular Primitives for
High-Performance Differentiable Rendering", SIGGRAPH Asia 2020, for separating the operations.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shapecycle.rasterize.topology import Topology
from shapecycle.rasterize.visibility import DEPTH_STEPS, EMPTY, Visibility

CANDIDATES_AT_ONCE = 1 << 21
"""Pixel-face pairs tested in one piece: bounds the memory at some 200 MB."""

SLACK = 1e-3
"""Margin of a face's bounding box against rounding, in pixels."""


def rasterize(
    clip: Float[Tensor, "b v 4"],
    topology: Topology,
    size: tuple[int, int],
    cull: bool,
    behind: Visibility | None,
) -> Visibility:
    """Find the nearest face at every pixel centre; see the public function."""
    height, width = size
    batch = clip.shape[0]
    clip = clip.detach()
    faces = topology.faces.expand(batch, -1, 3)
    key = torch.full((batch * height * width,), EMPTY, dtype=torch.int64, device=clip.device)
    if faces.shape[1]:
        corners = gather_vertices(clip, faces).reshape(-1, 3, 4)
        column, row, columns, rows = _pixel_boxes(corners, faces.reshape(-1, 3), size)
        planes, averted = _turned_to_the_eye(
            corners.permute(1, 2, 0).contiguous(), row, column, size
        )
        if cull:
            rows = rows * ~averted
        for first, last in _pieces(columns * rows):
            count = (columns * rows)[first:last]
            face = torch.arange(first, last, device=clip.device).repeat_interleave(count)
            step = _steps(count)
            i = row[face] + step // columns[face]
            j = column[face] + step % columns[face]
            inside, depth = _test_pixels(planes[..., face], i, j, size)
            face, i, j = face[inside], i[inside], j[inside]
            instance, number = face // faces.shape[1], face % faces.shape[1]
            pixel = (instance * height + i) * width + j
            rank = (_quantise(depth[inside]) << 32) | number
            if behind is not None:
                deeper = rank > behind.key.reshape(-1)[pixel]
                pixel, rank = pixel[deeper], rank[deeper]
            key.scatter_reduce_(0, pixel, rank, "amin")
    return Visibility(key.reshape(batch, height, width), topology.faces.shape[-2])


def interpolate(
    attributes: Float[Tensor, "ab n c"],
    clip: Float[Tensor, "b v 4"],
    topology: Topology,
    visibility: Visibility,
    faces: Int[Tensor, "*m f 3"],
) -> Float[Tensor, "b c h w"]:
    """Spread vertex attributes over the visible faces; see the public function."""
    batch, (height, width) = clip.shape[0], visibility.size
    instance, i, j = visibility.mask.nonzero(as_tuple=True)
    face = visibility.face_id[instance, i, j]
    corners = vertices_of(clip, topology.faces, instance, face).permute(1, 2, 0)
    edge = edge_functions(*relative_to_pixels(corners, i, j, (height, width)))
    weights = (edge * (1 / edge.sum(0))).T
    shared = torch.zeros_like(instance) if attributes.shape[0] == 1 else instance
    values = (vertices_of(attributes, faces, shared, face, instance) * weights[:, :, None]).sum(1)
    image = values.new_zeros((batch, height, width, values.shape[1]))
    return image.index_put((instance, i, j), values).permute(0, 3, 1, 2).contiguous()


def gather_vertices(
    vertices: Float[Tensor, "b v c"], faces: Int[Tensor, "b f 3"]
) -> Float[Tensor, "b f 3 c"]:
    """Collect the corners of all faces."""
    batch, count, channels = vertices.shape
    offset = torch.arange(batch, device=vertices.device)[:, None, None] * count
    return vertices.reshape(-1, channels)[faces + offset]


def vertices_of(
    vertices: Float[Tensor, "vb v c"],
    faces: Int[Tensor, "*m f 3"],
    instance: Int[Tensor, " n"],
    face: Int[Tensor, " n"],
    mesh: Int[Tensor, " n"] | None = None,
) -> Float[Tensor, "n 3 c"]:
    """Collect the corners of n faces; ``mesh`` picks among stacked face lists."""
    corner = faces[face] if faces.ndim == 2 else faces[instance if mesh is None else mesh, face]
    flat = corner + (instance * vertices.shape[1])[:, None]
    return vertices.reshape(-1, vertices.shape[2])[flat]


def pixel_centre(
    i: Int[Tensor, " n"], j: Int[Tensor, " n"], size: tuple[int, int], dtype: torch.dtype
) -> list[Float[Tensor, " n"]]:
    """Give the x and y of pixel centres in normalised device coordinates; row 0 on top."""
    x = (2 * j + 1).to(dtype) * (1 / size[1]) - 1
    y = 1 - (2 * i + 1).to(dtype) * (1 / size[0])
    return [x, y]


def relative_to_pixels(
    corners: Float[Tensor, "3 4 n"],
    i: Int[Tensor, " n"],
    j: Int[Tensor, " n"],
    size: tuple[int, int],
) -> tuple[Float[Tensor, "3 n"], Float[Tensor, "3 n"]]:
    """Move the origin to each pixel centre: x - px w and y - py w of the corners.

    A vertex rounds alike in all faces around it, so no pixel falls between them.
    """
    px, py = pixel_centre(i, j, size, corners.dtype)
    x, y, w = corners[:, 0], corners[:, 1], corners[:, 3]
    return x - px * w, y - py * w


def edge_functions(x: Float[Tensor, "3 n"], y: Float[Tensor, "3 n"]) -> Float[Tensor, "3 n"]:
    """Signed areas spanned by the pixel and the edge opposite each corner.

    Their ratios are the perspective-correct barycentric weights. Swapping an edge's ends
    flips the sign exactly, so two faces never both claim or both miss a pixel.
    """
    (x0, x1, x2), (y0, y1, y2) = x, y
    return torch.stack([x1 * y2 - y1 * x2, x2 * y0 - y2 * x0, x0 * y1 - y0 * x1])


def _test_pixels(
    corners: Tensor, i: Tensor, j: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Say for n faces turned to the eye, and pixels, which covers which and at what depth."""
    edge = edge_functions(*relative_to_pixels(corners, i, j, size))
    least = edge[0].minimum(edge[1]).minimum(edge[2])
    inside = least >= 0
    touching = (least == 0).nonzero()[:, 0]
    owned = (edge[:, touching] > 0) | _owns_its_line(corners[..., touching])
    inside[touching] = owned.all(0)
    depth = _weighted(edge, corners[:, 2]) / _weighted(edge, corners[:, 3])
    return inside & (depth >= -1) & (depth <= 1), depth


def _turned_to_the_eye(
    corners: Tensor, i: Tensor, j: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Swap two corners of (3 4 f) faces seen from behind; and say which those are.

    That flips the sign of every edge function exactly. The side is judged from a pixel near
    the face, where the arithmetic is precise.
    """
    edge = edge_functions(*relative_to_pixels(corners, i, j, size))
    behind = _weighted(edge, corners[:, 3]) < 0
    return torch.where(behind, corners[[1, 0, 2]], corners), behind


def _weighted(edge: Tensor, values: Tensor) -> Tensor:
    """Sum products in the kernels' order; torch's own sum may add in another."""
    return edge[0] * values[0] + edge[1] * values[1] + edge[2] * values[2]


def _owns_its_line(corners: Tensor) -> Tensor:
    """Say (3 n) which edges own pixels exactly on them: the lower left ones, say.

    Any rule does that gives opposite answers for the two directions of an edge.
    """
    a, b = corners.roll(-1, 0), corners.roll(-2, 0)
    slope_x = a[:, 1] * b[:, 3] - b[:, 1] * a[:, 3]
    slope_y = b[:, 0] * a[:, 3] - a[:, 0] * b[:, 3]
    return (slope_x > 0) | ((slope_x == 0) & (slope_y > 0))


def _pixel_boxes(
    corners: Tensor, faces: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Bound each face: first column, first row, columns and rows, zero if it is out of sight."""
    low, high = _screen_bounds(corners, size)
    box = []
    for axis, length in ((0, size[1]), (1, size[0])):
        first = (low[:, axis] - 0.5 - SLACK).clamp(-1, length + 1).ceil().long().clamp(min=0)
        last = (high[:, axis] - 0.5 + SLACK).clamp(-2, length).floor().long()
        box.append((first, (last.clamp(max=length - 1) - first + 1).clamp(min=0)))
    (column, columns), (row, rows) = box
    repeated = (faces == faces.roll(1, 1)).any(1)
    return column, row, columns * ~repeated, rows


def _screen_bounds(corners: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Smallest and largest column and row coordinates (f 2) of each face's visible part."""
    tiny = torch.finfo(corners.dtype).tiny
    screen = to_screen(corners, size)
    low, high = screen.amin(1), screen.amax(1)
    behind = (corners[..., 3] <= tiny).any(1).nonzero()[:, 0]
    if len(behind):
        points, visible = _cut_by_near_plane(corners[behind])
        screen = to_screen(points, size)
        screen = torch.where(points[..., 3:] > tiny, screen, torch.inf)
        low[behind] = screen.where(visible[..., None], torch.inf).amin(1)
        # A cut at w = 0 has no bound; its column and row are unknown in both directions.
        unbounded = (visible & (points[..., 3] <= tiny)).any(1)
        low[behind[unbounded]] = -torch.inf
        high[behind] = screen.where(visible[..., None], -torch.inf).amax(1)
    return low, high


def to_screen(clip: Float[Tensor, "*n 4"], size: tuple[int, int]) -> Float[Tensor, "*n 2"]:
    """Column and row coordinates of clip positions, in pixels, row 0 on top."""
    x, y, _, w = clip.unbind(-1)
    half = 0.5 / w
    return torch.stack([(x * half + 0.5) * size[1], (0.5 - y * half) * size[0]], dim=-1)


def _cut_by_near_plane(corners: Tensor) -> tuple[Tensor, Tensor]:
    """List the corners (n 6 4) that a cut at z = -w may leave of triangles, and which it does."""
    distance = corners[..., 2] + corners[..., 3]
    ahead, other = corners.roll(-1, 1), distance.roll(-1, 1)
    crosses = (distance >= 0) != (other >= 0)
    share = torch.where(crosses, distance / (distance - other), 0.0)
    cuts = corners + share[..., None] * (ahead - corners)
    return torch.cat([corners, cuts], 1), torch.cat([distance >= 0, crosses], 1)


def _pieces(count: Tensor) -> list[tuple[int, int]]:
    """Cut a list of faces where their pixels fill a piece."""
    total = count.cumsum(0)
    pixels = int(total[-1])
    if pixels <= CANDIDATES_AT_ONCE:
        return [(0, len(count))] if pixels else []
    marks = torch.arange(
        CANDIDATES_AT_ONCE, pixels + CANDIDATES_AT_ONCE, CANDIDATES_AT_ONCE, device=count.device
    )
    ends = torch.unique(torch.searchsorted(total, marks).clamp(max=len(count) - 1) + 1).tolist()
    return list(zip([0, *ends[:-1]], ends, strict=True))


def _steps(count: Tensor) -> Tensor:
    """Count 0, 1, ... within each of the runs of the given lengths."""
    total = count.cumsum(0)
    start = (total - count).repeat_interleave(count)
    return torch.arange(len(start), device=count.device) - start


def _quantise(depth: Tensor) -> Tensor:
    return ((depth * 0.5 + 0.5) * DEPTH_STEPS).long()


def depth_at(key: Int[Tensor, "*n"], dtype: torch.dtype) -> Float[Tensor, "*n"]:
    """Read depths back from keys: -1 at near, 1 at far, 3 where empty."""
    steps = (key >> 32).to(dtype) * (2.0 / DEPTH_STEPS) - 1
    return torch.where(key == EMPTY, 3.0, steps)
