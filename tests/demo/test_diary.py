"""The diary: it tells what begins, and how long it took."""

import time

import pytest

from shapecycle.demo.diary import Diary


def test_the_diary_tells_how_long_a_phase_took(capsys: pytest.CaptureFixture[str]) -> None:
    diary = Diary()
    with diary.phase("Making shapes"):
        time.sleep(0.02)
    with diary.phase("Training"):
        pass
    assert 0.02 <= diary.seconds_of("Making") < 1
    assert diary.seconds_of("Training") < diary.seconds_of("Making")
    assert capsys.readouterr().err == "\n[1] Making shapes\n\n[2] Training\n"
