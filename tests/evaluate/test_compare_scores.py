"""`runs/compare_scores.py`: the difference of two evaluations."""

import json
import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "runs" / "compare_scores.py"


def _metrics(path: Path, scores: dict[str, dict[str, float]]) -> Path:
    rows = [{"image": f"{name}.png", **row, "references": {}} for name, row in scores.items()]
    path.write_text(json.dumps({"model": "run", "summary": {}, "pictures": rows}))
    return path


def _compare(monkeypatch: pytest.MonkeyPatch, *files: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["compare_scores.py", *map(str, files)])
    runpy.run_path(str(SCRIPT), run_name="__main__")


@pytest.fixture
def one(here: Path) -> Path:
    """Scores of two pictures each of three objects."""
    scores = {f"o{k}_{v}": {"chamfer": 0.1 * k, "iou": 0.5} for k in range(3) for v in range(2)}
    return _metrics(here / "a.json", scores)


def test_the_difference_is_paired_over_the_pictures_that_both_files_hold(
    one: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {f"o{k}_0": {"chamfer": 0.1 * k - 0.05, "look": 0.2} for k in range(4)}
    _compare(monkeypatch, one, _metrics(here / "b.json", scores))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "3 pictures of 3 objects; only in one file: 4"
    assert len(lines) == 3
    assert lines[2].split() == [
        "chamfer",
        "0.1000",
        "0.0500",
        "-0.0500",
        "-0.0500",
        "to",
        "-0.0500",
    ]


def test_files_without_a_common_picture_are_refused(
    one: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        _compare(monkeypatch, one, _metrics(here / "b.json", {"p_0": {"chamfer": 0.1}}))
    assert "no picture in common" in capsys.readouterr().err
