"""Lay masked pictures on backgrounds of one colour and of many, and compare the masks of `prepare`.

    python runs/prepare_masks.py PICTURES [--every N]

prints how many masks on one colour overlap the true one (IoU) by .95, and how many pictures on many
colours were given a mask, which would be guessed.
"""

import argparse
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from shapecycle.data.backgrounds import on_background

SIZE, OBJECT = (480, 640), 384
NOISE = 2 / 255
QUALITY = 92


def main() -> None:
    """Print both shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--every", type=int, default=1)
    arguments = parser.parse_args()
    generator = np.random.default_rng(0)
    overlaps, guessed = [], 0
    files = sorted(arguments.pictures.glob("*.png"))[:: arguments.every]
    for file in files:
        with Image.open(file) as picture:
            side = (OBJECT, OBJECT)
            rgba = picture.convert("RGBA").resize(side, Image.Resampling.LANCZOS)
        true = np.zeros(SIZE, dtype=bool)
        top, left = (SIZE[0] - OBJECT) // 2, (SIZE[1] - OBJECT) // 2
        true[top : top + OBJECT, left : left + OBJECT] = np.asarray(rgba)[..., 3] > 127
        flat = np.broadcast_to(generator.uniform(size=3), (*SIZE, 3))
        flat = flat + NOISE * generator.normal(size=flat.shape)
        coarse = (generator.uniform(size=(12, 16, 3)) * 255).astype(np.uint8)
        many = Image.fromarray(coarse).resize(SIZE[::-1], Image.Resampling.BICUBIC)
        for background in (flat, np.asarray(many) / 255):
            found = on_background(_saved(background, rgba, (left, top)))
            if background is not flat:
                guessed += found is not None
            else:
                mask = np.zeros_like(true) if found is None else found > 0.5
                overlaps.append((mask & true).sum() / (mask | true).sum())
    good = np.mean(np.array(overlaps) >= 0.95)
    print(f"{len(files)} pictures on one colour: IoU .95 or more in {good:.1%}, median "
          f"{np.median(overlaps):.3f}, least {min(overlaps):.3f}")  # fmt: skip
    print(f"{guessed} of {len(files)} pictures on many colours were given a mask")


def _saved(
    background: Float[np.ndarray, "h w 3"], rgba: Image.Image, at: tuple[int, int]
) -> Float[np.ndarray, "3 h w"]:
    """Return what is left of a picture on a background after it was saved as JPEG."""
    from io import BytesIO

    picture = Image.fromarray((background.clip(0, 1) * 255).round().astype(np.uint8))
    picture.paste(rgba, at, rgba)
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    with Image.open(buffer) as read:
        return (np.asarray(read, dtype=np.float32) / 255).transpose(2, 0, 1)


if __name__ == "__main__":
    main()
