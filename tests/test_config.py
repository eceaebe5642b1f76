"""Settings: what files may change, and what is said of every mistake."""

from dataclasses import fields, is_dataclass, replace
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
import yaml

from shapecycle.config import PRESETS, Settings, as_dict, checked, load_settings, merged
from shapecycle.errors import ConfigError


def _file(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_valid_and_survives_a_file(preset: str, tmp_path: Path) -> None:
    settings = load_settings(preset)
    written = _file(tmp_path, yaml.safe_dump(as_dict(settings)))
    assert load_settings("laptop", written) == settings
    assert merged(Settings(), as_dict(settings), source="test") == settings


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    path = _file(tmp_path, "train: {batch: 12}\nscenes:\n  distance: [1, 2.5]\n")
    settings, before = load_settings("standard", path), load_settings("standard")
    assert settings.train.batch == 12
    assert settings.scenes.distance == (1.0, 2.5)
    assert settings.model == before.model
    assert replace(settings.train, batch=before.train.batch) == before.train


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "train:\n  # batch: 3\n"])
def test_a_file_of_comments_changes_nothing(text: str, tmp_path: Path) -> None:
    assert load_settings("laptop", _file(tmp_path, text)) == load_settings("laptop")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: {image_sise: 64}", r"mine\.yaml: unknown setting 'model\.image_sise'"),
        ("modle: {image_size: 64}", r"did you mean 'model'\?"),
        ("model: {image_sise: 64}", r"did you mean 'model\.image_size'\?"),
        ("model: {zzz: 1}", r"known here: .*model\.subdivisions"),
        ("1: 2", r"unknown setting '1'"),
        ("- a\n- b", r"mine\.yaml: the whole must hold settings by name, found \['a', 'b'\]"),
        ("5", r"the whole must hold settings by name, found 5"),
        ("0", r"the whole must hold settings by name, found 0"),
        ("model: 5", r"model must hold settings by name, found 5"),
        ("model:\n\timage_size: 64", r"cannot read settings from .*mine\.yaml"),
        ("model: {image_size: 64", r"cannot read settings from .*mine\.yaml"),
        ('!!python/object/apply:os.getcwd [""]', r"cannot read settings from .*mine\.yaml"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_file(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_settings("laptop", _file(tmp_path, text))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("train.batch", "many"),
        ("train.batch", 2.5),
        ("train.batch", True),
        ("train.learning_rate", "fast"),
        ("model.symmetric", 1),
        ("model.symmetric", "yes"),
        ("scenes.distance", 3.0),
        ("scenes.distance", [1.0, 2.0, 3.0]),
        ("scenes.distance", [1.0, "far"]),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: Any) -> None:
    group, key = name.split(".")
    with pytest.raises(ConfigError, match=rf"test: setting '{name}' must be of type .*, found"):
        merged(Settings(), {group: {key: value}}, source="test")


def test_a_number_that_yaml_reads_as_a_word_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"found '1e-3'\n  hint: write 1\.0e-3"):
        load_settings("laptop", _file(tmp_path, "train: {learning_rate: 1e-3}"))


