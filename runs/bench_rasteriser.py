"""Time this package's rasteriser against others, interleaved in one run.

    python runs/bench_rasteriser.py [--quick] [--json FILE] [--device cuda]

Draws 16 lit meshes of 1,280 and 5,120 faces at 64, 128 and 256 px, coloured by vertex and
textured, forward and forward+backward (to vertices, colours or textures, and light). Times are
the least of several rounds in milliseconds per batch. Peers:

    fast            this package as it comes: Warp kernels, threads as it chooses
    reference       this package's PyTorch reference
    cpp             this package on C++/OpenMP kernels made for this benchmark (needs g++)
    dense_soft      a soft rasteriser in plain PyTorch, pixels x faces; one mesh, times 16
    deodr           DEODR, one mesh after the other (pip install --no-deps deodr)

A name ending in ``/1`` was held to one thread; one ending in ``/textured`` drew textures;
``fast/cull`` left out the faces seen from behind, as DEODR always does.
"""

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).with_suffix("")))

import cpp
import dense_soft
import deodr_peer
import footprint
import torch
from scene import BATCH, Scene, backward, coloured, make_scene, textured
from torch import Tensor

from shapecycle.train.computing import choose_threads

FACES = (1280, 5120)
SIZES = (64, 128, 256)
MAX_DENSE_PAIRS = 6_000_000
"""Pixel-face pairs above which the dense rasteriser is left out: minutes a batch."""

NOISE = 1.05
"""What two measurements of the same thing may differ by on a machine that others use."""


@dataclass(frozen=True)
class Row:
    """One measurement: milliseconds per batch."""

    faces: int
    size: int
    batch: int
    what: str
    peer: str
    ms: float


@dataclass(frozen=True)
class Peer:
    """A renderer under some conditions.

    Attributes:
        name: As in the rows.
        forward: Draws a scene.
        both: Draws a scene and carries the loss back.
        threads: PyTorch's.
        kernels: What holds while it draws.
        meshes: How many of the batch it draws.
    """

    name: str
    forward: Callable[[Scene], Tensor]
    both: Callable[[Scene], None]
    threads: int
    kernels: Callable[[], AbstractContextManager[None]] = nullcontext
    meshes: int = BATCH


@dataclass(frozen=True)
class Claim:
    """A claim, what was measured, and whether it holds."""

    claim: str
    measured: str
    holds: bool


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds, no 256 px")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows")
    parser.add_argument("--sizes", type=int, nargs="+", metavar="PX", help="pictures' sides")
    parser.add_argument("--rounds", type=int, metavar="N", help="turns of every peer")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    options = parser.parse_args()
    sizes = options.sizes or (SIZES[:2] if options.quick else SIZES)
    rounds = options.rounds or (3 if options.quick else 8)
    most = torch.get_num_threads()
    chosen = choose_threads()
    print(f"{os.cpu_count()} cores; PyTorch threads: {chosen} chosen, {most} at most")
    report_missing(options.device)
    rows: list[Row] = []
    for faces in FACES:
        for size in sizes:
            scene = make_scene(faces, size, options.device)
            rows += measure(
                scene, faces, size, list(peers_for(scene, chosen, most, options)), rounds
            )
            if options.json:
                options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
            print(f"{faces} faces, {size} px: measured", flush=True)
    print_tables(rows)
    print_bars(list(claims(rows, options.device)))


def report_missing(device: str) -> None:
    """Say which peers are left out, and why."""
    if device == "cpu":
        for name, obstacle in (("cpp", cpp.obstacle()), ("deodr", deodr_peer.obstacle())):
            if obstacle:
                print(f"{name}: left out, {obstacle}")
    for name in ("nvdiffrast", "pytorch3d"):
        here = importlib.util.find_spec(name) is not None
        print(f"{name}: left out, " + ("not written yet" if here else "not installed"))


