"""``shapecycle demo``: what cannot be run is reported before anything is made."""

import math
from pathlib import Path

import pytest

from shapecycle.cli.demo import Demo
from shapecycle.errors import ConfigError


@pytest.mark.parametrize("minutes", [0.0, -1.0, math.nan, math.inf])
def test_a_time_that_is_none_is_refused_before_anything_is_made(
    minutes: float, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="--minutes must be positive, found"):
        Demo(out=tmp_path / "out", minutes=minutes).run()
    assert not (tmp_path / "out").exists()
