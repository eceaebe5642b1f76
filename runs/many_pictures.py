"""Train two processes from tar shards, kill them again and again, and see that nothing is missed.

    shapecycle synthesize cars --count 100000 --size 64 --out SHARDS
    python runs/many_pictures.py SHARDS OUT [--kills 8] [--seed 0]

trains tiny networks until every picture must have come twice, and kills the first process, or the
second, or both, at random times. Of every picture that a process takes is written down where in its
epoch it stood. After a kill the same places must hold the same pictures, and in an epoch that came
to its end every picture must have come once. Peak memory (VmHWM) of both processes is compared
with that of a training from the first shard alone, and the time until the training begins, too.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import torch

from shapecycle.data.photo_stream import PhotoStream, Taken
from shapecycle.data.shards import list_shards, read_shard
from shapecycle.data.simplify import simplify
from shapecycle.demo.cars import car_mesh, sample_car, write_ply

TRACE = "MANY_PICTURES_TRACE"
BATCH, SHARE = 512, 0.45
SETTINGS = f"""
model: {{image_size: 64, subdivisions: 4, shape_code_size: 8, texture_code_size: 8,
  texture_resolution: 32, shape_width: 16, image_width: 8, image_features: 16, texture_width: 8,
  critic_width: 8}}
scenes: {{photographed_shapes: 4}}
train: {{batch: {BATCH}, cycle_share: {SHARE}, checkpoint_minutes: 0.1, shape_share: 0.005,
  random_share: 0.01, autoencoder_every: 16}}
memory: {{sources: 0, donors: 0}}
"""
WITHIN = (25.0, 60.0)
"""Seconds after which the training is killed."""


def _traced(stream: PhotoStream, count: int) -> Taken:
    """Take pictures one by one, and write down where each stood."""
    ones = []
    with Path(os.environ[TRACE], f"{stream.rank}.txt").open("a") as file:
        for _ in range(count):
            stream._block()
            at = stream.position()
            ones.append(TAKE(stream, 1))
            name = ones[-1].paths[0]
            file.write(
                f"{at['epoch']} {at['block']} {at['offset']} {name.parent.name}/{name.stem}\n"
            )
    return Taken(
        [one.paths[0] for one in ones],
        torch.cat([one.rgba for one in ones]),
        torch.cat([one.windows for one in ones]),
    )


TAKE = PhotoStream.take
if TRACE in os.environ:  # also in the process that the first one starts
    PhotoStream.take = _traced  # type: ignore[method-assign]


class Memory:
    """Looks, twice a second, at the peak memory of a process and of those it started."""

    def __init__(self, pid: int) -> None:
        self.pid, self.peaks, self.is_over = pid, dict[int, int](), False
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self) -> None:
        while not self.is_over:
            for pid in [self.pid, *children(self.pid)]:
                lines = _lines(Path(f"/proc/{pid}/status"))
                peak = next((line for line in lines if line.startswith("VmHWM")), None)
                # Helpers of the interpreter, such as its resource tracker, are small.
                if peak and int(peak.split()[1]) > 200_000:
                    self.peaks[pid] = int(peak.split()[1])
            time.sleep(0.5)

    def megabytes(self) -> list[int]:
        self.is_over = True
        return [peak // 1024 for peak in self.peaks.values()]


def children(pid: int) -> list[int]:
    found = _lines(Path(f"/proc/{pid}/task/{pid}/children"))
    return [int(word) for word in " ".join(found).split()]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def train(images: Path, shapes: Path, out: Path, config: Path, total: int, trace: Path | None):
    """Start a training in two processes, or go on with it."""
    more = ["--resume"] if (out / "settings.json").exists() else []
    if not more:
        more = ["--config", config, "--total-images", total, "--processes", "2"]
    words = ["train", "--images", images, "--shapes", shapes, "--out", out, *more]
    environment = dict(os.environ, OMP_NUM_THREADS="2") | ({TRACE: str(trace)} if trace else {})
    log = (out.parent / f"{out.name}.log").open("a")
    return subprocess.Popen(
        [sys.executable, __file__, "--train", *map(str, words)], stderr=log, stdout=log,
        env=environment,
    )  # fmt: skip


def check(trace: Path, count: int) -> str:
    """Compare what was taken with what should have been."""
    epochs: dict[int, Counter[str]] = {}
    repeated = other = 0
    for file in sorted(trace.glob("*.txt")):
        at: dict[str, str] = {}
        for line in file.read_text().splitlines():
            place, _, name = line.rpartition(" ")
            if name.count("/") != 1 or place.count(" ") != 2:
                continue  # cut off by a kill
            if place in at:
                repeated += 1
                other += at[place] != name
            at[place] = name
        for place, name in at.items():
            epochs.setdefault(int(place.split()[0]), Counter())[name] += 1
    whole = {e: c for e, c in epochs.items() if e < max(epochs)}
    once = {e: sum(n == 1 for n in c.values()) for e, c in whole.items()}
    twice = sum(n > 1 for c in epochs.values() for n in c.values())
    return (
        f"{repeated:,} places were taken again after a kill, {other} of them with another picture; "
        f"pictures that came just once, by epoch: {once} of {count:,}; more than once: {twice}"
    )


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("shards", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--epochs", type=float, default=2.1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    source, out = random.Random(arguments.seed), arguments.out
    (out / "trace").mkdir(parents=True)
    (out / "shapes").mkdir()
    for seed in range(12):
        write_ply(out / "shapes" / f"{seed}.ply", simplify(car_mesh(sample_car(seed)), 300))
    config = out / "settings.yaml"
    config.write_text(SETTINGS)
    shards = list_shards(arguments.shards)
    count = sum(sum(1 for _ in read_shard(path, wanted=lambda _: False)) for path in shards)
    a_step = 2 * int(BATCH // 2 * SHARE)
    total = int(arguments.epochs * count / a_step) * BATCH
    print(f"{count:,} pictures in {len(shards)} shards; {total:,} images", flush=True)

    peaks: dict[str, list[int]] = {}
    few = train(shards[0], out / "shapes", out / "few", config, 60 * BATCH, None)
    memory = Memory(few.pid)
    few.wait()
    peaks["one shard"] = memory.megabytes()
    killed = 0
    while True:
        process = train(arguments.shards, out / "shapes", out / "run", config, total, out / "trace")
        memory = Memory(process.pid)
        if killed < arguments.kills:
            time.sleep(source.uniform(*WITHIN))
            helpers = [pid for pid in memory.peaks if pid != process.pid]
            which = source.choice(["first", "second", "both"])
            targets = {"first": [process.pid], "second": helpers, "both": [process.pid, *helpers]}
            if process.poll() is None:
                for pid in targets[which]:
                    os.kill(pid, signal.SIGKILL)
                killed += 1
                start = time.monotonic()
                process.wait()
                while any(Path(f"/proc/{pid}").exists() for pid in helpers):
                    time.sleep(0.1)
                peaks["all"] = max(peaks.get("all", []), memory.megabytes())
                print(
                    f"kill {killed}: {which}; all were gone {time.monotonic() - start:.1f} s later",
                    flush=True,
                )
                continue
        code = process.wait()
        peaks["all"] = max(peaks.get("all", []), memory.megabytes())
        break
    print(f"{killed} kills, the last training ended with code {code}")
    print(check(out / "trace", count))
    print(f"peak memory of each process, MB: {json.dumps(peaks)}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--train"]:
        from shapecycle.__main__ import main as shapecycle

        sys.argv = ["shapecycle", *sys.argv[2:]]
        shapecycle()
    else:
        main()
