"""Priors: what is fitted is what is sampled."""

from math import degrees, pi

import pytest
import torch

from shapecycle.camera import Pose
from shapecycle.config import SceneSettings
from shapecycle.priors.fitted_gaussian import RIDGE, GaussianPrior
from shapecycle.priors.light import sample_light
from shapecycle.priors.pose import PoseSampler, pose_from_vector, pose_vector, sample_pose
from shapecycle.rasterize import shade_sh


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_samples_have_the_mean_and_covariance_of_the_codes() -> None:
    mix = torch.tensor([[1.0, 0.0, 0.0], [0.8, 0.3, 0.0], [0.0, 0.5, 2.0]])
    codes = torch.randn(5000, 3, generator=_generator()) @ mix.mT + torch.tensor([1.0, -2.0, 0.5])
    prior = GaussianPrior(3)
    prior.fit(codes)
    samples = prior.sample(200_000, _generator(1))
    torch.testing.assert_close(samples.mean(0), codes.mean(0), atol=0.02, rtol=0)
    torch.testing.assert_close(samples.mT.cov(), codes.mT.cov(), atol=0.05, rtol=0)


def test_a_smaller_spread_stays_nearer_to_the_mean() -> None:
    prior = GaussianPrior(2)
    prior.fit(torch.randn(100, 2, generator=_generator()) + 3)
    wide, narrow = (prior.sample(1000, _generator(1), spread=s) for s in (1.0, 0.5))
    torch.testing.assert_close((narrow - prior.mean) * 2, wide - prior.mean)


def test_fewer_codes_than_numbers_still_make_a_prior() -> None:
    codes = torch.randn(3, 10, generator=_generator())
    prior = GaussianPrior(10)
    prior.fit(codes)
    samples = prior.sample(500, _generator(1))
    assert samples.isfinite().all()
    # They vary only where the codes did.
    away = codes - codes.mean(0)
    basis = torch.linalg.svd(away, full_matrices=False).Vh[:2]
    rest = (samples - prior.mean) - (samples - prior.mean) @ basis.mT @ basis
    assert rest.abs().max() < 1e-4


def test_the_codes_that_were_fitted_have_a_distance_of_one() -> None:
    mix = torch.tensor([[1.0, 0.0, 0.0], [0.8, 0.3, 0.0], [0.0, 0.5, 20.0]])
    codes = torch.randn(500, 3, generator=_generator()) @ mix.mT + 3
    prior = GaussianPrior(3)
    prior.fit(codes)
    # Fitted with one degree of freedom less.
    assert prior.distance(codes).square().mean().item() == pytest.approx(499 / 500, abs=1e-3)
    assert prior.distance(prior.mean[None]).item() == pytest.approx(0, abs=1e-6)


def test_the_distance_is_mahalanobis_with_a_ridge() -> None:
    prior = GaussianPrior(6)
    prior.fit(torch.randn(40, 6, generator=_generator()) * torch.tensor([3, 2, 1, 1, 0.1, 0]))
    codes = torch.randn(10, 6, generator=_generator(1)).double()
    covariance = (prior.factor @ prior.factor.mT).double()
    ridged = covariance + RIDGE * torch.linalg.eigvalsh(covariance)[-1] * torch.eye(6).double()
    away = codes - prior.mean
    squared = (away * torch.linalg.solve(ridged, away.mT).mT).sum(1)
    expected = (squared / torch.trace(torch.linalg.solve(ridged, covariance))).sqrt()
    torch.testing.assert_close(prior.distance(codes.float()), expected.float(), atol=0, rtol=1e-3)


def test_codes_of_another_kind_are_farther_away() -> None:
    mix = torch.randn(8, 3, generator=_generator()), torch.randn(8, 3, generator=_generator(1))
    codes, others = (torch.randn(200, 3, generator=_generator(2)) @ one.mT for one in mix)
    prior = GaussianPrior(8)
    prior.fit(codes)
    assert prior.distance(others).min() > prior.distance(codes).max()


def test_a_number_that_never_varied_has_a_finite_distance() -> None:
    prior = GaussianPrior(2)
    prior.fit(torch.tensor([[1.0, 5.0], [3.0, 5.0]]))
    assert prior.distance(torch.tensor([[2.0, 5.0], [2.0, 6.0]])).isfinite().all()
    prior.fit(torch.ones(3, 2))
    assert prior.distance(torch.tensor([[1.0, 1.0], [2.0, 6.0]])).isfinite().all()


