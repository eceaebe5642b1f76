"""The timer: it says what begins, and how long it took."""

import time

import pytest

from shapecycle.demo.phase_timer import Timer


def test_the_timer_says_how_long_a_phase_took(capsys: pytest.CaptureFixture[str]) -> None:
    timer = Timer()
    with timer.phase("Making shapes"):
        time.sleep(0.02)
    with timer.phase("Training"):
        pass
    assert 0.02 <= timer.seconds_of("Making") < 1
    assert timer.seconds_of("Training") < timer.seconds_of("Making")
    assert capsys.readouterr().err == "\n[1] Making shapes\n\n[2] Training\n"
