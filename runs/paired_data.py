"""Are drawings worth as much as photographs to another network? An azimuth regressor says.

    shapecycle synthesize RUN --count 5000 --size 128 --out DRAWN
    python runs/random_scenes.py RUN SHAPES RANDOM --views 34
    python runs/paired_data.py TRUE --drawn DRAWN --random RANDOM [--steps 3000] [--seed 0]

TRUE holds another renderer's pictures and their cameras.json, as `render_demo_pictures.py` writes
them. A small network learns azimuths from each set, always with the same steps, and is tested on
all pictures of TRUE; in five folds by object it also learns from TRUE itself. Prints errors in
degrees: median, mean, and the share under 30.
"""

import argparse
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from shapecycle.data.photos import crop, load_photo, window_of
from shapecycle.data.shards import read_shard
from shapecycle.evaluate.pose import azimuth_of, read_cameras
from shapecycle.evaluate.scores import object_of

SIDE, BATCH, FOLDS = 64, 64, 5


def main() -> None:
    """Print a row for each set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("true", type=Path)
    parser.add_argument("--drawn", type=Path, nargs="*", default=[])
    parser.add_argument("--random", type=Path, nargs="*", default=[])
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    steps, seed = arguments.steps, arguments.seed
    pictures, angles, objects = of_folder(arguments.true)
    report("another renderer", len(pictures), folds(pictures, angles, objects, steps, seed))
    for folders, load in ((arguments.random, of_folder), (arguments.drawn, of_shards)):
        for folder in folders:
            some, theirs, _ = load(folder)
            network = trained(some, theirs, steps, seed)
            report(str(folder), len(some), errors(network, pictures, angles))


def report(name: str, count: int, error: Tensor) -> None:
    """Print what a network that learnt from a set makes."""
    degrees = error.rad2deg()
    under = (degrees < 30).float().mean()
    print(
        f"{name} ({count}): median {degrees.median():.1f}, mean {degrees.mean():.1f}, {under:.3f}"
    )


def of_folder(folder: Path) -> tuple[Tensor, Tensor, list[str]]:
    """Load pictures, azimuths and the objects' names."""
    cameras = read_cameras(folder / "cameras.json")
    files = [x for x in sorted((folder / "images").glob("*.png")) if x.stem in cameras]
    pictures = [cropped(load_photo(file).rgba) for file in files]
    angles = azimuth_of(np.stack([cameras[file.stem] for file in files]))
    return (
        torch.stack(pictures),
        torch.from_numpy(angles).float(),
        [object_of(file.name) or file.stem for file in files],
    )


def of_shards(folder: Path) -> tuple[Tensor, Tensor, list[str]]:
    """The same of what `synthesize` wrote."""
    pictures, angles, objects = [], [], []
    for path in sorted(folder.glob("pictures-*.tar")):
        for _, files in read_shard(path):
            record = json.loads(files["json"])
            pixels = np.asarray(Image.open(io.BytesIO(files["image.png"])), dtype=np.float32) / 255
            pictures.append(cropped(pixels.transpose(2, 0, 1)))
            angles.append(record["azimuth"])
            objects.append(str(record["object"]))
    return torch.stack(pictures), torch.tensor(angles), objects


def cropped(rgba: np.ndarray) -> Tensor:
    """Cut a picture to its mask; colours are multiplied by it."""
    found = torch.from_numpy(crop(rgba, window_of(rgba[3], 0.1), SIDE)).float()
    return torch.cat([found[:3] * found[3:], found[3:]])


def network_of(seed: int) -> nn.Module:
    """Four convolutions and a direction."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for channels, following in ((4, 32), (32, 64), (64, 128), (128, 128)):
        layers += [nn.Conv2d(channels, following, 3, 2, 1), nn.GroupNorm(8, following), nn.SiLU()]
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(128 * 16, 256), nn.SiLU(), nn.Linear(256, 2)
    )


def trained(pictures: Tensor, angles: Tensor, steps: int, seed: int) -> nn.Module:
    """Learn azimuths, with shifts, gains and mirror images."""
    network, generator = network_of(seed), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=steps)
    for some, wanted in batches(pictures, angles, steps, generator):
        found = network(some)
        target = torch.stack([wanted.sin(), wanted.cos()], 1)
        loss = (F.normalize(found, dim=1) - target).square().sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


def batches(
    pictures: Tensor, angles: Tensor, steps: int, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Give augmented pictures and their azimuths."""
    for _ in range(steps):
        pick = torch.randint(len(pictures), (BATCH,), generator=generator)
        some, wanted = pictures[pick], angles[pick]
        mirror = torch.rand(BATCH, generator=generator) < 0.5
        some = torch.where(mirror[:, None, None, None], some.flip(3), some)
        wanted = torch.where(mirror, -wanted, wanted)
        gain = 0.7 + 0.6 * torch.rand(BATCH, 3, 1, 1, generator=generator)
        some = torch.cat([(some[:, :3] * gain).clamp(0, 1), some[:, 3:]], 1)
        x, y = torch.randint(-3, 4, (2,), generator=generator).tolist()
        yield some.roll((x, y), (3, 2)), wanted


@torch.no_grad()
def errors(network: nn.Module, pictures: Tensor, angles: Tensor) -> Tensor:
    """Return how far off azimuths are, in radians."""
    found = torch.cat([network(some) for some in pictures.split(256)])
    away = torch.atan2(found[:, 0], found[:, 1]) - angles
    return torch.atan2(away.sin(), away.cos()).abs()


def folds(pictures: Tensor, angles: Tensor, objects: list[str], steps: int, seed: int) -> Tensor:
    """Learn from four fifths of the objects, and test on the others, five times."""
    names = sorted(set(objects))
    fold = torch.tensor([names.index(name) % FOLDS for name in objects])
    found = torch.empty(len(pictures))
    for k in range(FOLDS):
        network = trained(pictures[fold != k], angles[fold != k], steps, seed)
        found[fold == k] = errors(network, pictures[fold == k], angles[fold == k])
    return found


if __name__ == "__main__":
    main()
