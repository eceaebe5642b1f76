"""True shapes, with everything that is computed once for all pictures of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from shapecycle.evaluate.efficientnet_lite0 import EfficientNetLite0
from shapecycle.evaluate.geometry import ShapeScore, compare
from shapecycle.evaluate.looks import Looks, LookScores, compare_looks, looks_of, novel_views
from shapecycle.evaluate.scores import Reconstruction, score
from shapecycle.mesh import Mesh


@dataclass(frozen=True, eq=False)
class KnownShape:
    """A true shape, and how like it other surfaces are than those its pictures give.

    Attributes:
        mesh: The shape.
        looks: How it looks; None for a point cloud.
        references: Scores of other surfaces by their names, and of the shape itself, sampled
            twice, as ``two_samplings``.
        network: Measures look distances; None for none.
    """

    mesh: Mesh
    looks: Looks | None
    references: dict[str, tuple[ShapeScore, LookScores]]
    network: EfficientNetLite0 | None

    @staticmethod
    def of(
        mesh: Mesh, others: Mapping[str, Mesh], network: EfficientNetLite0 | None
    ) -> "KnownShape":
        """Compare a shape with itself and with others."""
        looks = looks_of(mesh, network)
        references = {"two_samplings": (compare(mesh, mesh), LookScores({}))}
        for name, other in others.items():
            alike = compare_looks(looks_of(other, network), looks)
            references[name] = (compare(other, mesh), alike)
        return KnownShape(mesh, looks, references, network)

    def score(self, written: Reconstruction, camera: Float[np.ndarray, "4 4"]) -> dict[str, Any]:
        """Score one picture's reconstruction.

        Returns:
            What `evaluate.scores.score` returns; the scores of `evaluate.looks.LookScores` from
            views that the picture does not show; and ``references``, the scores of the other
            surfaces, from the same views.
        """
        views = novel_views(camera)
        looks = compare_looks(looks_of(written.mesh, self.network), self.looks)
        references = {
            name: vars(distances) | alike.mean(views)
            for name, (distances, alike) in self.references.items()
        }
        return {
            **score(written, self.mesh, camera),
            **looks.mean(views),
            "references": references,
        }
