"""What was loaded comes back to the bit, and only for the very same files."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_world import few_samples, shapecycle, train_command

from shapecycle.data import photos as photo_files
from shapecycle.data.photo_set import load_photos
from shapecycle.data.shape_sampler import sampled_surfaces
from shapecycle.data.shapes import load_shape_folder
from shapecycle.mesh import Mesh
from shapecycle.train.loaded import LOADED_NAME, Loaded, cache_key, read_cache, write_cache


@pytest.fixture(scope="module")
def loaded(world: Path) -> Loaded:
    shapes = load_shape_folder(world / "shapes")
    cloud = Mesh(
        shapes.meshes[1].vertices,
        np.zeros((0, 3), np.int64),
        normals=np.tile(np.float32([0, 1, 0]), (len(shapes.meshes[1].vertices), 1)),
    )
    shapes = replace(shapes, meshes=[shapes.meshes[0], cloud, *shapes.meshes[2:4]])
    with few_samples():
        surfaces = sampled_surfaces(shapes.meshes, 0)
    return Loaded(load_photos(world / "images", size=32), shapes, surfaces)


def test_everything_comes_back_to_the_bit(loaded: Loaded, tmp_path: Path) -> None:
    write_cache(tmp_path, "key", loaded)
    found = read_cache(tmp_path, "key")
    assert found is not None
    assert torch.equal(found.photos.rgba, loaded.photos.rgba)
    assert torch.equal(found.photos.windows, loaded.photos.windows)
    assert found.photos.paths == loaded.photos.paths
    assert found.photos.notes == loaded.photos.notes
    for ours, theirs in zip(found.shapes.meshes, loaded.shapes.meshes, strict=True):
        assert np.array_equal(ours.vertices, theirs.vertices)
        assert np.array_equal(ours.faces, theirs.faces)
        assert (ours.normals is None) == (theirs.normals is None)
        if ours.normals is not None and theirs.normals is not None:
            assert np.array_equal(ours.normals, theirs.normals)
    for name in ("points", "normals", "vertices"):
        assert torch.equal(getattr(found.surfaces, name), getattr(loaded.surfaces, name))
    assert torch.equal(found.surfaces.topology.edges, loaded.surfaces.topology.edges)


def test_nothing_is_taken_of_other_files_or_of_a_damaged_one(
    loaded: Loaded, tmp_path: Path
) -> None:
    assert read_cache(tmp_path, "key") is None
    write_cache(tmp_path, "key", loaded)
    assert read_cache(tmp_path, "other") is None
    file = tmp_path / LOADED_NAME
    file.write_bytes(file.read_bytes()[:5000])
    assert read_cache(tmp_path, "key") is None


def test_a_key_tells_changed_files_masks_and_options(tmp_path: Path) -> None:
    folder, masks = tmp_path / "a", tmp_path / "masks"
    folder.mkdir()
    (folder / "1.png").write_bytes(b"one")
    keys = [cache_key((folder, masks), 64)]
    keys.append(cache_key((folder, masks), 32))
    masks.mkdir()
    (masks / "1.png").write_bytes(b"mask")
    keys.append(cache_key((folder, masks), 64))
    os.utime(folder / "1.png", (1, 1))
    keys.append(cache_key((folder, masks), 64))
    assert len(set(keys)) == len(keys)
    assert cache_key((folder, masks), 64) == keys[-1]


def test_a_training_that_goes_on_loads_nothing_again(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with few_samples():
        with monkeypatch.context() as patched:
            patched.setattr("shapecycle.train.loop._remember", stop)
            assert shapecycle(*train_command(world, out, "--total-images", 24)).code != 0
        assert (out / LOADED_NAME).is_file()
        with monkeypatch.context() as patched:
            patched.setattr(photo_files, "load_photo", stop)
            again = shapecycle(*train_command(world, out, "--resume"))
    assert again.code == 0, again.err
    assert "were loaded before" in again.err
    assert not (out / LOADED_NAME).exists()
