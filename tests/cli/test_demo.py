"""``shapecycle demo``: what cannot be run is reported before anything is made."""

import math
from pathlib import Path

import pytest
from tiny_world import shapecycle

from shapecycle.cli.demo import Demo
from shapecycle.demo.world import LIMIT_MINUTES, TOTAL_IMAGES
from shapecycle.errors import ConfigError


@pytest.mark.parametrize("minutes", [0.0, -1.0, math.nan, math.inf])
def test_a_limit_that_is_none_is_refused_before_anything_is_made(
    minutes: float, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="--limit-minutes must be a positive number, found"):
        Demo(out=tmp_path / "out", limit_minutes=minutes).run()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("images", [0, -1, 10**11])
def test_images_that_are_none_are_refused_before_anything_is_made(
    images: int, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"--total-images must be from 1 to .*, found"):
        Demo(out=tmp_path / "out", total_images=images).run()
    assert not (tmp_path / "out").exists()


def test_the_help_gives_the_images_and_the_limit_and_what_they_mean() -> None:
    words = " ".join(shapecycle("demo", "--help").out.replace("│", " ").split())
    for part in (
        f"for the same report. (default: {TOTAL_IMAGES})",
        f"the report says so if that was too short. (default: {LIMIT_MINUTES})",
    ):
        assert part in words


def test_a_time_instead_of_a_limit_is_not_an_option() -> None:
    outcome = shapecycle("demo", "--minutes", 7)
    assert outcome.code == 2
    assert "--limit-minutes" in outcome.err
