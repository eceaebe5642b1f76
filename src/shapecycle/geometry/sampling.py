"""Points on batches of surfaces, with gradients."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shapecycle.randomness import uniform


def sample_surface(
    vertices: Float[Tensor, "b v 3"],
    faces: Int[Tensor, "f 3"],
    count: int,
    generator: torch.Generator,
) -> tuple[Float[Tensor, "b n 3"], Float[Tensor, "b n 3"]]:
    """Draw points uniformly by area, with the unit normals of their faces; both have gradients."""
    corners = [vertices.index_select(1, faces[:, k]) for k in range(3)]
    cross = torch.linalg.cross(corners[1] - corners[0], corners[2] - corners[0])
    length = (cross * cross).sum(2).clamp(min=1e-20).sqrt()
    with torch.no_grad():
        # Inverse transform on stratified numbers: lower variance than independent draws.
        total = length.detach().double().cumsum(1)
        draws = [uniform(generator, len(vertices), count, 1).to(total.device) for _ in range(3)]
        strata = torch.arange(count, dtype=torch.float64, device=vertices.device)
        target = (strata + draws[0][..., 0]) / count * total[:, -1:]
        face = torch.searchsorted(total, target).clamp(max=len(faces) - 1)
        r, s = draws[1].sqrt(), draws[2]
    index = face[..., None].expand(-1, -1, 3)
    a, b, c = (torch.gather(corner, 1, index) for corner in corners)
    points = a * (1 - r) + b * (r * (1 - s)) + c * (r * s)
    normals = torch.gather(cross / length[..., None], 1, index)
    return points, normals
