"""Draw the pictures of docs/rasteriser.md, and print what they show in numbers.

python runs/rasteriser_pictures.py docs/rasteriser
"""

import argparse
from math import radians
from pathlib import Path

import numpy as np
import torch
import torch.autograd.forward_ad as forward_ad
import torch.nn.functional as F
from PIL import Image
from silhouette_gradients import Antialias, make, pixel_pairs, turn
from silhouette_gradients import draw as draw_shape
from torch import Tensor

from shapecycle import rasterize as rz
from shapecycle.camera import Pose, clip_from_camera
from shapecycle.losses.image import silhouette_loss, wide_silhouette_loss

FOV_Y = radians(40)
LIGHT = torch.tensor([2.2, 0.7, 0.5, 0.5, 0.1, 0.0, 0.1, -0.1, 0.0])[None, :, None]


def main() -> None:
    """Draw all pictures into a folder."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="where the pictures go")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    save(pipeline(), folder / "pipeline.png")
    save(outlines(), folder / "outlines.png")
    save(pulls(), folder / "pulls.png")
    save(floors(), folder / "mipmaps.png")


def project(points: Tensor, distance: float, angles: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Look at the origin: camera space, and clip space of a square picture."""
    pose = Pose(torch.tensor([[*angles, 0.0]]), torch.tensor([[0.0, 0.0, -distance]]))
    camera = pose.place(points)
    return camera, clip_from_camera(camera, torch.tensor([[0.0, 0.0, 1.0]]), fov_y=FOV_Y)


def pipeline(side: int = 48) -> Tensor:
    """Faces, texture coordinates, albedo, normals, light, and the antialiased picture."""
    points, topology = make("bumpy", 3)
    camera, clip = project(points, 3.4, (0.4, 0.3))
    seen = rz.rasterize(clip, topology, (side, side))
    palette = torch.rand(len(topology.faces) + 1, 3, generator=torch.Generator().manual_seed(0))
    palette[0] = 1.0
    uv = 0.5 + 0.42 * points[..., :2] + 0.1 * points[..., 2:]
    at = rz.interpolate(uv, clip, topology, seen)
    board = ((torch.arange(16)[:, None] + torch.arange(16)) % 2).float()
    colours = torch.stack([0.3 + 0.6 * board, 0.7 - 0.3 * board, 0.9 - 0.7 * board])[None]
    albedo = rz.texture(colours, at)
    normal = rz.interpolate(rz.vertex_normals(camera, topology), clip, topology, seen)
    normal = normal / normal.norm(dim=1, keepdim=True).clamp(min=1e-6)
    shade = rz.shade_sh(normal, LIGHT.expand(1, 9, 3)).clamp(min=0.03)
    linear = (rz.linear_from_srgb(albedo) * shade).clamp(1e-4, 1)
    mask = seen.mask[:, None].float()
    lit = torch.cat([rz.srgb_from_linear(linear) * mask, mask], 1)
    final = rz.antialias(lit, clip, topology, seen)

    def masked(picture: Tensor) -> Tensor:
        return picture * mask + 1 - mask

    steps = [
        palette[seen.face_id[0] + 1].permute(2, 0, 1)[None],
        masked(torch.cat([at, torch.zeros_like(at[:, :1])], 1)),
        masked(albedo),
        masked(0.5 + 0.5 * normal),
        masked(rz.srgb_from_linear((0.8 * shade).clamp(1e-4, 1))),
        final[:, :3] + 1 - final[:, 3:],
    ]
    return beside([enlarged(step, 4) for step in steps])


def outlines(side: int = 32) -> Tensor:
    """Coverage of a sphere's rim, and its change when the sphere moves right: four ways.

    No antialiasing, pixel pairs, the edge walk, and 16 x 16 samples per pixel.
    """
    points, topology = make("smooth", 3)
    values = torch.ones(1, points.shape[1], 1)
    step = 0.004

    def finely(offset: float) -> Tensor:
        moved = points + torch.tensor([offset, 0.0, 0.0])
        return draw_shape(moved, values, topology, side, 16, rz.antialias)

    def unblended(image: Tensor, *_: object) -> Tensor:
        return image

    pictures, changes = [], []
    for blend in (unblended, pixel_pairs, by_reference):
        picture, change = with_change(points, values, topology, side, blend)
        pictures.append(picture)
        changes.append(change)
    pictures.append(finely(0))
    changes.append((finely(step) - finely(-step)) / (2 * step))
    truth = changes[-1]
    for name, change in zip(("none", "pixel pairs", "edge walk"), changes, strict=False):
        share = float((change * truth).sum() / (truth * truth).sum())
        print(f"change of the rim, {name}: {100 * share:.0f} % of the true one")
    most = float(truth.abs().max())
    upper = beside([enlarged((1 - p).expand(1, 3, -1, -1), 6) for p in pictures])
    lower = beside([enlarged(signed(c / most), 6) for c in changes])
    return torch.cat([upper, torch.ones(1, 3, 6, upper.shape[3]), lower], 2)


def by_reference(image: Tensor, clip: Tensor, topology: rz.Topology, seen: rz.Visibility) -> Tensor:
    """Antialias by the reference, which also has forward derivatives."""
    return rz.antialias(image, clip, topology, seen, backend="torch")


