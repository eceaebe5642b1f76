"""Bounding boxes centred at the origin with a diagonal of 1, and the way back."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from torch import Tensor

from shapecycle.errors import GeometryError
from shapecycle.mesh import Mesh


@dataclass(frozen=True, eq=False)
class Normalisation:
    """How a file's coordinates became the object's: ``object = (file - centre) * scale``.

    Attributes:
        centre: Centre of the bounding box, in file units.
        scale: One over the length of the box's diagonal, per file unit.
    """

    centre: Float[np.ndarray, "3"]
    scale: float

    def object_from_file(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Map points of the file to the box with centre 0 and diagonal 1."""
        moved: Float[np.ndarray, "n 3"] = (points - self.centre) * self.scale
        return moved

    def file_from_object(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Map points of the normalised object back to the file's position and units."""
        moved: Float[np.ndarray, "n 3"] = points / self.scale + self.centre
        return moved


def normalise(mesh: Mesh) -> tuple[Mesh, Normalisation]:
    """Centre the bounding box at the origin and scale its diagonal to 1.

    The axes stay as they are: which way is up or front is not guessed.

    Args:
        mesh: In any units.

    Returns:
        The shape as float32, and the mapping that made it.

    Raises:
        GeometryError: If the shape has no extent.
    """
    low, high = mesh.vertices.min(0).astype(np.float64), mesh.vertices.max(0).astype(np.float64)
    diagonal = float(np.linalg.norm(high - low))
    if not 0 < diagonal < np.inf:
        raise GeometryError(f"the bounding box has a diagonal of {diagonal:g}")
    normalisation = Normalisation(low / 2 + high / 2, 1 / diagonal)
    vertices = normalisation.object_from_file(mesh.vertices.astype(np.float64))
    return replace(mesh, vertices=vertices.astype(np.float32)), normalisation


def to_unit_box(
    points: Float[Tensor, "b n 3"], *others: Float[Tensor, "b m 3"]
) -> list[Float[Tensor, "b k 3"]]:
    """Centre the bounding boxes of ``points`` at the origin and scale their diagonals to 1.

    Returns:
        The points, and then the other point sets moved the same way.
    """
    low, high = points.amin(1, keepdim=True), points.amax(1, keepdim=True)
    centre, diagonal = (low + high) / 2, (high - low).norm(dim=2, keepdim=True)
    return [(x - centre) / diagonal for x in (points, *others)]