def test_pose_vectors_give_the_pose_back() -> None:
    count = 50
    angles = torch.rand(count, 3, generator=_generator()) * torch.tensor([2 * pi, 2.0, 1.0])
    angles -= torch.tensor([pi, 1.0, 0.5])
    translation = torch.randn(count, 3, generator=_generator(1)) * 0.3 - torch.tensor([0, 0, 2.0])
    back = pose_from_vector(pose_vector(Pose(angles, translation)))
    torch.testing.assert_close(back.angles, angles, atol=1e-5, rtol=0)
    torch.testing.assert_close(back.translation, translation, atol=1e-5, rtol=1e-5)


def test_pose_vectors_know_no_seam_at_the_back() -> None:
    angles = torch.tensor([[pi - 0.01, 0.2, 0.0], [-pi + 0.01, 0.2, 0.0]])
    first, second = pose_vector(Pose(angles, torch.tensor([[0.0, 0.0, -2.0]]).expand(2, 3)))
    assert (first - second).norm() < 0.03


def test_any_vector_becomes_a_pose_in_front_of_the_camera() -> None:
    wild = torch.randn(200, 7, generator=_generator()) * 100
    pose = pose_from_vector(wild)
    assert pose.angles.isfinite().all()
    assert pose.angles[:, 1:].abs().max() <= pi / 2
    assert pose.translation[:, 2].max() < 0


class _Fixed(PoseSampler):
    """Answers with given vectors, whatever the noise."""

    def __init__(self, vectors: torch.Tensor) -> None:
        super().__init__()
        self.vectors = torch.nn.Parameter(vectors)

    def forward(self, noise: torch.Tensor) -> torch.Tensor:
        return self.vectors


def test_transport_costs_nothing_between_a_set_and_its_shuffled_self() -> None:
    vectors = torch.randn(12, 7, generator=_generator())
    shuffled = vectors[torch.randperm(12, generator=_generator(1))]
    loss = _Fixed(vectors).transport_loss(shuffled, _generator(2))
    assert loss.item() == pytest.approx(0, abs=1e-5)


def test_transport_over_a_shift_costs_its_square() -> None:
    vectors = torch.randn(12, 7, generator=_generator())
    shift = torch.tensor([0.1, 0, 0, 0, 0.2, 0, 0])
    loss = _Fixed(vectors).transport_loss(vectors + shift, _generator(2))
    assert loss.item() == pytest.approx(0.05, rel=1e-3)


def test_the_sampler_learns_the_poses_it_is_shown() -> None:
    torch.manual_seed(0)
    sampler = PoseSampler()
    angle = 0.3 * torch.randn(256, generator=_generator())
    seen = pose_vector(
        Pose(
            torch.stack([angle, torch.full_like(angle, 0.5), torch.zeros_like(angle)], 1),
            torch.tensor([[0.0, 0.1, -1.5]]).expand(256, 3),
        )
    )
    optimiser = torch.optim.Adam(sampler.parameters(), lr=1e-2)
    generator = _generator(1)
    for _ in range(150):
        pick = torch.randint(256, (48,), generator=generator)
        loss = sampler.transport_loss(seen[pick], generator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        pose = sampler.sample(500, generator)
    assert pose.angles[:, 0].mean().abs() < 0.1
    assert 0.15 < pose.angles[:, 0].std() < 0.45
    assert pose.angles[:, 1].mean() == pytest.approx(0.5, abs=0.05)
    assert pose.translation[:, 2].mean() == pytest.approx(-1.5, abs=0.1)


def test_sampled_lights_are_brightest_where_the_lamp_is_and_never_black() -> None:
    lights = sample_light(200, _generator())
    normals = torch.randn(400, 3, generator=_generator(1))
    normals = (normals / normals.norm(dim=1, keepdim=True)).expand(200, -1, -1)
    shading = shade_sh(normals, lights)
    assert 0.7 < shading.amax((1, 2)).mean() < 1.4
    assert shading.amin((1, 2)).quantile(0.05) > 0.05
    up = normals[0, :, 1] > 0.7
    assert shading[:, up].mean() > shading[:, ~up].mean(), "lamps are above more often"


def test_sampled_lights_repeat_with_their_seed() -> None:
    torch.testing.assert_close(
        sample_light(3, _generator(4)), sample_light(3, _generator(4)), atol=0, rtol=0
    )


def test_the_wide_prior_keeps_to_its_ranges() -> None:
    scenes = SceneSettings()
    pose = sample_pose(2000, scenes, torch.Generator().manual_seed(0), torch.device("cpu"))
    azimuth, elevation, _ = pose.angles.unbind(1)
    assert (azimuth.cos().mean().abs(), azimuth.sin().mean().abs()) < (0.06, 0.06)
    low, high = scenes.elevation_degrees
    assert degrees(elevation.min()) >= low - 1e-3
    assert degrees(elevation.max()) <= high + 1e-3
    near, far = scenes.distance
    assert -pose.translation[:, 2].max() >= near - 1e-4
    assert -pose.translation[:, 2].min() <= far + 1e-4
