"""What is kept after training: which shapes and photographs, and within which time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from remembering import remembering_model
from tiny_world import few_samples, small_car
from torch import Tensor

from shapecycle.config import MemorySettings
from shapecycle.data.photo_set import PhotoSet, load_photos
from shapecycle.data.shape_sampler import SampledSurfaces, sampled_surfaces
from shapecycle.data.shapes import ShapeSet, load_shape_folder
from shapecycle.mesh import Mesh
from shapecycle.model import Model
from shapecycle.shape_to_code.encoder import SURFACE_POINTS
from shapecycle.train import remember as remember_module
from shapecycle.train.remember import SHARE, remember, reserved


@pytest.fixture(scope="module")
def model() -> Model:
    return remembering_model(0)


@pytest.fixture(scope="module")
def shapes(world: Path) -> ShapeSet:
    found = load_shape_folder(world / "shapes")
    return ShapeSet(found.meshes[:3], found.paths[:3], found.notes)


@pytest.fixture(scope="module")
def photos(world: Path) -> PhotoSet:
    found = load_photos(world / "images", size=32)
    return PhotoSet(found.rgba[:4], found.windows[:4], found.paths[:4], found.notes)


@pytest.fixture(autouse=True)
def _few_samples() -> Iterator[None]:
    with few_samples():
        yield


def _sampled(shapes: ShapeSet) -> SampledSurfaces:
    return sampled_surfaces(shapes.meshes, 0)


def _names(paths: list[Path]) -> list[str]:
    return [path.stem for path in paths]


def test_all_shapes_and_photographs_are_remembered_where_they_are_few(
    model: Model, shapes: ShapeSet, photos: PhotoSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remember_module, "REFINE_STEPS", 0)
    memory = remember(model, shapes, _sampled(shapes), photos, MemorySettings(100, 100))
    with torch.no_grad():
        first = model.networks.read(_sampled(shapes).points[:1, :SURFACE_POINTS])
    assert memory is not None
    assert sorted(one.name for one in memory.sources) == _names(shapes.paths)
    assert [one.name for one in memory.donors] == _names(photos.paths)
    assert len({one.fingerprint for one in memory.sources}) == len(shapes)
    source = next(one for one in memory.sources if one.name == shapes.paths[0].stem)
    torch.testing.assert_close(source.code, first[0])
    for donor in memory.donors:
        assert donor.texels[3].max() > 0.5
        assert donor.texels.min() >= 0
        assert donor.texels.max() <= 1


def test_of_many_photographs_every_so_manieth_is_kept(
    model: Model, shapes: ShapeSet, photos: PhotoSet
) -> None:
    memory = remember(model, shapes, _sampled(shapes), photos, MemorySettings(0, 2))
    assert memory is not None
    assert [one.name for one in memory.donors] == [photos.paths[k].stem for k in (0, 2)]


def _chosen(
    codes: list[float], most: int, photos: PhotoSet, monkeypatch: pytest.MonkeyPatch
) -> list[float]:
    """Choose among shapes that are read as these codes, along a line."""
    cars = [small_car(0) for _ in codes]
    model = remembering_model(0)

    def read(_model: Model, _surfaces: SampledSurfaces, some: list[int], **_: int) -> Tensor:
        return torch.tensor([[codes[k]] + 7 * [0.0] for k in some])

    monkeypatch.setattr(remember_module, "_read", read)
    shapes = ShapeSet(cars, [Path(f"{k}.ply") for k in range(len(codes))], [])
    memory = remember(model, shapes, _sampled(shapes), photos, MemorySettings(most, 0))
    assert memory is not None
    assert len({one.name for one in memory.sources}) == len(memory.sources)
    return sorted(codes[int(one.name)] for one in memory.sources)


def test_of_many_shapes_those_are_kept_that_lie_far_apart(
    photos: PhotoSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = [0.9, -1.0, 0.95, 1.0, -0.9]
    assert _chosen(codes, 2, photos, monkeypatch) == [-1.0, 1.0]
    assert _chosen(codes, 5, photos, monkeypatch) == sorted(codes)
    alike = [0.5, 0.5, -0.5, 0.5]
    assert _chosen(alike, 4, photos, monkeypatch) == sorted(alike), "each once"


def test_a_shape_in_the_middle_is_kept_before_neighbours_of_those_at_the_ends(
    photos: PhotoSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = [-1.0, 1.0, 0.0, -0.9, 0.9]
    assert _chosen(codes, 3, photos, monkeypatch) == [-1.0, 0.0, 1.0]


@pytest.mark.parametrize(("sources", "donors"), [(0, 2), (1, 0), (0, 0)])
def test_no_more_are_kept_than_asked_for(
    sources: int, donors: int, model: Model, shapes: ShapeSet, photos: PhotoSet
) -> None:
    memory = remember(model, shapes, _sampled(shapes), photos, MemorySettings(sources, donors))
    assert memory is not None
    assert (len(memory.sources), len(memory.donors)) == (sources, donors)


def test_without_time_one_of_each_kind_is_kept(
    model: Model, shapes: ShapeSet, photos: PhotoSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remember_module, "DONORS_AT_ONCE", 1)
    monkeypatch.setattr(remember_module, "AT_ONCE", 1)
    memory = remember(model, shapes, _sampled(shapes), photos, MemorySettings(8, 24), seconds=0.0)
    assert memory is not None
    assert len(memory.sources) == 1
    assert len(memory.donors) == 1


def test_a_request_to_stop_ends_it_without_a_memory(
    model: Model, shapes: ShapeSet, photos: PhotoSet
) -> None:
    for settings in (MemorySettings(2, 0), MemorySettings(0, 2)):
        assert (
            remember(model, shapes, _sampled(shapes), photos, settings, is_stopped=lambda: True)
            is None
        )


def test_point_clouds_are_not_remembered(model: Model, shapes: ShapeSet, photos: PhotoSet) -> None:
    points, normals = shapes.meshes[0].sample(300, np.random.default_rng(0))
    cloud = Mesh(points, np.zeros((0, 3), np.int64), normals=normals)
    mixed = ShapeSet([cloud, shapes.meshes[1]], shapes.paths[:2], shapes.notes)
    alone = ShapeSet([cloud], shapes.paths[:1], shapes.notes)
    memory, nothing = (
        remember(model, x, _sampled(x), photos, MemorySettings(8, 0)) for x in (mixed, alone)
    )
    assert memory is not None
    assert [one.name for one in memory.sources] == [shapes.paths[1].stem]
    assert nothing is not None
    assert not nothing


def test_a_small_part_of_a_limited_time_is_reserved() -> None:
    settings = MemorySettings()
    for seconds in (1.0, 60.0, 3600.0, 10.0**6):
        assert 0 < reserved(seconds, settings, 500) <= SHARE * seconds
    assert reserved(10.0**6, settings, 10) < reserved(10.0**6, settings, 100)
    assert reserved(10.0**6, settings, 500) == reserved(10.0**7, settings, 600), "no more is needed"
    assert reserved(3600.0, MemorySettings(0, 0), 500) == 0
