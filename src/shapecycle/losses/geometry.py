"""Losses on surfaces: distance to points, and regularity of meshes."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shapecycle.geometry.nearest import nearest


def chamfer_loss(
    points: Float[Tensor, "b n 3"],
    normals: Float[Tensor, "b n 3"],
    target_points: Float[Tensor, "b m 3"],
    target_normals: Float[Tensor, "b m 3"],
    *,
    normal_reach: float = 0.05,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Compare two oriented point sets by nearest neighbours in position and normal.

    Neighbours are sought in six dimensions, so that the two sides of a thin plate are matched with
    their own side. ``normal_reach`` is the distance that a right angle between normals is worth
    (over sqrt 2), in object units.

    Returns:
        Mean distance between matched points (both directions averaged, not squared) and mean
        ``1 - cos`` between their normals.
    """
    with torch.no_grad():
        ours = torch.cat([points, normals * normal_reach], 2)
        theirs = torch.cat([target_points, target_normals * normal_reach], 2)
        forward, backward = nearest(ours, theirs), nearest(theirs, ours)

    there = points - _picked(target_points, forward)
    back = _picked(points, backward) - target_points
    distance = torch.stack([(d * d).sum(2).add(1e-8).sqrt().mean() for d in (there, back)]).mean()
    cosine = (normals * _picked(target_normals, forward)).sum(2).mean()
    cosine = cosine + (_picked(normals, backward) * target_normals).sum(2).mean()
    return distance, 1 - cosine / 2


def _picked(x: Float[Tensor, "b n 3"], index: Int[Tensor, "b k"]) -> Float[Tensor, "b k 3"]:
    return torch.gather(x, 1, index[..., None].expand(-1, -1, 3))


def dihedral_penalty(
    vertices: Float[Tensor, "b v 3"], edges: Int[Tensor, "e 4"]
) -> Float[Tensor, ""]:
    """Return the mean of (1 - cos)^2 over the dihedral angles of neighbouring faces.

    Squared, so that a few sharp folds, which furniture has, cost less than many dents.

    Args:
        vertices: Positions.
        edges: Per edge its ends a and b, and the vertices opposite it in its two faces.
    """
    a, b, c, d = (vertices.index_select(1, edges[:, k]) for k in range(4))
    along = b - a
    first = torch.linalg.cross(along, c - a)
    second = torch.linalg.cross(d - a, along)
    cosine = (first * second).sum(2) / ((first * first).sum(2) * (second * second).sum(2)).clamp(
        min=1e-16
    ).sqrt()
    return ((1 - cosine) ** 2).mean()


def edge_length_variation(
    vertices: Float[Tensor, "b v 3"], edges: Int[Tensor, "e 4"]
) -> Float[Tensor, ""]:
    """Return the mean squared edge length over the squared mean: 1 when all are equal."""
    along = vertices.index_select(1, edges[:, 0]) - vertices.index_select(1, edges[:, 1])
    squared = (along * along).sum(2)
    return (squared.mean(1) / squared.add(1e-10).sqrt().mean(1).square()).mean()
