"""What is seen in a picture, and what one may say before it is seen."""

from dataclasses import dataclass
from math import isfinite, pi
from typing import get_args

from torch import Tensor

from shapecycle.camera import Pose
from shapecycle.config import SurfaceKind
from shapecycle.graphics_code import GraphicsCode
from shapecycle.pose_distribution import NEARBY
from shapecycle.validation import checked_count, checked_fov_y

HYPOTHESES = 4
"""Poses that are reported of a picture."""
HALF_TURN_SHARE = 0.25
"""Plausibility, compared with the first pose's, from which an opposite one is reported."""
MAX_SHAPE_DISTANCE = 1.25
"""Distance from the training shapes above which a shape is reported as unlike them. To a model of
chairs, 0.6 % of 480 renders of other chairs lie above, 8 % of 288 silhouettes of real ones, and
81 % of 287 photographs of toy cars."""


MAX_BENT = 0.1
"""Mean distance, in object units, by which vertices of the template are moved, from which a
carried shape looks worse than the template."""
MAX_MISFIT = 1.5
"""Silhouette loss of a carried shape, in multiples of the template's, from which it misses."""
MAX_LOSS = 0.15
"""Silhouette loss from which neither surface fits: 0.6 % of 480 renders of chairs, and most chairs
that a model of cars was shown."""
NEITHER = "neither surface fits the mask"


@dataclass(frozen=True)
class SurfaceChoice:
    """Which surface a picture's shape was given, and why.

    Attributes:
        reason: In words.
        source: Name of the remembered shape that was carried; None for the template.
        bent: Mean distance, in object units, by which carrying moved the source's template.
        misfit: Silhouette loss of the carried surface; None where none was tried.
        template_misfit: Of the template.
    """

    reason: str
    source: str | None = None
    bent: float | None = None
    misfit: float | None = None
    template_misfit: float | None = None

    @staticmethod
    def between(
        kind: SurfaceKind, source: str, bent: float, misfit: float, template_misfit: float
    ) -> "SurfaceChoice":
        """Choose between the template and the source that fits best."""
        numbers = (bent, misfit, template_misfit)
        if kind == "carried":
            return SurfaceChoice("as asked for", source, *numbers)
        if bent > MAX_BENT:
            return SurfaceChoice("every remembered shape would be bent too far", None, *numbers)
        if min(misfit, template_misfit) > MAX_LOSS:
            return SurfaceChoice(NEITHER, None, *numbers)
        if misfit > MAX_MISFIT * template_misfit:
            return SurfaceChoice("no remembered shape fits the mask", None, *numbers)
        return SurfaceChoice("it fits", source, *numbers)


@dataclass(frozen=True, eq=False)
class SeeOptions:
    """How pictures are seen; see `model.Model.see`.

    Attributes:
        refine_steps: Steps of fitting shape and placement to the mask.
        hypothesis: Rank of the pose hypothesis that is taken, from 1.
        azimuth_hint: Azimuth near which the pose is, in radians, of any size.
        pose: The poses themselves, as many as pictures.
        fov_y: Full vertical field of view of the pictures, in radians; by default the model's.
        surface: Which surface shapes are given.

    Raises:
        TypeError, ValueError: If one is of another form or out of its range, or more than one of
            them chooses the pose.
    """

    refine_steps: int = 30
    hypothesis: int = 1
    azimuth_hint: float | None = None
    pose: Pose | None = None
    fov_y: float | None = None
    surface: SurfaceKind = "auto"

    def __post_init__(self) -> None:
        if self.surface not in get_args(SurfaceKind):
            known = ", ".join(map(repr, get_args(SurfaceKind)))
            raise ValueError(f"`surface` must be one of {known}, found {self.surface!r}")
        checked_count(self.refine_steps, "refine_steps", minimum=0)
        checked_count(self.hypothesis, "hypothesis", minimum=1, maximum=HYPOTHESES)
        if self.azimuth_hint is not None and not isfinite(self.azimuth_hint):
            raise ValueError(f"`azimuth_hint` must be finite, found {self.azimuth_hint}")
        if self.pose is not None:
            _check_pose(self.pose)
        if self.fov_y is not None:
            checked_fov_y(self.fov_y)
        if self._choices > 1:
            raise ValueError(
                "`hypothesis`, `azimuth_hint` and `pose` all choose the pose: give one of them"
            )

    @property
    def _choices(self) -> int:
        return sum((self.hypothesis != 1, self.azimuth_hint is not None, self.pose is not None))

    @property
    def is_pose_named(self) -> bool:
        """Whether a pose or an azimuth was asked for, rather than one of the hypotheses."""
        return self.pose is not None or self.azimuth_hint is not None

    @property
    def is_pose_chosen(self) -> bool:
        """Whether another pose than the most plausible one was asked for."""
        return self._choices > 0


def _check_pose(pose: Pose) -> None:
    if not isinstance(pose, Pose):
        raise TypeError(f"`pose` must be a Pose, found {type(pose).__name__}")
    for part in (pose.angles, pose.translation):
        if not isinstance(part, Tensor) or part.ndim != 2 or part.shape[1] != 3:
            raise ValueError("`pose` must hold angles and a translation, b x 3 each")
        if not part.isfinite().all():
            raise ValueError("`pose` must be finite")
    if len(pose.angles) != len(pose.translation) or (pose.translation[:, 2] >= 0).any():
        raise ValueError(
            "`pose` must have as many angles as translations, with z < 0: in front of the camera"
        )


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """One reading of a picture's pose.

    Attributes:
        pose: A batch of one.
        plausibility: Its probability, in [0, 1]; a picture's hypotheses sum to at most 1.
    """

    pose: Pose
    plausibility: float


@dataclass(frozen=True, eq=False)
class Seen:
    """What was seen in one picture.

    Attributes:
        code: The graphics code, refined.
        hypotheses: Poses as the network saw them, the most plausible first; where shape and place
            were refined, by how well they came to fit the mask in each as well. See
            `image_to_code.hypotheses`.
        start: What refinement started from: the first hypothesis, unless another was chosen; of a
            given pose and an azimuth hint, with the plausibility of that azimuth.
        shape_distance: How far the shape lies from the training shapes, which have 1 themselves
            (root mean square); see `priors.fitted_gaussian.GaussianPrior.distance`.
        surface_choice: Which surface it was given, and why.
        fov_y: Full vertical field of view that was assumed, in radians.
        size: Height and width of the picture, in pixels.
    """

    code: GraphicsCode
    hypotheses: list[Hypothesis]
    start: Hypothesis
    shape_distance: float
    surface_choice: SurfaceChoice
    fov_y: float
    size: tuple[int, int]

    @property
    def half_turn_is_likely(self) -> bool:
        """Whether the object may as well stand the other way round.

        That is so if a hypothesis within 30 degrees of the first one's opposite has at least a
        quarter of its plausibility. Symmetric objects give the same answer.
        """
        first, *others = self.hypotheses
        return any(
            _angle_between(_azimuth(other) + pi, _azimuth(first)) <= NEARBY
            and other.plausibility >= HALF_TURN_SHARE * first.plausibility
            for other in others
        )

    @property
    def unlike_training_shapes(self) -> bool:
        """Whether the shape is far from what was trained on: a rough warning."""
        return self.shape_distance > MAX_SHAPE_DISTANCE


def _azimuth(hypothesis: Hypothesis) -> float:
    azimuth: float = hypothesis.pose.angles[0, 0].item()
    return azimuth


def _angle_between(first: float, second: float) -> float:
    return abs((first - second + pi) % (2 * pi) - pi)