def test_whole_numbers_will_do_for_real_ones() -> None:
    settings = merged(Settings(), {"model": {"fov_y_degrees": 40}}, source="test")
    assert settings.model.fov_y_degrees == 40.0
    assert isinstance(settings.model.fov_y_degrees, float)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model.image_size", 16),
        ("model.fov_y_degrees", 0.0),
        ("model.fov_y_degrees", 180.0),
        ("model.window_margin", -0.1),
        ("model.subdivisions", 1),
        ("model.texture_resolution", 100),
        ("model.image_width", 12),
        ("model.texture_width", 0),
        ("model.texture_width", 4),
        ("model.shape_code_size", 0),
        ("model.texture_code_size", -1),
        ("model.shape_width", 0),
        ("model.image_features", 0),
        ("model.critic_width", 0),
        ("weights.image_critic", -1.0),
        ("weights.dihedral_penalty", inf),
        ("weights.dihedral_penalty", nan),
        ("scenes.elevation_degrees", (50.0, -5.0)),
        ("scenes.elevation_degrees", (-5.0, 90.0)),
        ("scenes.distance", (0.1, 2.0)),
        ("scenes.distance", (1.0, inf)),
        ("scenes.roll_degrees", -1.0),
        ("scenes.warp", nan),
        ("train.total_images", 0),
        ("train.batch", 2),
        ("train.learning_rate", nan),
        ("train.critic_learning_rate", 2.0),
        ("train.shape_share", 0.0),
        ("train.random_share", 1.0),
        ("train.ema_images", 0),
        ("train.panel_images", 0),
        ("train.checkpoint_minutes", 0.0),
        ("train.cycle_share", 0.5),
        ("train.cycle_share", 0.01),
        ("train.warm_up_images", 0),
        ("train.lr_end", 1.5),
        ("train.last_stage_lr", (0.5, -0.1)),
        ("train.adam_betas", (0.9, 1.0)),
        ("train.critic_adam_betas", (nan, 0.9)),
        ("train.gradient_clip", 0.0),
        ("train.autoencoder_every", 0),
        ("train.autoencoder_lr_scale", 2.0),
        ("train.image_hypotheses", 13),
        ("train.pose_light_buffer", 0),
        ("train.pose_transport_samples", 0),
        ("train.r1_gamma", -1.0),
        ("train.r1_every", 0),
        ("model.image_size", 513),
        ("model.shape_code_size", 8193),
        ("model.texture_code_size", 10**9),
        ("model.shape_width", 10**6),
        ("model.image_features", 8193),
        ("model.image_width", 2048),
        ("model.texture_width", 1032),
        ("model.critic_width", 1025),
        ("weights.dihedral_penalty", 1e7),
        ("scenes.distance", (1.0, 1e4)),
        ("train.total_images", 10**10 + 1),
        ("train.ema_images", 10**11),
        ("train.panel_images", 10**11),
        ("train.batch", 5000),
        ("train.learning_rate", 0.2),
        ("train.critic_learning_rate", 0.2),
        ("train.checkpoint_minutes", 1441.0),
        ("train.checkpoint_minutes", inf),
    ],
)
def test_a_value_out_of_its_range_is_refused_by_name(name: str, value: Any) -> None:
    group, key = name.split(".")
    settings = merged(Settings(), {group: {key: value}}, source="test")
    with pytest.raises(ConfigError, match=rf"test: setting '{name}' must be .*, found"):
        checked(settings, source="test")


def test_shares_of_the_budget_must_leave_something_for_the_last_stage() -> None:
    changes = {"train": {"shape_share": 0.6, "random_share": 0.5}}
    with pytest.raises(ConfigError, match=r"less than 1 together with train\.shape_share"):
        checked(merged(Settings(), changes, source="test"), source="test")


@pytest.mark.parametrize(
    ("start", "named"),
    [("shape_cycle_", "shape_cycle_vertices"), ("shape_", "shape_distance")],
)
def test_a_stage_needs_something_that_teaches(start: str, named: str) -> None:
    names = [name for name in vars(Settings().weights) if name.startswith(start)]
    changes = {"weights": dict.fromkeys(names, 0.0)}
    with pytest.raises(ConfigError, match=rf"'weights\.{named}' must be above 0 where"):
        checked(merged(Settings(), changes, source="test"), source="test")
    del changes["weights"][named]
    if named == "shape_cycle_vertices":
        checked(merged(Settings(), changes, source="test"), source="test")


def test_an_unknown_preset_is_told_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="unknown preset 'huge'\n  hint: choose one of laptop"):
        load_settings("huge")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: No such file"):
        load_settings("laptop", tmp_path / "none.yaml")


def test_a_file_too_long_for_settings_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("#" * 2_000_000)
    with pytest.raises(ConfigError, match=r"mine\.yaml: it holds more than 1,000,000 characters"):
        load_settings("laptop", path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ConfigError, match=r"cannot read settings from .*mine\.yaml"):
        load_settings("laptop", path)


def test_settings_as_a_dictionary_hold_plain_values_only() -> None:
    def plain(value: Any) -> bool:
        if isinstance(value, dict):
            return all(isinstance(k, str) and plain(v) for k, v in value.items())
        if isinstance(value, list):
            return all(plain(v) for v in value)
        return type(value) in (int, float, bool, str)

    message = as_dict(Settings())
    assert plain(message)
    assert {f.name for f in fields(Settings)} == set(message)
    assert all(is_dataclass(getattr(Settings(), name)) for name in message)
