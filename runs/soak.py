"""Train, watch the training, and reconstruct through the page of a model from four clients.

    python runs/soak.py IMAGES SHAPES PICTURES OUT [--minutes 20] [--model cars]

A training of tiny networks on IMAGES (a folder or tar shards) and SHAPES, its page of `watch`,
asked every five seconds, and the page of `view`, to which four clients send pictures of the folder
PICTURES, compose objects of them and fetch their meshes, run beside each other. Every ten seconds
the memory, open files, threads and children of each process are written down. Printed are their
medians in the second quarter of the time and in its last, and what is left when all have ended.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from statistics import median

TINY = """
model: {image_size: 64, subdivisions: 4, shape_code_size: 8, texture_code_size: 8,
  texture_resolution: 32, shape_width: 16, image_width: 8, image_features: 16, texture_width: 8,
  critic_width: 8}
scenes: {photographed_shapes: 4}
train: {batch: 16, checkpoint_minutes: 0.5, panel_images: 4000}
memory: {sources: 4, donors: 4}
"""
CLIENTS, EVERY = 4, 10.0


def start(out: Path, *words: object) -> subprocess.Popen[str]:
    """Start a verb; what it says goes into a file."""
    log = (out / f"{words[0]}.log").open("w")
    command = [sys.executable, "-m", "shapecycle", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)


def ask(url: str, body: bytes | None = None, **headers: str) -> bytes:
    """Ask a page's server; wait and ask again where it has too much to do."""
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
                return answer.read()
        except urllib.error.HTTPError as refused:
            if refused.code != 503:
                raise
            time.sleep(1)


class Client(threading.Thread):
    """Does something again and again; counts how often, and what went wrong."""

    def __init__(self, work: Callable[[], None], end: float, pause: float = 0) -> None:
        super().__init__(daemon=True)
        self.work, self.end, self.pause, self.done = work, end, pause, 0
        self.faults: list[str] = []

    def run(self) -> None:
        while time.monotonic() < self.end:
            try:
                self.work()
                self.done += 1
            except Exception as fault:
                self.faults.append(repr(fault))
            time.sleep(self.pause)


def visit(address: str, pictures: list[Path], source: random.Random) -> None:
    """Send a picture, compose what was seen with something else, and fetch all files."""
    picture = source.choice(pictures)
    sent = json.loads(
        ask(f"{address}/api/inputs", picture.read_bytes(), **{"X-Name": picture.name})
    )
    seen, other = {"input": sent["key"]}, {"seed": source.randrange(1000)}
    parts = {part: source.choice([seen, other]) for part in ("shape", "texture", "pose", "light")}
    composition = json.dumps(parts | {"shape": seen}).encode()
    made = json.loads(ask(f"{address}/api/objects", composition))
    for file in ("mesh.glb", "picture.png", "code.json"):
        assert ask(f"{address}/api/objects/{made['key']}/{file}")


def looked_at(pid: int) -> tuple[float, int, int, int] | None:
    """Return a process's memory in MB, and how many files, threads and children it has."""
    folder = Path(f"/proc/{pid}")
    try:
        status = (folder / "status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        children = (folder / "task" / str(pid) / "children").read_text().split()
        return (
            int(fields["VmRSS"].split()[0]) / 1024,
            len(list((folder / "fd").iterdir())),
            int(fields["Threads"]),
            len(children),
        )
    except (OSError, KeyError):
        return None


def temporary() -> set[str]:
    """Name what lies in the folder of temporary files."""
    return {path.name for path in Path(tempfile.gettempdir()).iterdir()}


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("images", "shapes", "pictures", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--model", default="cars")
    arguments = parser.parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True)
    (out / "tiny.yaml").write_text(TINY)
    before = temporary()
    training = start(
        out, "train", "--images", arguments.images, "--shapes", arguments.shapes,
        "--out", out / "run", "--config", out / "tiny.yaml", "--total-images", 10**8,
        "--processes", 1,
    )  # fmt: skip
    while not (out / "run" / "journal.jsonl").exists():
        time.sleep(1)
        assert training.poll() is None, (out / "train.log").read_text()
    view, watch = start(out, "view", arguments.model), start(out, "watch", out / "run")
    address, other = (page.stdout.readline().strip().rstrip("/") for page in (view, watch))
    pictures = sorted(arguments.pictures.glob("*.png"))
    end = time.monotonic() + 60 * arguments.minutes
    clients = [
        Client(lambda k=k: visit(address, pictures, random.Random(time.time_ns() + k)), end)
        for k in range(CLIENTS)
    ]
    watcher = Client(lambda: ask(f"{other}/api/progress") and None, end, pause=5)
    for client in (*clients, watcher):
        client.start()
    processes = {"train": training, "view": view, "watch": watch}
    rows: dict[str, list[tuple[float, int, int, int]]] = {name: [] for name in processes}
    while time.monotonic() < end:
        time.sleep(EVERY)
        for name, process in processes.items():
            if (found := looked_at(process.pid)) is not None:
                rows[name].append(found)
        (out / "rows.json").write_text(json.dumps(rows))
    for client in (*clients, watcher):
        client.join(60)
    print(f"reconstructions: {sum(client.done for client in clients)}; progress: {watcher.done}")
    faults = [fault for client in (*clients, watcher) for fault in client.faults]
    print(f"requests that failed: {len(faults)} {faults[:3]}")
    for name, found in rows.items():
        quarter = len(found) // 4
        early, late = found[quarter : 2 * quarter], found[-quarter:]
        for k, kind in enumerate(("MB", "files", "threads", "children")):
            first, last = (median(row[k] for row in some) for some in (early, late))
            print(f"{name:<6} {kind:<9} {first:8.0f} -> {last:8.0f}")
    codes = {}
    for name, process in processes.items():
        process.send_signal(signal.SIGINT)
        codes[name] = process.wait(60)
    print(f"ended with {codes}; left in the temporary folder: {sorted(temporary() - before)}")


if __name__ == "__main__":
    main()
