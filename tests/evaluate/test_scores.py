"""Scores of many pictures together."""

import pytest

from shapecycle.evaluate.scores import columns_of, means, object_of, summarised


def _rows(errors: tuple[float, ...]) -> list[dict[str, object]]:
    """Rows of two pictures an object."""
    return [
        {"image": f"chair_{k // 2}_{k % 2:02d}.png", "azimuth_error_degrees": error}
        for k, error in enumerate(errors)
    ]


def test_a_summary_is_of_numbers_only_and_has_the_share_of_azimuths_within_30_degrees() -> None:
    summary = summarised(_rows((10.0, 29.0, 30.0, 171.0)))
    assert summary == {
        "azimuth_error_degrees": {
            "mean": pytest.approx(60.0),
            "interval": pytest.approx((19.5, 100.5)),
            "median": pytest.approx(29.5),
        },
        "azimuth_within_30": {"mean": 0.5, "interval": (0.0, 1.0), "median": 0.5},
    }


def test_a_summary_of_one_object_has_no_intervals() -> None:
    summary = summarised(_rows((10.0, 29.0)))
    assert [of["interval"] for of in summary.values()] == [None, None]


def test_references_are_averaged_over_pictures() -> None:
    rows = _rows((1.0, 2.0, 3.0, 4.0))
    for row, chamfer in zip(rows, (0.1, 0.1, 0.1, 0.5), strict=True):
        row["references"] = {"read": {"chamfer": chamfer, "f_score": 1.0}, "two_samplings": {}}
        row["references"]["two_samplings"] = {"chamfer": chamfer / 10}  # type: ignore[index]
    assert summarised(rows)["references"] == {
        "read": {"chamfer": pytest.approx(0.2), "f_score": 1.0},
        "two_samplings": {"chamfer": pytest.approx(0.02)},
    }


def test_means_are_of_numbers_that_all_rows_have() -> None:
    rows = [{"a": 1.0, "image": "x"}, {"a": 2.0, "b": 1.0, "image": "y"}]
    assert means(rows) == means(rows[::-1]) == {"a": 1.5}
    assert columns_of(rows)["a"].tolist() == [1.0, 2.0]


def test_a_pictures_name_tells_its_object() -> None:
    assert object_of("IKEA_IVAR_07.png") == "IKEA_IVAR"
    assert object_of("chair.png") == ""
