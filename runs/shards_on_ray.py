"""Make and reconstruct shards on Ray, kill one of its workers, and compare with a run without.

    python runs/shards_on_ray.py MODEL OUT [--pictures 1024] [--seed 0]

Of two workers one is sent SIGKILL after some seconds, in each of the two verbs. Every picture must
be there once, and drawn pictures must be the same to the byte as those of one process.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from shapecycle.data.shards import read_shard


def run(*words: object, kill_after: float | None = None) -> float:
    """Run a verb, and kill one of its workers at work on the way; return its seconds."""
    command = [sys.executable, "-m", "shapecycle", *map(str, words)]
    start = time.monotonic()
    process = subprocess.Popen(command, env=dict(os.environ, OMP_NUM_THREADS="1"))
    if kill_after is not None:
        while not (found := workers()) and process.poll() is None:
            time.sleep(0.5)
        time.sleep(kill_after)
        found = workers()
        os.kill(found[0], signal.SIGKILL)
        print(f"killed worker {found[0]} of {found}", flush=True)
    code = process.wait()
    assert code == 0, code
    return time.monotonic() - start


def workers() -> list[int]:
    """Return the processes of Ray's that make shards."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if "MapWorker" in (folder / "cmdline").read_text():
                found.append(int(folder.name))
        except OSError:
            continue
    return sorted(found)


def counted(folder: Path) -> Counter[str]:
    """Count how often each picture's key is in a folder of shards."""
    return Counter(key for path in sorted(folder.glob("*.tar")) for key, _ in read_shard(path))


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pictures", type=int, default=1024)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    source, out, count = random.Random(arguments.seed), arguments.out, arguments.pictures
    out.mkdir(parents=True)
    draw = ["synthesize", arguments.model, "--count", count, "--shard", 64, "--size", 64]
    alone = run(*draw, "--out", out / "alone")
    seconds = run(*draw, "--out", out / "drawn", "--workers", 2, kill_after=source.uniform(2, 10))
    same = [
        path.read_bytes() == (out / "alone" / path.name).read_bytes()
        for path in sorted((out / "drawn").glob("*.tar"))
    ]
    keys = counted(out / "drawn")
    print(
        f"synthesize: {len(keys):,} of {count:,} pictures, {sum(n == 1 for n in keys.values()):,} "
        f"of them once; {sum(same)} of {len(same)} shards the same as of one process; "
        f"{seconds:.0f} s, {alone:.0f} s by one process"
    )
    see = ["reconstruct", arguments.model, out / "drawn", "--refine-steps", 5]
    seconds = run(*see, "--out", out / "seen", "--workers", 2, kill_after=source.uniform(5, 20))
    keys = counted(out / "seen")
    index = json.loads((out / "seen" / "index.json").read_text())
    print(
        f"reconstruct: {len(keys):,} of {count:,} pictures, {sum(n == 1 for n in keys.values()):,} "
        f"of them once; the index says {index['count']:,}, mean silhouette IoU "
        f"{index['mean_silhouette_iou']:.3f}; {seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
