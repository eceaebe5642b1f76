"""Kill a training again and again, at any moment, and see that it goes on from its last state.

    python runs/kills.py OUT [--kills 200] [--seed 0]

trains on the demo's pictures and held-out shapes with tiny networks, saves every third of a second,
and is sent SIGKILL after a random time, then resumed. After each kill is looked at: whether the
last state can be read, whether it is at least as far as the last one before, and whether the
training goes on.
"""

import argparse
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from shapecycle.demo.world import cars_world
from shapecycle.train.checkpoint import load_state, seen_images

TINY = """
model: {image_size: 32, subdivisions: 4, shape_code_size: 8, texture_code_size: 8,
  texture_resolution: 32, shape_width: 16, image_width: 8, image_features: 16, texture_width: 8,
  critic_width: 8}
scenes: {photographed_shapes: 4}
train: {batch: 4, checkpoint_minutes: 0.005}
memory: {sources: 0, donors: 0}
"""
WITHIN = (3.0, 9.0)
"""Seconds after which the training is killed: while it loads, steps or saves."""


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    source = random.Random(arguments.seed)
    arguments.out.mkdir(parents=True)
    config, run = arguments.out / "tiny.yaml", arguments.out / "run"
    config.write_text(TINY)
    pictures = cars_world().pictures
    words = ["train", "--images", pictures / "train" / "images"]
    words += ["--shapes", pictures / "val" / "shapes", "--out", run, "--processes", "1"]
    begun = ["--config", config, "--total-images", "100000000"]
    unreadable = lost = failed = 0
    reached, states = 0, 0
    for number in range(arguments.kills):
        more = ["--resume"] if (run / "settings.json").exists() else begun
        command = [sys.executable, "-m", "shapecycle", *map(str, words), *map(str, more)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(source.uniform(*WITHIN))
        if process.poll() is not None:
            failed += 1
            print(f"{number}: ended by itself: {process.stderr.read().decode()[-300:]}")
            continue
        process.send_signal(signal.SIGKILL)
        process.wait()
        state = run / "state"
        if not any(state.glob("*.pt")):
            continue
        states += 1
        newest = max(state.glob("*.pt"))
        try:
            torch.load(newest, weights_only=True, map_location="cpu")
            load_state(state)
        except Exception as fault:
            unreadable += 1
            print(f"{number}: {newest} cannot be read: {fault}")
        seen = seen_images(state)
        lost += seen < reached
        reached = max(reached, seen)
    print(
        f"{arguments.kills} kills, {states} with a state: {unreadable} states unreadable, {lost} "
        f"went back, {failed} trainings did not go on; {reached:,} images seen"
    )


if __name__ == "__main__":
    main()
