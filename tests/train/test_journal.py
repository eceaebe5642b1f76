"""What the terminal shows between two steps: nothing that is not known."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from shapecycle.train import journal as journal_module
from shapecycle.train.journal import Journal

STATUS = {"stage": "shapes", "images": 64, "seconds": 14.0}


@pytest.mark.parametrize(
    ("progress", "speed", "left", "shown"),
    [
        (0.5, 21.4, 754.0, "shapes         2%  64 images  21/s  12.6 min left  surface 0.250"),
        (0.5, 21.4, 42.0, "shapes        25%  64 images  21/s  42 s left  surface 0.250"),
        (0.5, 21.4, None, "shapes        50%  64 images  21/s  surface 0.250"),
        (0.0, 21.4, 0.0, "shapes             measuring the speed  64 images  21/s  surface 0.250"),
        (0.0, 0.0, None, "shapes             measuring the speed  64 images  surface 0.250"),
    ],
)
def test_a_line_shows_progress_speed_and_time_where_they_are_known(
    progress: float,
    speed: float,
    left: float | None,
    shown: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    journal = Journal(tmp_path)
    status = {"progress": progress, "images_per_second": speed, "seconds_left": left}
    journal.record({"shape_distance": torch.tensor(0.25)}, STATUS | status)
    journal.close()
    assert capsys.readouterr().err == f"{shown}\n"


def test_losses_are_shown_beside_what_they_were_at_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "PLAIN_SECONDS", 0.0)
    journal = Journal(tmp_path)
    status = STATUS | {"progress": 0.5, "images_per_second": 3.0, "seconds_left": None}
    for value in (0.25, 0.125):
        journal.record({"shape_distance": torch.tensor(value)}, status)
    journal.close()
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("surface 0.250")
    assert second.endswith("surface 0.125 (from 0.250)")


def test_panels_name_their_rows_and_say_where_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = Journal(tmp_path)
    path = journal.panel({"photo": torch.ones(3, 4, 16, 16), "drawn": torch.ones(2, 4, 16, 16)}, 9)
    journal.close()
    assert str(path) in capsys.readouterr().err.replace("\n", "")
    with Image.open(path) as picture:
        assert picture.size == (journal_module.LABEL_WIDTH + 2 * 16, 2 * 16)
        left = picture.crop((0, 0, journal_module.LABEL_WIDTH, 32)).convert("L")
        assert left.getextrema()[0] < 128, "there are letters"
