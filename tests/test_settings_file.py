"""Settings in words: none is without a meaning, and files that name them all change nothing."""

from pathlib import Path

import pytest

from shapecycle.config import PRESETS, Settings, as_dict, changed_by_file, load_settings
from shapecycle.settings_file import commented, meanings


def test_every_setting_has_a_meaning() -> None:
    names = {f"{group}.{name}" for group, some in as_dict(Settings()).items() for name in some}
    found = meanings()
    assert set(found) == names
    assert all(len(words) > 10 for words in found.values())


@pytest.mark.parametrize("preset", PRESETS)
def test_a_file_changes_what_was_chosen_and_nothing_else(preset: str, tmp_path: Path) -> None:
    settings = load_settings(preset)
    file = tmp_path / "a.yaml"
    file.write_text(commented(settings, {}, "heading"))
    assert changed_by_file(settings, file) == settings
    chosen = {"model.symmetric": (False, "why"), "train.last_stage_lr": ([0.4, 0.1], "why")}
    file.write_text(commented(settings, chosen, "heading"))
    changed = changed_by_file(settings, file)
    assert not changed.model.symmetric
    assert changed.train.last_stage_lr == (0.4, 0.1)
    assert changed.scenes == settings.scenes


@pytest.mark.parametrize("preset", PRESETS)
def test_with_all_marks_taken_away_it_is_the_preset(preset: str, tmp_path: Path) -> None:
    settings = load_settings(preset)
    file = tmp_path / "a.yaml"
    lines = commented(settings, {}, "").splitlines()
    bare = [f"  {x[3:]}" if x.startswith("  #") and x[3] != " " else x for x in lines]
    file.write_text("\n".join(bare))
    assert changed_by_file(Settings(), file) == settings
