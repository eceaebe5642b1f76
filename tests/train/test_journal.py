"""What the terminal shows between two steps: nothing that is not known."""

from pathlib import Path

import pytest
import torch

from shapecycle.train.journal import Journal

STATUS = {"stage": "shapes", "images": 64, "seconds": 3.0}


@pytest.mark.parametrize(
    ("progress", "speed", "left", "shown"),
    [
        (0.5, 21.4, 754.0, "shapes        50%  64 images  21/s  12.6 min left  surface 0.250"),
        (0.5, 21.4, 42.0, "shapes        50%  64 images  21/s  42 s left  surface 0.250"),
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
