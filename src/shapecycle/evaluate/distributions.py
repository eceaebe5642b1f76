"""How alike two sets of pictures are: not picture by picture, but as distributions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.linalg import sqrtm  # type: ignore[import-untyped]
from torch.nn import functional as F

DIRECTIONS = 64
"""Principal directions, of both sets together, on which Frechet distance and classifier rest."""
RESAMPLES = 200
COVERAGE = 0.95
FOLDS = 5
RIDGE = 1.0
"""Of the classifier, in pictures of unit variance."""
LEVELS = 3
PATCH, PATCHES, PROJECTIONS = 7, 16, 128
"""Side of the pyramid's patches in pixels, patches of each picture, and lines they are laid on."""

Features = Float[np.ndarray, "n d"]


@dataclass(frozen=True, eq=False)
class PictureSet:
    """Features of pictures, and what each one shows.

    Attributes:
        features: Any features, a row for each picture.
        objects: Names of what they show; pictures of one object are not independent.
    """

    features: Features
    objects: list[str]

    @property
    def owner(self) -> Int[np.ndarray, " n"]:
        """The number of each picture's object."""
        owner: np.ndarray = np.unique(np.array(self.objects), return_inverse=True)[1]
        return owner


def kernel_distance(first: PictureSet, second: PictureSet) -> float:
    """Return the squared maximum mean discrepancy of two sets, unbiased.

    Source:
        Binkowski et al., "Demystifying MMD GANs", ICLR 2018, eq. 4 with the kernel
        (x . y / d + 1)^3 (kernel inception distance); other features have another scale.
    """
    ones = np.ones(len(first.features)), np.ones(len(second.features))
    return _discrepancy(_kernels(first, second), *ones)


def kernel_interval(
    first: PictureSet, second: PictureSet, *, seed: int = 0
) -> tuple[float, float] | None:
    """Return the 95 % interval of the kernel distance when objects of both sets are drawn again.

    Pictures drawn twice are not compared with themselves. None if a set shows a single object.
    """
    kernels, generator = _kernels(first, second), np.random.default_rng(seed)
    owners = first.owner, second.owner
    counts = [int(owner.max()) + 1 for owner in owners]
    if min(counts) < 3:
        return None
    found = []
    for _ in range(RESAMPLES):
        drawn = [np.bincount(generator.integers(n, size=n), minlength=n) for n in counts]
        weights = [times[owner].astype(float) for times, owner in zip(drawn, owners, strict=True)]
        found.append(_discrepancy(kernels, *weights))
    low, high = np.quantile(found, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2]).tolist()
    return low, high


def _kernels(first: PictureSet, second: PictureSet) -> list[Float[np.ndarray, "_ _"]]:
    x, y = first.features.astype(np.float64), second.features.astype(np.float64)
    size = x.shape[1]
    return [(a @ b.T / size + 1) ** 3 for a, b in ((x, x), (y, y), (x, y))]


def _discrepancy(
    kernels: Sequence[Float[np.ndarray, "_ _"]],
    first: Float[np.ndarray, " n"],
    second: Float[np.ndarray, " m"],
) -> float:
    """Return the discrepancy of weighted sets, no picture compared with itself."""

    def within(kernel: np.ndarray, weight: np.ndarray) -> float:
        pairs = weight.sum() ** 2 - (weight**2).sum()
        return float((weight @ kernel @ weight - (weight**2 * np.diag(kernel)).sum()) / pairs)

    across = first @ kernels[2] @ second / (first.sum() * second.sum())
    return within(kernels[0], first) + within(kernels[1], second) - 2 * float(across)


def frechet_distance(first: PictureSet, second: PictureSet) -> float:
    """Return the Frechet distance of normal distributions fitted to two sets.

    On the principal directions of both together, for fewer pictures than features say nothing
    about a whole covariance.

    Source:
        Heusel et al., "GANs trained by a two time-scale update rule", NeurIPS 2017, eq. 6; with
        other features it is no FID.
    """
    x, y = _projected(first, second)
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    mixed = np.real(sqrtm(a @ b))
    away = x.mean(0) - y.mean(0)
    return float(away @ away + np.trace(a + b - 2 * mixed))


def spread(pictures: PictureSet) -> float:
    """Return the mean distance between pictures of different objects."""
    away = np.linalg.norm(pictures.features[:, None] - pictures.features[None], axis=2)
    owner = pictures.owner
    return float(away[owner[:, None] != owner[None]].mean())