def peers_for(scene: Scene, chosen: int, most: int, options: argparse.Namespace) -> Iterator[Peer]:
    """List the peers that can draw a scene."""
    on_cpu = options.device == "cpu"
    for suffix, draw in (("", coloured), ("/textured", textured)):

        def both(scene: Scene, draw: Callable[[Scene], Tensor] = draw) -> None:
            backward(scene, draw(scene))

        def reference(scene: Scene, draw: Callable[..., Tensor] = draw) -> Tensor:
            return draw(scene, "torch")

        def reference_both(scene: Scene, draw: Callable[[Scene], Tensor] = reference) -> None:
            backward(scene, draw(scene))

        yield Peer(f"fast{suffix}", draw, both, chosen)
        yield Peer(f"reference{suffix}", reference, reference_both, chosen)
        if on_cpu:
            yield Peer(f"fast{suffix}/1", draw, both, 1)
        if on_cpu and not cpp.obstacle():
            yield Peer(f"cpp{suffix}", draw, both, most, lambda: cpp.kernels_of_cpp(most))
            yield Peer(f"cpp{suffix}/1", draw, both, 1, lambda: cpp.kernels_of_cpp(1))
    if on_cpu and not deodr_peer.obstacle():
        forward = deodr_peer.forward
        yield Peer("deodr", forward, lambda scene: backward(scene, forward(scene)), chosen)

        def culled(scene: Scene) -> Tensor:
            return coloured(scene, cull=True)

        yield Peer("fast/cull", culled, lambda scene: backward(scene, culled(scene)), chosen)
    if len(scene.topology.faces) * scene.size[0] * scene.size[1] <= MAX_DENSE_PAIRS:
        yield Peer("dense_soft", dense_soft.forward, dense_soft.both, chosen, meshes=1)


def check_agreement(scene: Scene, peers: list[Peer]) -> None:
    """Stop if the C++ kernels, written a second time, draw or differentiate anything else."""
    for suffix in ("", "/textured"):
        found = {}
        for peer in peers:
            if peer.name in (f"fast{suffix}/1", f"cpp{suffix}/1"):
                with peer.kernels():
                    peer.both(scene)
                    picture = peer.forward(scene).detach()
                found[peer.name] = [picture, *(t.grad for t in scene.inputs if t.grad is not None)]
        if len(found) == 2:
            for number, (ours, theirs) in enumerate(zip(*found.values(), strict=True)):
                off = float((ours - theirs).norm() / ours.norm())
                # Slivers seen edge-on have gradients as large as they are uncertain.
                if off > (1e-3 if number == 0 else 0.05):
                    raise SystemExit(f"cpp{suffix} is not the same renderer: {off:.3f} apart")


def measure(scene: Scene, faces: int, size: int, peers: list[Peer], rounds: int) -> list[Row]:
    """Let the peers take turns; keep each one's least time."""
    check_agreement(scene, peers)
    best: dict[tuple[str, str], float] = {}
    for number in range(rounds):
        for peer in peers:
            if peer.meshes < BATCH and number >= 2:
                continue
            torch.set_num_threads(peer.threads)
            with peer.kernels():
                peer.forward(scene)
                for what, call in (("forward", peer.forward), ("forward+backward", peer.both)):
                    key = (peer.name, what)
                    ms = seconds(call, scene) * 1e3 * BATCH / peer.meshes
                    best[key] = min(best.get(key, float("inf")), ms)
    return [Row(faces, size, BATCH, what, name, round(ms, 3)) for (name, what), ms in best.items()]


def seconds(call: Callable[[Scene], object], scene: Scene) -> float:
    """Time one call, to the end of what it started."""
    start = time.perf_counter()
    call(scene)
    if scene.vertices.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def print_tables(rows: list[Row]) -> None:
    """Print milliseconds, and in brackets multiples of the C++ kernels' time."""
    for suffix, title in (("", "coloured by vertex"), ("/textured", "textured")):
        cases = sorted({(row.faces, row.size) for row in rows})
        names = [
            name.replace("*", suffix)
            for name in (
                "cpp*",
                "cpp*/1",
                "fast*",
                "fast*/1",
                "reference*",
                "fast/cull*",
                "deodr*",
                "dense_soft*",
            )
        ]
        names = [name for name in names if any(row.peer == name for row in rows)]
        print(f"\n{title}: ms per batch of {BATCH}, forward / forward+backward (ratio to cpp)\n")
        print("| faces | px | " + " | ".join(n.replace(suffix, "") for n in names) + " |")
        print("| --- " * (len(names) + 2) + "|")
        for faces, size in cases:
            cells = [_cell(rows, faces, size, name, f"cpp{suffix}") for name in names]
            print(f"| {faces:,} | {size} | " + " | ".join(cells) + " |")


def _cell(rows: list[Row], faces: int, size: int, name: str, yardstick: str) -> str:
    forward = find(rows, faces, size, name, "forward")
    both, unit = find(rows, faces, size, name), find(rows, faces, size, yardstick)
    if both is None or forward is None:
        return "-"
    digits = 1 if both < 1000 else 0
    ratio = "" if unit is None or name == yardstick else f" ({both / unit:.{digits + 1}f})"
    return f"{forward:,.{digits}f} / {both:,.{digits}f}{ratio}"


