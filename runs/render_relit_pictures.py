"""Path-trace the held-out pictures of a demo world again: their albedo, and under another light.

    python runs/render_relit_pictures.py --out DIR [--world chairs] [--limit N] [--views N]

writes ``images`` (as `render_demo_pictures.py` renders them), ``albedo`` (the materials' own
colours from the same cameras) and ``relit`` (the same cameras under the sky of the next view)
under DIR, for `runs/relighting.py`. Needs the ``pictures`` extra.
"""

import argparse
from itertools import islice
from pathlib import Path

import numpy as np
import render_demo_pictures as demo
from PIL import Image

ALBEDO = {"type": "aov", "aovs": "albedo:albedo", "image": demo.INTEGRATOR}


def main() -> None:
    """Render what is missing under ``--out``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--world", choices=demo.WORLDS, default="cars")
    parser.add_argument("--limit", type=int, default=None, help="only so many objects")
    parser.add_argument("--views", type=int, default=demo.VIEWS, help="only so many views of each")
    arguments = parser.parse_args()
    world = demo.WORLDS[arguments.world]
    folders = [arguments.out / name for name in ("images", "albedo", "relit")]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    for seed in world.held_out[: arguments.limit]:
        subject = world.subject(seed)
        views = demo.sample_views(world, subject.mesh, seed)
        for k, view in enumerate(islice(views, arguments.views)):
            skies = [demo.sample_sky(np.random.default_rng([seed, 2, k + n])) for n in (0, 1)]
            number = seed * demo.VIEWS + k
            linear = demo.trace(subject, view, skies[0], number, ALBEDO)
            albedo = np.concatenate([linear[..., 4:], linear[..., 3:4]], 2)
            relit = demo.trace(subject, view, skies[1], number, demo.INTEGRATOR)
            pictures = (demo.to_bytes(linear[..., :4]), _encoded(albedo), demo.to_bytes(relit))
            for folder, picture in zip(folders, pictures, strict=True):
                Image.fromarray(picture).save(folder / f"{seed}_{k}.png", optimize=True)
            print(f"{seed}_{k}", flush=True)


def _encoded(premultiplied: np.ndarray) -> np.ndarray:
    """Encode linear premultiplied reflectance as straight-alpha sRGB bytes, without a roll-off."""
    alpha = np.clip(premultiplied[..., 3:], 0, 1)
    colour = np.clip(premultiplied[..., :3] / np.maximum(alpha, 1e-6), 0, 1)
    encoded = np.where(
        colour <= 0.0031308, 12.92 * colour, 1.055 * np.maximum(colour, 1e-9) ** (1 / 2.4) - 0.055
    )
    return np.round(np.concatenate([encoded * (alpha > 0.002), alpha], 2) * 255).astype(np.uint8)


if __name__ == "__main__":
    main()