def nearest_distance(pictures: PictureSet, known: PictureSet) -> float:
    """Return the median distance of pictures from the nearest known one."""
    away = [np.linalg.norm(known.features - one, axis=1).min() for one in pictures.features]
    return float(np.median(away))


def told_apart(first: PictureSet, second: PictureSet, *, seed: int = 0) -> float:
    """Return how often a linear classifier tells from which set a picture is that it does not know.

    Sets count alike, whatever their sizes; objects of a fold are in no other: 0.5 is chance.

    Source:
        Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", ICLR 2017.
    """
    projected = _projected(first, second)
    generator = np.random.default_rng(seed)
    folds = []
    for one in (first, second):
        count = int(one.owner.max()) + 1
        fold = generator.permutation(np.arange(count) % FOLDS)
        folds.append(fold[one.owner])
    features = np.concatenate(projected)
    features = np.concatenate([features / features.std(0), np.ones((len(features), 1))], 1)
    sign = np.concatenate([np.ones(len(projected[0])), -np.ones(len(projected[1]))])
    weight = np.where(sign > 0, 0.5 / len(projected[0]), 0.5 / len(projected[1])) * len(sign)
    fold, right = np.concatenate(folds), np.zeros(len(sign), dtype=bool)
    for k in range(FOLDS):
        known, held = fold != k, fold == k
        x, w = features[known], weight[known]
        left = x.T @ (w[:, None] * x) + RIDGE * np.eye(x.shape[1])
        answer = np.linalg.solve(left, x.T @ (w * sign[known]))
        right[held] = np.sign(features[held] @ answer) == sign[held]
    return float((right[sign > 0].mean() + right[sign < 0].mean()) / 2)


def _projected(first: PictureSet, second: PictureSet) -> tuple[Features, Features]:
    """Bring features to the principal directions of both sets, which count alike."""
    both = np.concatenate([first.features, second.features]).astype(np.float64)
    weight = np.concatenate(
        [np.full(len(one.features), 1 / len(one.features)) for one in (first, second)]
    )
    centred = (both - weight @ both / 2) * np.sqrt(weight)[:, None]
    axes = np.linalg.svd(centred, full_matrices=False)[2][:DIRECTIONS]
    return first.features @ axes.T, second.features @ axes.T


def pyramid_distance(
    first: Float[torch.Tensor, "n 3 h w"],
    second: Float[torch.Tensor, "m 3 h w"],
    *,
    seed: int = 0,
) -> list[float]:
    """Return the sliced Wasserstein distances of the levels of Laplacian pyramids, finest first.

    Source:
        Karras et al., "Progressive growing of GANs", ICLR 2018, section 5.
    """
    distances = []
    for level, (a, b) in enumerate(zip(_pyramid(first), _pyramid(second), strict=True)):
        generator = torch.Generator()
        x, y = (_patches(one, generator.manual_seed(seed + level)) for one in (a, b))
        mean, deviation = y.mean(0), y.std(0).clamp(min=1e-6)
        lines = torch.randn(x.shape[1], PROJECTIONS, generator=generator)
        lines = lines / lines.norm(dim=0)
        quantiles = torch.linspace(0, 1, 256)
        laid = [((one - mean) / deviation @ lines).quantile(quantiles, 0) for one in (x, y)]
        distances.append(float((laid[0] - laid[1]).abs().mean()))
    return distances


def _pyramid(pictures: Float[torch.Tensor, "n 3 h w"]) -> list[torch.Tensor]:
    levels = []
    for _ in range(LEVELS - 1):
        coarse = F.avg_pool2d(pictures, 2)
        levels.append(pictures - F.interpolate(coarse, scale_factor=2.0, mode="bilinear"))
        pictures = coarse
    return [*levels, pictures]


def _patches(
    pictures: Float[torch.Tensor, "n c h w"], generator: torch.Generator
) -> Float[torch.Tensor, "p d"]:
    """Take some patches of every picture."""
    windows = pictures.unfold(2, PATCH, 1).unfold(3, PATCH, 1)
    rows, columns = windows.shape[2:4]
    count = len(pictures)
    row, column = (torch.randint(n, (count, PATCHES), generator=generator) for n in (rows, columns))
    item = torch.arange(count)[:, None]
    return windows[item, :, row, column].flatten(0, 1).flatten(1)