def find(
    rows: list[Row], faces: int, size: int, peer: str, what: str = "forward+backward"
) -> float | None:
    """Look a measurement up."""
    wanted = (faces, size, peer, what)
    return next((r.ms for r in rows if (r.faces, r.size, r.peer, r.what) == wanted), None)


def claims(rows: list[Row], device: str) -> Iterator[Claim]:
    """Compare what was measured with what is claimed."""
    sizes = sorted({row.size for row in rows})

    def ratios(over: str, under: str, sizes: list[int]) -> list[tuple[float, str]]:
        found = []
        for faces in FACES:
            for size in sizes:
                for suffix in ("", "/textured"):
                    a = find(rows, faces, size, over.replace("*", suffix))
                    b = find(rows, faces, size, under.replace("*", suffix))
                    if a is not None and b is not None:
                        found.append((a / b, f"{faces:,} faces, {size} px{suffix}"))
        return found

    def at_most(claim: str, limit: float, found: list[tuple[float, str]]) -> Iterator[Claim]:
        if found:
            worst, where = max(found)
            yield Claim(claim, f"{worst:.2f} at worst ({where})", worst <= limit)

    def at_least(claim: str, limit: float, found: list[tuple[float, str]]) -> Iterator[Claim]:
        if found:
            worst, where = min(found)
            yield Claim(claim, f"{worst:.2f} at worst ({where})", worst >= limit)

    small, large = [s for s in sizes if s == 64], [s for s in sizes if s == 256]
    yield from at_most("64 px: at most 1.5 x cpp", 1.5, ratios("fast*", "cpp*", small))
    yield from at_most("256 px: at most 2 x cpp", 2, ratios("fast*", "cpp*", large))
    yield from at_least("reference takes at least 2 x", 2, ratios("reference*", "fast*", sizes))
    yield from at_least("256 px: reference at least 4 x", 4, ratios("reference*", "fast*", large))
    yield from at_least("dense_soft at least 100 x", 100, ratios("dense_soft", "fast", sizes))
    yield from at_least("deodr at least 1 x", 1, ratios("deodr", "fast/cull", sizes))
    yield from at_most("more threads: at most 1 x one", NOISE, ratios("fast*", "fast*/1", sizes))
    yield from at_most("4 x the faces: at most 4 x", 4, growth(rows, sizes, faces=True))
    yield from at_most("4 x the pixels: at most 4 x", 4, growth(rows, sizes, faces=False))
    if device == "cuda":
        ms = find(rows, 1280, 64, "fast") or float("inf")
        rate = 1e3 * BATCH / ms
        yield Claim("GPU: at least 20,000 images/s", f"{rate:,.0f}", rate >= 20_000)
        return
    first, later = footprint.seconds_to_first_picture()
    yield Claim("first picture after installation: at most 20 s", f"{first:.1f} s", first <= 20)
    yield Claim("first picture of a later process: under 1 s", f"{later:.2f} s", later < 1)
    for draw in ("coloured", "textured"):
        peak = footprint.peak_megabytes(draw)
        claim = f"64 x 5,120 faces x 128 px, {draw}: under 500 MB"
        yield Claim(claim, f"{peak:.0f} MB", peak < 500)


def growth(rows: list[Row], sizes: list[int], *, faces: bool) -> list[tuple[float, str]]:
    """Say how many times longer four times the faces (or pixels) take."""
    pairs = [((1280, s), (5120, s)) for s in sizes]
    if not faces:
        pairs = [((f, s), (f, t)) for f in FACES for s, t in pairwise(sizes)]
    found = []
    for name in ("fast", "fast/textured"):
        for less, more in pairs:
            a, b = find(rows, *less, name), find(rows, *more, name)
            if a is not None and b is not None:
                found.append((b / a, f"{more[0]:,} faces, {more[1]} px, {name}"))
    return found


def print_bars(found: list[Claim]) -> None:
    """Print which claims hold."""
    print("\nforward+backward of `fast`:\n\n| claim | measured | |\n| --- | --- | --- |")
    for claim in found:
        print(f"| {claim.claim} | {claim.measured} | {'pass' if claim.holds else 'FAIL'} |")


if __name__ == "__main__":
    main()
