"""Scores of many pictures together."""

import pytest

from shapecycle.evaluate.scores import summarised


def test_a_summary_is_of_numbers_only_and_has_the_share_of_azimuths_within_30_degrees() -> None:
    errors = (10.0, 29.0, 30.0, 171.0)
    rows = [{"image": f"{k}.png", "azimuth_error_degrees": error} for k, error in enumerate(errors)]
    summary = summarised(rows)
    assert summary == {
        "azimuth_error_degrees": {"mean": pytest.approx(60.0), "median": pytest.approx(29.5)},
        "azimuth_within_30": {"mean": 0.5, "median": 0.5},
    }
