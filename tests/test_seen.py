"""What is seen: half turns, unlikely shapes, and how a pose is asked for."""

from dataclasses import replace
from math import nan, pi, radians
from typing import Any

import pytest
import torch

from shapecycle.camera import Pose
from shapecycle.graphics_code import GraphicsCode, Texture
from shapecycle.seen import (
    MAX_BENT,
    MAX_MISFIT,
    MAX_SHAPE_DISTANCE,
    Hypothesis,
    Seen,
    SeeOptions,
    SurfaceChoice,
)


def _pose(azimuth: float = 0.0, *, depth: float = 2.0) -> Pose:
    return Pose(torch.tensor([[azimuth, 0.3, 0.0]]), torch.tensor([[0.0, 0.0, -depth]]))


def _seen(*azimuths_and_plausibilities: tuple[float, float]) -> Seen:
    hypotheses = [Hypothesis(_pose(radians(a)), p) for a, p in azimuths_and_plausibilities]
    code = GraphicsCode(
        torch.zeros(1, 8), Texture(torch.zeros(1, 8)), _pose(), torch.zeros(1, 9, 3)
    )
    return Seen(code, hypotheses, hypotheses[0], 1.0, SurfaceChoice("as asked for"), 0.8, (40, 40))


@pytest.mark.parametrize(
    ("hypotheses", "expected"),
    [
        ([(10, 0.6), (190, 0.3)], True),
        ([(190, 0.6), (10, 0.3)], True),
        ([(-175, 0.6), (370 * 3 + 5, 0.15)], True),
        ([(0, 0.5), (0, 0.5)], False),
        ([(0, 0.5), (151, 0.4)], True),
        ([(0, 0.5), (149, 0.4)], False),
        ([(0, 0.5), (-149, 0.4)], False),
        ([(0, 0.8), (180, 0.19)], False),
        ([(0, 0.4), (50, 0.3), (182, 0.2)], True),
        # All azimuths that several hypotheses share are one.
        ([(3, 0.4), (-4, 0.3), (720, 0.2), (8, 0.1)], False),
        ([(0, 0.5), (90, 0.25), (270, 0.25)], False),
    ],
)
def test_a_half_turn_is_likely_if_an_opposite_pose_is_plausible(
    hypotheses: list[tuple[float, float]], expected: bool
) -> None:
    assert _seen(*hypotheses).half_turn_is_likely == expected


def test_a_shape_far_from_the_training_shapes_is_unlike_them() -> None:
    seen = _seen((0, 1.0))
    assert not replace(seen, shape_distance=MAX_SHAPE_DISTANCE).unlike_training_shapes
    assert replace(seen, shape_distance=MAX_SHAPE_DISTANCE + 0.01).unlike_training_shapes


def test_only_another_pose_than_the_first_is_a_choice() -> None:
    assert not SeeOptions(fov_y=0.7, refine_steps=3).is_pose_chosen
    choices: list[dict[str, Any]] = [{"hypothesis": 2}, {"azimuth_hint": 0.0}, {"pose": _pose()}]
    for choice in choices:
        assert SeeOptions(**choice).is_pose_chosen
        for other in choices:
            if other is not choice:
                with pytest.raises(ValueError, match="all choose the pose: give one of them"):
                    SeeOptions(**choice, **other)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"refine_steps": -1}, ValueError, "`refine_steps` must be at least 0"),
        ({"hypothesis": 0}, ValueError, "`hypothesis` must be at least 1, found 0"),
        ({"hypothesis": 5}, ValueError, "`hypothesis` must be at most 4, found 5"),
        ({"hypothesis": 1.5}, TypeError, "`hypothesis` must be a whole number"),
        ({"azimuth_hint": nan}, ValueError, "`azimuth_hint` must be finite, found nan"),
        ({"fov_y": pi}, ValueError, r"`fov_y` must be in .* found 3\.14"),
        ({"pose": 1.0}, TypeError, "`pose` must be a Pose, found float"),
        ({"pose": _pose(nan)}, ValueError, "`pose` must be finite"),
        ({"pose": _pose(depth=-2)}, ValueError, "z < 0: in front of the camera"),
        (
            {"pose": lambda: Pose(torch.zeros(3), torch.zeros(1, 3))},
            ValueError,
            "angles and a translation, b x 3 each",
        ),
        (
            {"pose": lambda: Pose(torch.zeros(2, 3), -torch.ones(1, 3))},
            ValueError,
            "as many angles as translations",
        ),
    ],
)
def test_options_out_of_their_range_are_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    options = {name: value() if callable(value) else value for name, value in options.items()}
    with pytest.raises(error, match=message):
        SeeOptions(**options)


def test_a_source_that_fits_is_carried_unless_it_is_bent_too_far_or_misses_the_mask() -> None:
    def chosen(bent: float, misfit: float) -> str | None:
        return SurfaceChoice.between("auto", "stool", bent, misfit, 0.02).source

    assert chosen(0.05, 0.01) == "stool"
    assert chosen(MAX_BENT + 0.01, 0.01) is None
    assert chosen(0.05, 0.02 * MAX_MISFIT + 0.001) is None
    assert SurfaceChoice.between("carried", "stool", 1.0, 1.0, 0.02).source == "stool"
