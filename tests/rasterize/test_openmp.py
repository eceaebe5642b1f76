"""Work shared out among threads is done once, wholly, and with the same result."""

import importlib.util
import os
import select
import sys
import threading

import pytest
import torch
from rasterize_scenes import orthographic, sphere

from shapecycle.rasterize import antialias, interpolate, rasterize, shade_textured, vertex_normals
from shapecycle.rasterize.backend import VARIABLE
from shapecycle.rasterize.warp_backend import openmp
from shapecycle.rasterize.warp_backend.openmp import available_threads, parallel_for


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("parts", [0, 1, 2, 7])
def test_every_part_is_done_once(two_threads, parts):
    done = []
    parallel_for(parts, done.append)
    assert sorted(done) == list(range(parts))


def test_parts_run_at_the_same_time_where_threads_are_at_hand(two_threads):
    if available_threads() == 1:
        pytest.skip("this PyTorch offers no threads")
    meeting = threading.Barrier(2, timeout=20)
    met = []
    parallel_for(2, lambda _: met.append(meeting.wait()))
    assert sorted(met) == [0, 1]


def test_a_fault_in_any_part_is_raised_and_the_threads_stay_usable(two_threads):
    def fail(part):
        if part == 1:
            raise KeyError("part one")

    for _ in range(3):
        with pytest.raises(KeyError, match="part one"):
            parallel_for(2, fail)
    done = []
    parallel_for(2, done.append)
    assert sorted(done) == [0, 1]


def test_sharing_within_a_part_stays_on_its_thread(two_threads):
    inner = []

    def nest(part):
        inner.append(available_threads())
        parallel_for(3, lambda number: inner.append((part, number)))

    parallel_for(2, nest)
    assert inner.count(1) == 2
    assert len(inner) == 8


def test_several_python_threads_may_share_at_once(two_threads):
    done = [[] for _ in range(4)]

    def repeat(mine):
        for _ in range(50):
            parallel_for(2, mine.append)

    threads = [threading.Thread(target=repeat, args=(mine,)) for mine in done]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(sorted(mine) == [0] * 50 + [1] * 50 for mine in done)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process")  # Python warns of any fork beside threads
def test_a_forked_copy_works_alone_and_does_not_wait_for_threads_it_does_not_have(two_threads):
    parallel_for(2, lambda _: None)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        done = []
        parallel_for(2, done.append)
        os.write(writer, bytes([available_threads(), *done]))
        os._exit(0)
    assert select.select([reader], [], [], 20)[0], "the copy hangs"
    assert os.read(reader, 9) == bytes([1, 0, 1])
    os.waitpid(child, 0)


def test_a_part_that_an_interrupt_took_is_not_passed_over(two_threads, monkeypatch):
    if available_threads() == 1:
        pytest.skip("this PyTorch offers no threads")

    class Interrupting(dict):
        def __getitem__(self, number):
            raise KeyboardInterrupt

    monkeypatch.setattr(openmp, "_works", Interrupting())
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        parallel_for(2, lambda _: None)


@pytest.mark.skipif(importlib.util.find_spec("warp") is None, reason="Warp is not installed")
@pytest.mark.parametrize("shared_tables", [False, True])
def test_two_threads_draw_bit_for_bit_what_one_draws(two_threads, shared_tables, monkeypatch):
    """Of five meshes, so that the parts are unequal; enough pixels that work is shared."""
    monkeypatch.setenv(VARIABLE, "warp")
    points, topology = sphere(3)
    generator = torch.Generator().manual_seed(0)
    shapes = points + 0.05 * torch.randn(5, len(points[0]), 3, generator=generator)
    tables = 1 if shared_tables else 5
    values = torch.rand(tables, shapes.shape[1], 4, generator=generator)
    albedo = torch.rand(tables, 3, 16, 16, generator=generator)
    uv = torch.rand(tables, shapes.shape[1], 2, generator=generator)
    light = torch.rand(5, 9, 3, generator=generator)

    def draw():
        leaves = [t.clone().requires_grad_() for t in (shapes, values, albedo, uv, light)]
        vertices, colours, texture, at, shining = leaves
        clip = orthographic(0.8 * vertices)
        seen = rasterize(clip, topology, (96, 80))
        normals = vertex_normals(vertices, topology)
        lit = shade_textured(texture, at, normals, shining, clip, topology, seen, min_shading=0.05)
        picture = antialias(lit + interpolate(colours, clip, topology, seen), clip, topology, seen)
        picture.square().sum().backward()
        return [seen.key, picture.detach(), *(leaf.grad for leaf in leaves)]

    together = draw()
    torch.set_num_threads(1)
    alone = draw()
    for ours, theirs in zip(together, alone, strict=True):
        assert torch.equal(ours, theirs)
