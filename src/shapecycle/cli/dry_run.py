"""``shapecycle train --dry-run``: what a training would be, without doing it."""

from shapecycle.config import Settings, as_dict


def dry_run(settings: Settings) -> None:
    """Print the settings and what they mean in parameters and memory."""
    import yaml
    from torch import nn

    from shapecycle.critics.networks import CodeCritic, PictureCritic
    from shapecycle.model import Networks

    print(yaml.safe_dump(as_dict(settings), sort_keys=False))
    model = settings.model
    networks = Networks(model)
    critics = [
        PictureCritic(channels=4, size=model.image_size, width=model.critic_width),
        PictureCritic(channels=3, size=model.texture_resolution, width=model.critic_width),
        CodeCritic(code_size=model.shape_code_size),
    ]
    counts: dict[str, list[nn.Module]] = {
        "shape encoder": [networks.translator.reader],
        "image encoder": [networks.translator.seer],
        "deformation": [networks.translator.drawer.deformation],
        "texture decoder": [networks.translator.drawer.texture_decoder],
        "critics": critics,
    }
    total = 0
    for name, modules in counts.items():
        number = sum(p.numel() for module in modules for p in module.parameters())
        total += number
        print(f"{name:<16} {number:>12,} parameters")
    print(f"{'all':<16} {total:>12,} parameters, {16 * total / 1e6:.0f} MB with optimiser state")