def with_change(
    points: Tensor, values: Tensor, topology: rz.Topology, side: int, blend: Antialias
) -> tuple[Tensor, Tensor]:
    """Draw, and differentiate every pixel by the shape's x."""
    with forward_ad.dual_level():
        right = torch.tensor([1.0, 0.0, 0.0]).expand_as(points).contiguous()
        moving = forward_ad.make_dual(points, right)
        picture = draw_by_reference(moving, values, topology, side, blend)
        value, change = forward_ad.unpack_dual(picture)
        return value, torch.zeros_like(value) if change is None else change


def draw_by_reference(
    points: Tensor, values: Tensor, topology: rz.Topology, side: int, blend: Antialias
) -> Tensor:
    """Draw with PyTorch operations alone."""

    def spread(image: Tensor, clip: Tensor, top: rz.Topology, seen: rz.Visibility) -> Tensor:
        return blend(seen.mask[:, None].to(image.dtype), clip, top, seen)

    return draw_shape(points, values, topology, side, 1, spread, backend="torch")


def signed(change: Tensor) -> Tensor:
    """Red where something grows, blue where it shrinks, on white."""
    up, down = change.clamp(0, 1), (-change).clamp(0, 1)
    return 1 - torch.cat([down, up + down, up], 1)


def pulls(side: int = 64, steps: int = 80) -> Tensor:
    """Let a small ball walk to where it should be by its silhouette alone, four times in time.

    One row per loss: one level, averages over blocks, and the energy distance. Grey is the goal.
    """
    points, topology = make("smooth", 3)
    goal = torch.tensor([0.42, 0.3, 0.0])
    rows = []
    losses = {
        "one level": lambda drawn, mask: silhouette_loss(drawn, mask, 1),
        "6 levels of blocks": lambda drawn, mask: silhouette_loss(drawn, mask, 6),
        "energy distance": wide_silhouette_loss,
    }
    for name, loss in losses.items():
        offset = torch.tensor([-0.42, -0.3, 0.0], requires_grad=True)
        optimizer = torch.optim.Adam([offset], 0.03)
        frames = []
        mask = ball(points, topology, goal, side).detach()
        for step in range(steps + 1):
            drawn = ball(points, topology, offset * torch.tensor([1.0, 1.0, 0.0]), side)
            if step % (steps // 4) == 0:
                frames.append(enlarged((1 - 0.35 * mask - 0.65 * drawn.detach()), 2))
            optimizer.zero_grad()
            loss(drawn, mask).mean().backward()
            optimizer.step()
        distance = float((offset.detach() - goal)[:2].norm()) * side / 2.18
        print(f"{name}: {distance:.1f} px from the goal after {steps} steps")
        rows.append(beside([frame.expand(1, 3, -1, -1) for frame in frames], 0.8))
    gap = torch.full((1, 3, 6, rows[0].shape[3]), 0.8)
    return torch.cat([rows[0], gap, rows[1], gap, rows[2]], 2)


def ball(points: Tensor, topology: rz.Topology, offset: Tensor, side: int) -> Tensor:
    """Draw the coverage of a small ball."""
    _, clip = project(0.22 * points + offset, 3.0, (0.0, 0.0))
    seen = rz.rasterize(clip, topology, (side, side))
    return rz.antialias(seen.mask[:, None].float(), clip, topology, seen)


def floors(side: int = 64) -> Tensor:
    """A chequered floor: the finest level alone, all levels, and 16 x 16 samples."""
    corners = torch.tensor([[-30.0, 0, 9], [30, 0, 9], [30, 0, -60], [-30, 0, -60]])[None]
    topology = rz.Topology.from_faces(np.array([[0, 1, 2], [0, 2, 3]]))
    camera = corners @ turn(0.3, 0.0).T + torch.tensor([0.0, -1.0, 0.0])
    clip = clip_from_camera(camera, torch.tensor([[0.0, -0.4, 1.0]]), fov_y=FOV_Y)
    uv = corners[..., [0, 2]] * torch.tensor([0.5, -0.5])
    board = ((torch.arange(64)[:, None] // 32 + torch.arange(64) // 32) % 2).float()
    image = (0.2 + 0.7 * board).expand(1, 3, 64, 64)

    def shoot(size: int, mipmaps: bool) -> Tensor:
        seen = rz.rasterize(clip, topology, (size, size))
        at = rz.interpolate(uv, clip, topology, seen)
        slopes = rz.uv_slopes(uv, clip, topology, seen) if mipmaps else None
        mask = seen.mask[:, None].float()
        return rz.texture(image, at, wrap="repeat", slopes=slopes) * mask + 1 - mask

    finest = F.avg_pool2d(shoot(16 * side, False), 16)
    return beside([enlarged(p, 3) for p in (shoot(side, False), shoot(side, True), finest)])


def enlarged(picture: Tensor, factor: int) -> Tensor:
    """Show pixels as squares."""
    return F.interpolate(picture, scale_factor=factor, mode="nearest")


def beside(pictures: list[Tensor], grey: float = 1.0) -> Tensor:
    """Join pictures from left to right with a gap."""
    gap = torch.full((1, 3, pictures[0].shape[2], 6), grey)
    joined = [part for picture in pictures for part in (picture, gap)]
    return torch.cat(joined[:-1], 3)


def save(picture: Tensor, path: Path) -> None:
    """Write a picture as a PNG file."""
    pixels = picture[0].permute(1, 2, 0).clamp(0, 1).mul(255).round().byte().numpy()
    Image.fromarray(pixels).save(path, optimize=True)


if __name__ == "__main__":
    main()
