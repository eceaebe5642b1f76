"""The page that shows a training."""

import json
import shutil
from pathlib import Path

import pytest
from browser import Browser, browsing, needs_chromium, served
from tiny_world import shapecycle

from shapecycle.errors import CheckpointError
from shapecycle.page.watch import POINTS, progress_of, watch_application


@needs_chromium
def test_losses_pictures_and_turntables_of_a_run_are_shown(run: Path) -> None:
    with (
        served(lambda port: watch_application(run, port)) as address,
        browsing() as opened,
    ):
        tab: Browser = opened()
        tab.page.goto(address)
        tab.page.wait_for_selector("body[data-images]")
        assert tab.page.locator("#curves polyline").count() > 5
        assert "stage" in tab.page.text_content("#facts")
        tab.page.wait_for_selector("#panel[src]")
        tab.page.click("#turn")
        tab.page.wait_for_selector("#turntable[src^='blob:']", timeout=60_000)
        tab.until("document.getElementById('turntable').naturalWidth > 100")
        assert not tab.complaints
        assert not tab.asked_others_than(address)


def test_a_line_that_is_being_written_is_left_out_and_curves_are_thinned(
    run: Path, tmp_path: Path
) -> None:
    journal = tmp_path / "journal.jsonl"
    shutil.copy(run / "journal.jsonl", journal)
    whole = progress_of(tmp_path)
    with journal.open("a") as file:
        file.write('{"stage": "all cyc')
    assert progress_of(tmp_path)["status"] == whole["status"]
    line: dict[str, object] = {
        "stage": "s",
        "progress": 0.5,
        "images": 1,
        "seconds": 1.0,
        "seconds_left": 1.0,
    }
    line["doubts"] = ["the image critic is always right"]
    lines = [json.dumps(line | {"images": k, "losses": {"a": float(k)}}) for k in range(3 * POINTS)]
    journal.write_text("\n".join(lines))
    found = progress_of(tmp_path)
    assert found["share"] == 0.5
    assert found["status"]["doubts"] == ["the image critic is always right"]
    assert len(found["curves"]["a"]) == POINTS
    assert found["curves"]["a"][0] == (2, 1.0)


@pytest.mark.parametrize(
    "line",
    [
        '{"losses": null, "images": 1, "progress": 0.1}',
        '{"losses": {"a": "x"}, "images": 1, "progress": 0.1}',
        '{"losses": {"a": 1}, "images": 1}',
        '{"losses": {"a": 1}, "images": NaN, "progress": 0.1}',
        "[" * 100_000,
        "\x00\ud7ff\x01",
    ],
)
def test_lines_of_no_journal_are_passed_over(line: str, tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text(line)
    assert progress_of(tmp_path)["curves"] == {}


def test_losses_that_are_no_numbers_are_named_and_the_others_shown(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text(
        '{"losses": {"a": NaN, "b": 2.0}, "images": 32, "progress": 0.1}\n'
    )
    (tmp_path / "panels").mkdir()
    (tmp_path / "panels" / "000000032.png").write_bytes(b"")
    (tmp_path / "panels" / "000000064.png").symlink_to("/etc/hostname")
    (tmp_path / "panels" / "other.png").write_bytes(b"")
    found = progress_of(tmp_path)
    assert found["broken"] == {"a": 32}
    assert found["curves"] == {"b": [(32, 2.0)]}
    assert found["panels"] == ["000000032.png"]
    json.dumps(found, allow_nan=False)


def test_a_folder_without_a_training_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no training"):
        progress_of(tmp_path)
    outcome = shapecycle("watch", tmp_path)
    assert outcome.code == 2
    assert str(tmp_path) in outcome.err
