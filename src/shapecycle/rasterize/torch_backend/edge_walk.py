"""Antialiasing by a walk along silhouette edges, in plain PyTorch.

A renderer that samples pixel centres is blind to where silhouettes lie between them, so no
gradient reaches the outline. Here every mesh edge that separates a surface from what lies
behind it is followed over the image: where it crosses the line between two neighbouring pixel
centres, the two pixels are blended by the position of the crossing. Steep edges blend pairs in
a row, flat ones pairs in a column, so no area counts twice.

The walk starts from edges, not from pixels: pixel pairs find a silhouette only if its own
triangle is visible at one of the two centres, which fails for almost all of a mesh whose
triangles are smaller than pixels.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from shapecycle.rasterize.topology import Topology
from shapecycle.rasterize.torch_backend.scan import _steps, depth_at, pixel_centre, to_screen
from shapecycle.rasterize.visibility import EMPTY, Visibility

DEPTH_BIAS = 1e-4
"""Slack of the visibility tests, in normalised depth."""

MIN_W = 1e-6
"""Edges nearer to the eye than this, in clip space's w, are left alone."""

OFFSET_STEPS = 2047
"""Levels of a crossing's distance from the inner pixel's centre."""


@dataclass(frozen=True)
class Crossings:
    """Where silhouettes pass between two neighbouring pixel centres, one row each.

    Attributes:
        instance: The batch item.
        ends: The edge's two vertices, first in its row of the topology.
        cuts: How far the near plane moves each end towards the other, in [0, 1).
        inner: Row and column of the pixel on the surface's side.
        outer: Row and column of the pixel beyond the edge.
        steep: Whether the pair lies in one row (the edge is steep).
    """

    instance: Int[Tensor, " n"]
    ends: Int[Tensor, "n columns"]
    cuts: Float[Tensor, "n 2"]
    inner: Int[Tensor, "n 2"]
    outer: Int[Tensor, "n 2"]
    steep: Bool[Tensor, " n"]


def antialias(
    image: Float[Tensor, "b c h w"],
    clip: Float[Tensor, "b v 4"],
    topology: Topology,
    visibility: Visibility,
) -> Float[Tensor, "b c h w"]:
    """Blend pixels across silhouettes; see the public function."""
    with torch.no_grad():
        found = _find_crossings(clip.detach(), topology, visibility)
    position = _positions(clip, found, visibility.size)
    inner = torch.where(found.steep, found.inner[:, 1], found.inner[:, 0])
    outer = torch.where(found.steep, found.outer[:, 1], found.outer[:, 0])
    middle = (inner + outer + 1).to(clip.dtype) / 2
    outwards = (outer - inner).to(clip.dtype)
    # Positive if the surface reaches into the outer pixel, negative if it leaves the inner one.
    excess = (position - middle) * outwards
    return _blend(image, found, excess)


def _blend(image: Tensor, found: Crossings, excess: Tensor) -> Tensor:
    _, channels, height, width = image.shape
    base = found.instance[:, None] * channels + torch.arange(channels, device=image.device)
    base = base * (height * width)
    inner = base + (found.inner[:, :1] * width + found.inner[:, 1:])
    outer = base + (found.outer[:, :1] * width + found.outer[:, 1:])
    flat = image.reshape(-1)
    difference = (flat[inner] - flat[outer]) * excess[:, None]
    target = torch.where(excess[:, None] > 0, outer, inner)
    return flat.index_add(0, target.reshape(-1), difference.reshape(-1)).reshape(image.shape)


def _positions(clip: Tensor, found: Crossings, size: tuple[int, int]) -> Tensor:
    """Column (steep) or row coordinate, in pixels, where each edge meets its pair's line."""
    # The cuts are constants here: sliding an end along its edge moves no crossing.
    a, b = _cut_edges(clip, found.instance, found.ends, found.cuts)
    start, end = to_screen(a, size), to_screen(b, size)
    line = torch.where(found.steep, found.inner[:, 0], found.inner[:, 1]).to(clip.dtype) + 0.5
    return _meet(start, end, line, found.steep)[0]


def _meet(start: Tensor, end: Tensor, line: Tensor, steep: Tensor) -> tuple[Tensor, Tensor]:
    """Cut screen edges with pixel lines: the other coordinate, and the share of the way."""
    along_start = torch.where(steep, start[:, 1], start[:, 0])
    along_end = torch.where(steep, end[:, 1], end[:, 0])
    across_start = torch.where(steep, start[:, 0], start[:, 1])
    across_end = torch.where(steep, end[:, 0], end[:, 1])
    share = (line - along_start) / (along_end - along_start)
    return across_start + share * (across_end - across_start), share


