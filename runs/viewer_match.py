"""Do exported meshes look elsewhere as they are drawn here? Measured in three.js, in a browser.

    python runs/viewer_match.py MODEL PICTURE ... --out OUT

sees every picture, writes what `shapecycle export --formats html` writes, opens it in Chromium and
compares its canvas with the drawing in the picture's own pose, both of the same size:
IoU        of the silhouettes;
SSIM       over white, 7 x 7 windows;
flat       without light, where the texture is nearly of one colour within a few pixels: the 90 %
           quantile of the difference, in 255ths;
mirrored   IoU with the mirrored drawing, for scale.
"""

import argparse
import base64
import io
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import maximum_filter, minimum_filter

from shapecycle.cli.export import Exported, page_of
from shapecycle.image_to_code.heads import SHADING_ONE
from shapecycle.losses.image import structure_loss
from shapecycle.model import load

FLAGS = ["--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader"]
FLAT = 4 / 255
"""Greatest difference of colours within five pixels on a flat patch."""


def canvas_of(page: Any) -> np.ndarray:
    """Return the middle square of what the canvas shows."""
    uri = page.evaluate("document.getElementById('stage').toDataURL()")
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as picture:
        pixels = np.asarray(picture.convert("RGBA"), dtype=np.float32) / 255
    height, width = pixels.shape[:2]
    return pixels[:, (width - height) // 2 :][:, :height]


def over_white(picture: np.ndarray) -> np.ndarray:
    """Return a picture on white."""
    return np.asarray(picture[..., :3] * picture[..., 3:] + 1 - picture[..., 3:])


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    """Return the SSIM of two pictures on white."""
    pictures = [
        torch.from_numpy(np.concatenate([over_white(x), np.ones_like(x[..., :1])], 2))
        .permute(2, 0, 1)[None]
        .float()
        for x in (one, other)
    ]
    return 1 - 2 * float(structure_loss(*pictures))


def iou(one: np.ndarray, other: np.ndarray) -> float:
    """Return the overlap of two silhouettes."""
    first, second = one[..., 3] > 0.5, other[..., 3] > 0.5
    return float((first & second).sum() / max(1, (first | second).sum()))


def main() -> None:
    """Print a row for each picture, and their means."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True)
    model, rows = load(arguments.model), []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for picture in arguments.pictures:
            one = Exported.of(model, picture.stem, picture, "auto")
            camera = one.code.pose.camera_from_object()[0].double().numpy()
            file = arguments.out / f"{picture.stem}.html"
            file.write_text(page_of(model, one, model.mesh(one.code), camera), encoding="utf-8")
            page = browser.new_page(viewport={"width": 1200, "height": 900})
            page.goto(file.absolute().as_uri())
            page.wait_for_selector("body[data-ready]")
            theirs = canvas_of(page)
            side = theirs.shape[0]
            ours = model.draw(one.code, side)[0]
            page.check("#flat")
            flat = canvas_of(page)
            light = torch.zeros_like(one.code.light)
            light[:, 0] = SHADING_ONE
            even = model.draw(replace(one.code, light=light), side)[0]
            spread = maximum_filter(even, (5, 5, 1)) - minimum_filter(even, (5, 5, 1))
            patch = (spread.max(2) < FLAT) & (even[..., 3] > 0.99) & (flat[..., 3] > 0.99)
            off = np.abs(flat - even)[patch][:, :3].max(1) * 255
            rows.append(
                (
                    iou(ours, theirs),
                    similarity(ours, theirs),
                    float(np.quantile(off, 0.9)),
                    iou(ours[:, ::-1], theirs),
                )
            )
            both = np.concatenate([over_white(ours), over_white(theirs)], 1)
            pixels = (both.clip(0, 1) * 255).round().astype(np.uint8)
            Image.fromarray(pixels).save(arguments.out / f"{picture.stem}.png")
            page.close()
            print(f"{picture.stem:<20} " + "  ".join(f"{x:.3f}" for x in rows[-1]))
    mean, worst = np.mean(rows, axis=0), np.min(rows, axis=0)
    print(f"IoU {mean[0]:.3f} (least {worst[0]:.3f}), SSIM {mean[1]:.3f} (least {worst[1]:.3f})")
    print(f"flat patches within {np.max(rows, axis=0)[2]:.1f}, mirrored IoU {mean[3]:.3f}")


if __name__ == "__main__":
    main()
