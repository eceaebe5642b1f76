"""The demo's world: where it lies, and that nothing is on two sides of it."""

from pathlib import Path

from shapecycle.demo import cars
from shapecycle.demo.world import cars_world, free_folder


def test_a_folder_in_use_gets_a_number_and_an_empty_one_does_not(tmp_path: Path) -> None:
    out = tmp_path / "demo-run"
    assert free_folder(out) == out
    out.mkdir()
    assert free_folder(out) == out
    (out / "a").touch()
    assert free_folder(out) == tmp_path / "demo-run-2"
    (tmp_path / "demo-run-2").touch()
    assert free_folder(out) == tmp_path / "demo-run-3"


def test_the_demo_trains_on_no_car_of_its_pictures() -> None:
    seeds = set(cars_world().seeds)
    assert len(seeds) > 100
    assert not seeds & {*cars.TRAIN_PICTURE_SEEDS, *cars.HELD_OUT_SEEDS}
