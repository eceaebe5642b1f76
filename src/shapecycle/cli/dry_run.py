"""``shapecycle train --dry-run``: what a training would be, without doing it."""

import yaml
from torch import nn

from shapecycle.config import Settings, as_dict
from shapecycle.model_networks import Networks
from shapecycle.train.benchmark import benchmark
from shapecycle.train.computing import Computing
from shapecycle.train.critics import critics_of
from shapecycle.train.schedule import stage_shares


def dry_run(settings: Settings, computing: Computing) -> None:
    """Print the settings and what they mean in parameters, memory and time."""
    print(yaml.safe_dump(as_dict(settings), sort_keys=False))
    total = 0
    for name, modules in _parts(settings).items():
        number = sum(p.numel() for module in modules for p in module.parameters())
        total += number
        print(f"{name:<16} {number:>12,} parameters")
    print(f"{'all':<16} {total:>12,} parameters, {16 * total / 1e6:.0f} MB with optimizer state")
    print(computing)
    with computing.applied():
        _print_cost(settings, computing)


def _parts(settings: Settings) -> dict[str, list[nn.Module]]:
    networks = Networks(settings.model)
    return {
        "shape encoder": [networks.shape_encoder],
        "image encoder": [networks.image_encoder],
        "deformation": [networks.renderer.deformation],
        "texture decoder": [networks.renderer.texture_decoder],
        "pose sampler": [networks.pose_sampler],
        "critics": list(critics_of(settings).values()),
    }


def _print_cost(settings: Settings, computing: Computing) -> None:
    """Measure some steps, and say what was measured and what was only concluded from it."""
    shares = dict(stage_shares(settings.train))
    cost = benchmark(settings, list(shares), computing.device)
    alone = f" in one of {computing.processes} processes" if computing.processes > 1 else ""
    batch = settings.train.batch
    megabytes = cost.kept_bytes * batch / cost.batch / 1e6
    print(
        f"\nmeasured here on {computing.device}{alone}, by a few steps of batch {cost.batch} "
        "with made-up\npictures and shapes of 2,048 faces:"
    )
    print(
        f"{'memory':<16} about {megabytes:,.0f} MB of activations for a step of batch {batch}: "
        "what is kept for the\n"
        f"{'':<16} backward pass, in proportion to the batch; the data, the libraries and "
        "buffers inside\n"
        f"{'':<16} single operations come on top"
    )
    for name, speed in cost.images_per_second.items():
        print(f"{name:<16} {speed:>12,.1f} images per second")
    # Shares are of images where images are counted: times add up.
    mean = 1 / sum(shares[name] / speed for name, speed in cost.images_per_second.items())
    hours = settings.train.total_images / mean / 3600
    fewer = f", fewer as {computing.processes} share the work" if computing.processes > 1 else ""
    print(
        f"{'all':<16} {mean:>12,.1f} images per second: {hours:,.1f} hours for total_images{fewer}"
    )
