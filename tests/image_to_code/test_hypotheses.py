"""Hypotheses of the pose: the outline decides between those that the network finds plausible."""

import pytest
import torch
from tiny_world import lively_networks

from shapecycle.camera import Pose, View, window_around
from shapecycle.image_to_code import hypotheses
from shapecycle.image_to_code.hypotheses import WeighedHypotheses, weigh
from shapecycle.model_networks import Networks

ANGLES = ((0.4, 0.2, 0.0), (2.0, 0.2, 0.0), (-1.2, 0.3, 0.0))


@pytest.fixture(scope="module")
def model() -> Networks:
    return lively_networks()


def _scene(model: Networks, true: int) -> tuple[torch.Tensor, list[Pose], torch.Tensor, View]:
    """A code, three poses, and the mask that the code has in one of them."""
    shape = torch.randn(1, 8, generator=torch.Generator().manual_seed(3))
    poses = [Pose(torch.tensor([one]), torch.tensor([[0.0, 0.0, -1.5]])) for one in ANGLES]
    vertices = model.renderer.vertices(shape).detach()
    view = model.view(window_around(poses[true].place(vertices), fov_y=model.fov_y, margin=0.2))
    return shape, poses, model.renderer.silhouette(vertices, poses[true], view).detach(), view


def _weighed(
    model: Networks, plausibility: tuple[float, ...], true: int = 1, *, steps: int = 4
) -> WeighedHypotheses:
    shape, poses, mask, view = _scene(model, true)
    return weigh(
        model.renderer, shape, poses, torch.tensor([plausibility]), mask, view,
        spread=torch.ones(8), steps=steps,
    )  # fmt: skip


def test_the_pose_in_which_the_outline_fits_comes_first(model: Networks) -> None:
    for true in (0, 1, 2):
        found = _weighed(model, (0.5, 0.3, 0.2), true)
        assert found.order[0, 0] == true
        torch.testing.assert_close(found.pose(0).angles[0], torch.tensor(ANGLES[true]))


def test_plausibility_is_shared_out_anew_and_none_is_lost(model: Networks) -> None:
    found = _weighed(model, (0.5, 0.3, 0.1))
    assert found.plausibility.sum() == pytest.approx(0.9)
    assert (found.plausibility.diff() <= 0).all()


def test_what_the_network_rules_out_is_not_tried(model: Networks) -> None:
    found = _weighed(model, (0.9, 0.001, 0.05))
    assert found.order[0].tolist()[0] != 1
    at = found.order[0].tolist().index(1)
    assert found.plausibility[0, at] == pytest.approx(0.001)
    torch.testing.assert_close(found.shape[0, at], _scene(model, 1)[0][0])


def test_without_evidence_the_network_decides(
    model: Networks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hypotheses, "EVIDENCE", 1e9)
    found = _weighed(model, (0.5, 0.3, 0.2), true=2)
    assert found.order[0].tolist() == [0, 1, 2]
    torch.testing.assert_close(found.plausibility, torch.tensor([[0.5, 0.3, 0.2]]))