def _find_crossings(clip: Tensor, topology: Topology, visibility: Visibility) -> Crossings:
    """Follow all silhouette edges and keep the crossings that are seen."""
    size = visibility.size
    instance, edge, cuts, side, across = _silhouettes(clip, topology)
    ends = _rows_of(topology.edges, instance, edge)
    a, b = _cut_edges(clip, instance, ends, cuts)
    start, end = to_screen(a, size), to_screen(b, size)
    depths = a[:, 2] / a[:, 3], b[:, 2] / b[:, 3]
    steep = (end[:, 1] - start[:, 1]).abs() >= (end[:, 0] - start[:, 0]).abs()
    along = torch.where(steep, 1, 0)
    lines = torch.tensor([size[1], size[0]], device=clip.device)
    pick = torch.arange(len(along), device=clip.device)
    s, e = start[pick, along], end[pick, along]
    limit = lines[along].to(clip.dtype)
    first = (torch.minimum(s, e) - 0.5).clamp(min=-1.0).minimum(limit).ceil().long().clamp(min=0)
    stop = (torch.maximum(s, e) - 0.5).clamp(min=-1.0).minimum(limit).ceil().long()
    count = (stop - first).clamp(min=0)

    n = pick.repeat_interleave(count)
    line = first[n] + _steps(count)
    steep, instance, edge, side, across = steep[n], instance[n], edge[n], side[n], across[n]
    start, end = start[n], end[n]
    position, share = _meet(start, end, line.to(clip.dtype) + 0.5, steep)
    length = torch.where(steep, size[1], size[0])
    lower = (position - 0.5).clamp(-2, 1e6).floor().long()
    # Left of the edge's direction lies the smaller column if it runs upwards (rows fall), and
    # the smaller row if it runs to the right.
    forwards = torch.where(steep, end[:, 1] < start[:, 1], end[:, 0] > start[:, 0])
    inner_is_lower = (side > 0) == forwards
    inner_across = torch.where(inner_is_lower, lower, lower + 1)
    outer_across = torch.where(inner_is_lower, lower + 1, lower)
    keep = (lower >= 0) & (lower + 1 < length)
    inner = _row_and_column(steep, line, inner_across)
    outer = _row_and_column(steep, line, outer_across)
    found = Crossings(instance, ends[n], cuts[n], inner, outer, steep)
    depth = depths[0][n] + share * (depths[1] - depths[0])[n]
    seen = _is_seen(clip, found, across, depth, keep, visibility)
    offset = (position - 0.5 - inner_across.to(clip.dtype)).abs()
    return _outermost(found, edge, offset, seen, visibility)


def _row_and_column(steep: Tensor, line: Tensor, across: Tensor) -> Tensor:
    return torch.stack([torch.where(steep, line, across), torch.where(steep, across, line)], 1)


def _rows_of(table: Tensor, instance: Tensor, row: Tensor) -> Tensor:
    return table[row] if table.ndim == 2 else table[instance, row]


def _silhouettes(clip: Tensor, topology: Topology) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """List edges whose faces all lie on one side of them on screen.

    Returns:
        Batch item, edge, cuts, the side (+1 left of the edge's direction, as seen) and the opposite
        vertices on that side (n 2), -1 for none.
    """
    edges = topology.edges.expand(clip.shape[0], -1, 4)
    instance, edge = (edges[..., 0] != edges[..., 1]).nonzero(as_tuple=True)
    rows = edges[instance, edge]
    cuts = _near_cuts(clip, instance, rows)
    a, b = _cut_edges(clip, instance, rows, cuts)
    visible = (a[:, 3] > MIN_W) & (b[:, 3] > MIN_W) & (cuts < 1).all(1)
    sides = [_side(a, b, clip[instance, rows[:, k].clamp(min=0)]) for k in (2, 3)]
    first, second = (
        torch.where(rows[:, k] >= 0, side, 0) for k, side in zip((2, 3), sides, strict=True)
    )
    chosen = visible & (first * second >= 0) & (first + second != 0)
    side = (first + second).sign()
    across = torch.stack(
        [torch.where(s != 0, rows[:, k], -1) for k, s in ((2, first), (3, second))], 1
    )
    return instance[chosen], edge[chosen], cuts[chosen], side[chosen], across[chosen]


