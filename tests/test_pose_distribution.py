"""Distributions of poses: bins on a circle, hypotheses that differ, and what a bin means."""

from dataclasses import replace
from math import pi, radians

import pytest
import torch

from shapecycle.pose_distribution import AZIMUTH_BINS, NEARBY, PoseDistribution, azimuth_bin

BIN = 2 * pi / AZIMUTH_BINS


def _distribution(logits: torch.Tensor) -> PoseDistribution:
    count = len(logits)
    generator = torch.Generator().manual_seed(0)
    return PoseDistribution(
        logits,
        torch.rand(count, AZIMUTH_BINS, generator=generator) - 0.5,
        torch.randn(count, AZIMUTH_BINS, 2, generator=generator),
        torch.randn(count, AZIMUTH_BINS, 3, generator=generator),
    )


def _peaks(**plausibility: float) -> PoseDistribution:
    """A distribution with the given plausibilities, as ``b3=0.5`` for bin 3; little elsewhere."""
    share = torch.full((1, AZIMUTH_BINS), 1e-6)
    for name, value in plausibility.items():
        share[0, int(name[1:])] = value
    return _distribution((share / share.sum()).log())


def test_an_azimuth_is_its_bin_and_what_is_left() -> None:
    azimuth = torch.linspace(-3 * pi, 3 * pi, 1000)
    bins, residual = azimuth_bin(azimuth)
    assert bins.min() == 0
    assert bins.max() == AZIMUTH_BINS - 1
    assert residual.abs().max() <= 0.5 + 1e-4
    difference = (bins + residual) * BIN - azimuth
    torch.testing.assert_close(difference.cos(), torch.ones(1000), atol=1e-5, rtol=0)


def test_the_front_is_in_bin_zero_from_both_sides() -> None:
    bins, _ = azimuth_bin(torch.tensor([-0.01, 0.0, 0.01, 2 * pi - 0.01]))
    assert bins.tolist() == [0, 0, 0, 0]


def test_hypotheses_are_distinct_and_the_best_comes_first() -> None:
    logits = 3 * torch.randn(50, AZIMUTH_BINS, generator=torch.Generator().manual_seed(1))
    bins, plausibility = _distribution(logits).hypotheses(4)
    for row in bins.tolist():
        assert len(set(row)) == 4
    assert (plausibility.diff(dim=1) <= 0).all()
    assert plausibility.min() >= 0
    assert plausibility.max() <= 1


def test_separate_hypotheses_share_out_all_plausibility() -> None:
    bins, plausibility = _peaks(b2=0.4, b3=0.1, b12=0.3, b20=0.2).hypotheses(3)
    assert bins.tolist() == [[2, 12, 20]]
    torch.testing.assert_close(plausibility, torch.tensor([[0.5, 0.3, 0.2]]), atol=1e-3, rtol=0)


@pytest.mark.parametrize(("best", "beside"), [(0, 23), (23, 0), (5, 6), (5, 4)])
def test_a_bin_beside_a_better_one_is_the_same_hypothesis(best: int, beside: int) -> None:
    distribution = _peaks(**{f"b{best}": 0.5, f"b{beside}": 0.35, "b13": 0.15})
    bins, plausibility = distribution.hypotheses(2)
    assert bins.tolist() == [[best, 13]]
    assert plausibility[0, 0] == pytest.approx(0.85, abs=1e-3)


def test_near_an_azimuth_the_most_plausible_estimate_is_taken() -> None:
    distribution = _peaks(b2=0.5, b12=0.3, b13=0.1, b20=0.08)
    hints = {12.4: 12, 13.2: 12, 13.2 + 48: 12, 2 - 24: 2, 19.5: 20}
    for place, expected in hints.items():
        best, plausibility = distribution.near(torch.tensor([place * BIN]))
        assert best.tolist() == [expected]
    best, plausibility = distribution.near(torch.tensor([12.4 * BIN]))
    assert plausibility.tolist() == pytest.approx([0.3 / 0.98 + 0.1 / 0.98], abs=1e-3)
    ranked = distribution.hypotheses(2)[1]
    torch.testing.assert_close(plausibility, ranked[:, 1])


def test_near_any_azimuth_there_is_an_estimate_however_implausible() -> None:
    generator = torch.Generator().manual_seed(0)
    count = 200
    distribution = replace(
        _distribution(300 * torch.randn(count, AZIMUTH_BINS, generator=generator)),
        residual=torch.tanh(3 * torch.randn(count, AZIMUTH_BINS, generator=generator)),
    )
    hint = 20 * torch.rand(count, generator=generator) - 10
    bins, plausibility = distribution.near(hint)
    found = distribution.pose(bins, torch.tensor([[0.0, 0.0, 1.0]] * count), fov_y=1.0)
    away = (found.angles[:, 0] - hint + pi).remainder(2 * pi) - pi
    assert away.abs().max() <= NEARBY + 1e-4
    assert plausibility.min() >= 0
    assert plausibility.max() <= 1


def test_a_belief_in_nothing_still_gives_hypotheses() -> None:
    bins, plausibility = _distribution(torch.zeros(2, AZIMUTH_BINS)).hypotheses(4)
    assert all(len(set(row)) == 4 for row in bins.tolist())
    assert plausibility.isfinite().all()


def test_the_pose_of_a_bin_has_its_azimuth_tilt_and_place() -> None:
    distribution = _distribution(torch.zeros(3, AZIMUTH_BINS))
    bins, window = torch.tensor([0, 7, 23]), torch.tensor([[0.0, 0.0, 1.0]] * 3)
    pose = distribution.pose(bins, window, fov_y=radians(50))
    again, residual = azimuth_bin(pose.angles[:, 0])
    assert again.tolist() == bins.tolist()
    row = torch.arange(3)
    torch.testing.assert_close(residual, distribution.residual[row, bins], atol=1e-5, rtol=0)
    torch.testing.assert_close(pose.angles[:, 1:], distribution.elevation_roll[row, bins])
    assert pose.translation[:, 2].max() < 0


def test_plausibilities_never_sum_to_more_than_one() -> None:
    logits = 2 * torch.randn(500, AZIMUTH_BINS, generator=torch.Generator().manual_seed(0))
    zeros = torch.zeros(500, AZIMUTH_BINS)
    distribution = PoseDistribution(
        logits, zeros, zeros[..., None].expand(-1, -1, 2), zeros[..., None].expand(-1, -1, 3)
    )
    plausibility = distribution.hypotheses(6)[1]
    assert plausibility.sum(1).max() <= 1 + 1e-6
    assert (plausibility.diff(dim=1) <= 0).all()
