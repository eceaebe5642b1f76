"""The compiled kernels and the reference are one rasteriser; the choice is sound and said."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from rasterize_scenes import bumpy, perspective, random_triangles, sphere

from shapecycle.errors import ConfigError, MissingExtra
from shapecycle.rasterize import (
    Topology,
    antialias,
    backend_report,
    interpolate,
    rasterize,
    vertex_normals,
)
from shapecycle.rasterize.backend import VARIABLE, choose

needs_warp = pytest.mark.skipif(
    importlib.util.find_spec("warp") is None, reason="Warp is not installed"
)


@needs_warp
def test_threads_that_draw_for_the_first_time_at_once_load_once_and_leave_stderr_alone():
    program = """
import os, threading
from shapecycle.rasterize.warp_backend import runtime
before = os.readlink("/proc/self/fd/2")
threads = [threading.Thread(target=runtime.load, args=("cpu",)) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert os.readlink("/proc/self/fd/2") == before
assert runtime._load.cache_info().misses == 1
"""
    if not Path("/proc/self/fd").exists():
        pytest.skip("this system does not name its open files")
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def soup(count: int, stretch: float) -> tuple[torch.Tensor, Topology]:
    points = random_triangles(count, seed=4, dtype=torch.float32)
    faces = torch.arange(3 * count).reshape(count, 3)
    return points * torch.tensor([1, 1, stretch]), Topology.from_faces(faces)


SCENES = {
    "sphere": lambda: sphere(2),
    "bumpy": lambda: bumpy(4),
    "soup": lambda: soup(150, 1.0),
    "through the camera": lambda: soup(150, 7.0),
}


@needs_warp
@pytest.mark.parametrize("scene", SCENES)
def test_both_draw_the_same_picture_with_the_same_gradients(scene):
    base, topology = SCENES[scene]()
    base = base * torch.tensor([0.4, 0.8, 1.2])[:, None, None]
    weights = torch.rand(3, 6, 37, 52, generator=torch.Generator().manual_seed(0))
    results = {}
    for backend in ("torch", "warp"):
        points = base.clone().requires_grad_()
        values = torch.cat([base.sin(), base.cos()], -1).requires_grad_()
        clip = perspective(points)
        seen = rasterize(clip, topology, (37, 52), backend=backend)
        spread = interpolate(values, clip, topology, seen, backend=backend)
        picture = antialias(spread, clip, topology, seen, backend=backend)
        normals = vertex_normals(points, topology, backend=backend)
        ((weights * picture).sum() + (normals * base.cos()).sum()).backward()
        results[backend] = (seen.key, spread, picture, normals, points.grad, values.grad)
    reference, fast = results["torch"], results["warp"]
    assert torch.equal(reference[0], fast[0])
    for expected, found in zip(reference[1:], fast[1:], strict=True):
        scale = float(expected.detach().abs().max())
        assert torch.allclose(expected, found, rtol=1e-4, atol=3e-6 * scale)


@needs_warp
def test_gradients_that_nobody_wants_are_not_computed():
    vertices, topology = sphere(1)
    clip = perspective(vertices)
    seen = rasterize(clip, topology, (9, 9))
    values = vertices.clone().requires_grad_()
    interpolate(values, clip, topology, seen).sum().backward()
    assert values.grad is not None
    assert clip.grad is None


@pytest.mark.parametrize("backend", ["torch", "auto"])
def test_half_precision_is_drawn_in_full(backend):
    vertices, topology = bumpy(2)
    expected = perspective(vertices)
    seen = rasterize(expected, topology, (30, 30), backend=backend)
    plain = interpolate(vertices, expected, topology, seen, backend=backend)
    with torch.autocast("cpu", torch.bfloat16):
        again = rasterize(expected, topology, (30, 30), backend=backend)
        spread = interpolate(vertices, expected, topology, again, backend=backend)
        assert antialias(spread, expected, topology, again, backend=backend).dtype == torch.float32
        half = vertex_normals(vertices.bfloat16(), topology, backend=backend)
    assert torch.equal(seen.key, again.key)
    assert torch.equal(plain, spread)
    assert half.dtype == torch.float32


def test_float64_is_drawn_by_the_reference(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert choose("auto", torch.device("cpu"), torch.float64) == "torch"
    with pytest.raises(ValueError, match=r"draws float32 only, not torch\.float64"):
        choose("warp", torch.device("cpu"), torch.float64)


def test_the_environment_can_force_the_reference(monkeypatch):
    monkeypatch.setenv(VARIABLE, "torch")
    assert choose("auto", torch.device("cpu"), torch.float32) == "torch"
    assert f"forced by {VARIABLE}=torch" in "\n".join(backend_report())


@pytest.mark.usefixtures("unchecked")
def test_an_unknown_wish_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="backend is 'gpu'"):
        choose("gpu", torch.device("cpu"), torch.float32)
    monkeypatch.setenv(VARIABLE, "fast")
    with pytest.raises(ConfigError, match=f"{VARIABLE} is 'fast'"):
        choose("auto", torch.device("cpu"), torch.float32)
    assert "is 'fast'" in backend_report()[0]


def test_warp_on_an_unknown_device_is_refused_with_its_reason():
    with pytest.raises(MissingExtra, match="it does not run on meta"):
        choose("warp", torch.device("meta"), torch.float32)


def test_the_report_says_which_rasteriser_runs(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    report = backend_report()
    assert report[0].startswith("rasteriser on cpu: ")
    assert "float64" in report[-1]


@needs_warp
def test_an_unwritable_kernel_cache_is_replaced_and_compilation_announced(tmp_path):
    """A regular file stands where the cache folder should be made."""
    blocked = tmp_path / "file"
    blocked.touch()
    program = "from shapecycle.rasterize import backend_report; print(backend_report()[0])"
    environment = os.environ | {"WARP_CACHE_PATH": str(blocked / "cache"), "TMPDIR": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert "rasteriser on cpu: Warp" in result.stdout
    assert result.stderr.startswith("compiling the rasteriser's kernels")
    assert len(result.stderr.splitlines()) == 1
    assert list(tmp_path.glob("shapecycle-kernels-*/*"))
