"""Training shapes, undeformed, as answers that a model's can be held against."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shapecycle.evaluate.geometry import SurfacePoints, compare_points, nearest
from shapecycle.mesh import Mesh

POINTS = 2048
MEDOID_POINTS = 256


@dataclass(frozen=True, eq=False)
class TrainingShapes:
    """The shapes that a model was trained on, for picking one.

    Attributes:
        meshes: Centred, with a bounding-box diagonal of 1.
        points: Of each mesh.
        typical: The number of the most typical one.
    """

    meshes: list[Mesh]
    points: list[SurfacePoints]
    typical: int

    @staticmethod
    def of(meshes: list[Mesh]) -> "TrainingShapes":
        """Draw points of all meshes, and find the most typical one."""
        points = [_points(mesh, k) for k, mesh in enumerate(meshes)]
        return TrainingShapes(meshes, points, medoid(meshes))

    def picked_for(self, truth: Mesh, name: str) -> dict[str, Mesh]:
        """Pick three of them, as they are, to hold against a true shape.

        Args:
            truth: The true shape.
            name: Its name; decides the random pick.

        Returns:
            ``nearest_training_shape``, with the least Chamfer distance to the true one;
            ``typical_training_shape``, the same for all; and ``random_training_shape``.
        """
        wanted = _points(truth, len(self.meshes))
        distances = [compare_points(points, wanted).chamfer for points in self.points]
        generator = np.random.default_rng(list(name.encode()))
        return {
            "nearest_training_shape": self.meshes[int(np.argmin(distances))],
            "typical_training_shape": self.meshes[self.typical],
            "random_training_shape": self.meshes[generator.integers(len(self.meshes))],
        }


def medoid(meshes: Sequence[Mesh]) -> int:
    """Return the index of the mesh with the least mean Chamfer distance to all others."""
    sampled = [
        mesh.sample(MEDOID_POINTS, np.random.default_rng([0, k]))[0]
        for k, mesh in enumerate(meshes)
    ]
    everything = np.concatenate(sampled)
    distances = np.stack(
        [nearest(everything, one)[0].reshape(-1, MEDOID_POINTS).mean(1) for one in sampled]
    )
    return int((distances + distances.T).mean(1).argmin())


def _points(mesh: Mesh, stream: int) -> SurfacePoints:
    return SurfacePoints(*mesh.sample(POINTS, np.random.default_rng([0, stream])))
