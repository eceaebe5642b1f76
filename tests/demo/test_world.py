"""The demo's world: where it lies, and that nothing is on two sides of it."""

from pathlib import Path

from shapecycle.demo import cars, chairs
from shapecycle.demo.world import DemoPaths, cars_world, chairs_world, free_folder


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


def test_chairs_are_a_world_too(tmp_path: Path) -> None:
    world = chairs_world(tmp_path / "pictures")
    seeds = set(world.seeds)
    assert len(seeds) > 100
    assert not seeds & {*chairs.TRAIN_PICTURE_SEEDS, *chairs.HELD_OUT_SEEDS}
    assert [file.name for file in world.write_shapes(tmp_path, [3])] == ["chair_00003.ply"]
    assert DemoPaths(tmp_path, world).new == tmp_path / "new-chairs"