def _near_cuts(clip: Tensor, instance: Tensor, ends: Tensor) -> Tensor:
    """How far (n 2) each end of an edge lies behind the near plane: 0 not at all, 1 with all."""
    distance = clip[..., 2] + clip[..., 3]
    here = distance[instance[:, None], ends[:, :2]]
    there = here.flip(1)
    share = torch.where(there > 0, here / (here - there), 1.0)
    return torch.where(here < 0, share, 0.0)


def _cut_edges(clip: Tensor, instance: Tensor, ends: Tensor, cuts: Tensor) -> tuple[Tensor, Tensor]:
    """Move the ends of edges to the near plane: clip positions (n 4)."""
    a, b = clip[instance, ends[:, 0]], clip[instance, ends[:, 1]]
    return a + cuts[:, :1] * (b - a), b + cuts[:, 1:] * (a - b)


def _side(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Sign of the determinant of three clip positions with a.w > 0: +1 if c is left of a b."""
    ax, ay, _, aw = a.unbind(1)
    bx, by = b[:, 0] * aw - ax * b[:, 3], b[:, 1] * aw - ay * b[:, 3]
    cx, cy = c[:, 0] * aw - ax * c[:, 3], c[:, 1] * aw - ay * c[:, 3]
    return (bx * cy - by * cx).sign().long()


def _is_seen(
    clip: Tensor,
    found: Crossings,
    across: Tensor,
    depth: Tensor,
    keep: Tensor,
    visibility: Visibility,
) -> Tensor:
    """Drop crossings that something nearer hides, on either side of the edge."""
    height, width = visibility.size

    def keys(pixel: Tensor) -> Tensor:
        row, column = pixel[:, 0].clamp(0, height - 1), pixel[:, 1].clamp(0, width - 1)
        return visibility.key[found.instance, row, column]

    inner_key, outer_key = keys(found.inner), keys(found.outer)
    beyond = depth_at(outer_key, clip.dtype)
    within = depth_at(inner_key, clip.dtype)
    surface = torch.full_like(depth, 4.0)
    for k in (0, 1):
        plane = _plane_depth(clip, found, across[:, k], (height, width))
        surface = torch.where(across[:, k] >= 0, torch.minimum(surface, plane), surface)
    seen = (beyond >= depth - DEPTH_BIAS) & (within >= surface - DEPTH_BIAS)
    return keep & seen & (inner_key != EMPTY) & (depth >= -1) & (depth <= 1)


def _plane_depth(clip: Tensor, found: Crossings, opposite: Tensor, size: tuple[int, int]) -> Tensor:
    """Depth of the face's plane at the centre of the inner pixel."""
    px, py = pixel_centre(found.inner[:, 0], found.inner[:, 1], size, clip.dtype)
    a = clip[found.instance, found.ends[:, 0]]
    b = clip[found.instance, found.ends[:, 1]]
    c = clip[found.instance, opposite.clamp(min=0)]
    (ax, ay), (bx, by), (cx, cy) = (
        (v[:, 0] - px * v[:, 3], v[:, 1] - py * v[:, 3]) for v in (a, b, c)
    )
    ea, eb, ec = bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx
    volume = ea * a[:, 3] + eb * b[:, 3] + ec * c[:, 3]
    return (ea * a[:, 2] + eb * b[:, 2] + ec * c[:, 2]) / volume


def _outermost(
    found: Crossings,
    edge: Tensor,
    offset: Tensor,
    seen: Tensor,
    visibility: Visibility,
) -> Crossings:
    """Keep one crossing per inner pixel and direction, so that no pixel overshoots."""
    height, width = visibility.size
    ahead = found.outer > found.inner
    direction = torch.where(found.steep, 0, 2) + ahead.any(1).long()
    row, column = found.inner[:, 0], found.inner[:, 1]
    slot = ((found.instance * 4 + direction) * height + row) * width + column
    slot, rank = slot[seen], ((offset[seen] * OFFSET_STEPS).long() << 32) | edge[seen]
    best = torch.full(
        (len(visibility.key) * 4 * height * width,), -1, dtype=torch.int64, device=edge.device
    )
    best.scatter_reduce_(0, slot, rank, "amax")
    chosen = seen.nonzero()[:, 0][best[slot] == rank]
    return Crossings(
        found.instance[chosen],
        found.ends[chosen],
        found.cuts[chosen],
        found.inner[chosen],
        found.outer[chosen],
        found.steep[chosen],
    )
