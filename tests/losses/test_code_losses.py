"""Losses on codes: the truth costs least, and codes are pulled towards a normal sample."""

from dataclasses import replace
from math import radians

import pytest
import torch

from shapecycle.camera import Pose, View, placement_in_window
from shapecycle.losses.code import light_loss, pose_loss, sliced_wasserstein_to_gaussian
from shapecycle.pose_distribution import AZIMUTH_BINS, PoseDistribution, azimuth_bin

FOV_Y = radians(50)


def _scene() -> tuple[Pose, View]:
    generator = torch.Generator().manual_seed(0)
    angles = torch.rand(6, 3, generator=generator) * torch.tensor([6.28, 1.0, 0.2])
    translation = torch.tensor([[0.1, 0.0, -1.6]]).expand(6, 3)
    return Pose(angles, translation), View(torch.tensor([[0.0, 0.1, 0.7]] * 6), (32, 32), FOV_Y)


def _sure(pose: Pose, view: View, certainty: float = 8.0) -> PoseDistribution:
    """A distribution that knows the pose: right in its bin and as seen from every other one."""
    bins, residual = azimuth_bin(pose.angles[:, 0])
    count = len(bins)
    offset = torch.arange(AZIMUTH_BINS) - bins[:, None]
    offset = (offset + AZIMUTH_BINS // 2) % AZIMUTH_BINS - AZIMUTH_BINS // 2
    logits = -certainty * (offset - residual[:, None]).abs()
    placement = placement_in_window(pose.translation, view.window, fov_y=FOV_Y)
    return PoseDistribution(
        logits,
        residual[:, None] - offset,
        pose.angles[:, None, 1:].expand(count, AZIMUTH_BINS, 2).clone(),
        placement[:, None].expand(count, AZIMUTH_BINS, 3).clone(),
    )


def test_knowing_the_pose_costs_nothing_but_the_bins_own_blur() -> None:
    pose, view = _scene()
    terms = pose_loss(_sure(pose, view), pose, view)
    assert terms["elevation_roll"].item() == pytest.approx(0, abs=1e-6)
    assert terms["placement"].item() == pytest.approx(0, abs=1e-6)
    wrong = Pose(pose.angles + torch.tensor([torch.pi, 0.0, 0.0]), pose.translation)
    assert pose_loss(_sure(wrong, view), pose, view)["azimuth"] > terms["azimuth"] + 3


@pytest.mark.parametrize(
    ("part", "term"),
    [
        ("elevation_roll", "elevation_roll"),
        ("placement", "placement"),
        ("residual", "azimuth"),
        ("logits", "azimuth"),
    ],
)
def test_every_part_of_the_belief_is_taught_by_its_own_term(part: str, term: str) -> None:
    pose, view = _scene()
    distribution = _sure(pose, view)
    value = getattr(distribution, part)
    noise = 0.3 * torch.randn(value.shape, generator=torch.Generator().manual_seed(1))
    off = (value + noise).requires_grad_(True)
    terms = pose_loss(replace(distribution, **{part: off}), pose, view)
    gradients = {
        name: torch.autograd.grad(loss, off, retain_graph=True, allow_unused=True)[0]
        for name, loss in terms.items()
        if loss.requires_grad
    }
    assert gradients[term].abs().sum() > 0
    assert terms[term] > pose_loss(distribution, pose, view)[term]
    assert all(gradients.get(name) is None for name in terms if name != term)


def test_the_pose_loss_knows_no_seam() -> None:
    _, view = _scene()
    view = replace(view, window=view.window[:1])
    losses = []
    for azimuth in (0.02, -0.02, 2 * torch.pi - 0.02):
        pose = Pose(torch.tensor([[azimuth, 0.2, 0.0]]), torch.tensor([[0.0, 0.0, -1.5]]))
        losses.append(pose_loss(_sure(pose, view), pose, view)["azimuth"].item())
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)
    assert losses[2] == pytest.approx(losses[1], abs=1e-3)


def test_the_same_light_costs_nothing_and_twice_the_difference_twice_as_much() -> None:
    generator = torch.Generator().manual_seed(0)
    light = torch.randn(4, 9, 3, generator=generator)
    step = torch.randn(4, 9, 3, generator=generator)
    assert light_loss(light, light) == 0
    once = light_loss(light + step, light)
    assert once > 0
    torch.testing.assert_close(light_loss(light + 2 * step, light), 2 * once)
    torch.testing.assert_close(light_loss(light, light + step), once)


def test_brighter_ambient_light_costs_as_much_as_it_shades_more() -> None:
    light = torch.zeros(1, 9, 3)
    brighter = light.clone()
    brighter[:, 0] = 0.25 / 0.2820948
    assert light_loss(brighter, light).item() == pytest.approx(0.25, rel=1e-4)


def test_normal_codes_are_near_to_a_normal_sample_and_others_are_not() -> None:
    generator = torch.Generator().manual_seed(0)
    codes = torch.randn(256, 16, generator=generator)
    near = sliced_wasserstein_to_gaussian(codes, generator)
    assert near < 0.05
    assert sliced_wasserstein_to_gaussian(codes + 1, generator) > 10 * near
    assert sliced_wasserstein_to_gaussian(3 * codes, generator) > 10 * near
    assert sliced_wasserstein_to_gaussian(0 * codes, generator) > 10 * near
    narrow = codes.clone()
    narrow[:, 8:] = narrow[:, :8]  # numbers that go together
    assert sliced_wasserstein_to_gaussian(narrow, generator) > 1.5 * near


def test_codes_are_pulled_towards_the_normal_sample() -> None:
    generator = torch.Generator().manual_seed(0)
    codes = (torch.randn(64, 4, generator=generator) * 0.2 + 2).requires_grad_(True)
    (gradient,) = torch.autograd.grad(sliced_wasserstein_to_gaussian(codes, generator), codes)
    assert gradient.mean() > 0
