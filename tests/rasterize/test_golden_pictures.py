"""Pictures that were looked at once and must not change: both implementations draw them.

``python tests/rasterize/test_golden_pictures.py`` draws them anew; look at each
before it is committed. A failing test leaves what it drew in pytest's temporary folder.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rasterize_scenes import bumpy, orthographic, perspective, sphere, turn
from torch import Tensor

from shapecycle.rasterize import (
    Topology,
    antialias,
    interpolate,
    rasterize,
    shade_sh,
    shade_textured,
    texture,
    uv_slopes,
    vertex_normals,
)

FOLDER = Path(__file__).parent / "golden"
SIZE = (48, 64)
LIGHT = torch.tensor([[2.2], [0.5], [0.5], [0.4], [0.1], [0.0], [0.1], [-0.1], [0.0]])


def light(items: int = 1) -> Tensor:
    return LIGHT.expand(items, 9, 3)


def with_coverage(colour: Tensor) -> Tensor:
    return torch.cat([colour, torch.ones_like(colour[..., :1])], -1)


def draw(clip: Tensor, values: Tensor, topology: Topology, backend: str, **options) -> Tensor:
    """Spread vertex values and antialias them: (b 4 h w)."""
    seen = rasterize(clip, topology, SIZE, backend=backend, **options)
    picture = interpolate(values, clip, topology, seen, backend=backend)
    return antialias(picture, clip, topology, seen, backend=backend)


def lit_colours(backend: str) -> Tensor:
    """A bumpy shape in the light, coloured by where its points are."""
    points, topology = bumpy(4)
    shade = shade_sh(vertex_normals(points, topology, backend=backend), light())
    return draw(perspective(points), with_coverage((0.5 + 0.5 * points) * shade), topology, backend)


def normals(backend: str) -> Tensor:
    """Normals as colours, of a sphere coarse enough to show its corners."""
    points, topology = sphere(1)
    values = with_coverage(0.5 + 0.5 * vertex_normals(points, topology, backend=backend))
    return draw(perspective(points), values, topology, backend)


def seams(backend: str) -> Tensor:
    """Every face shows its own corner of a lit texture."""
    points, topology = sphere(1)
    rows = torch.arange(len(topology.faces) * 3).reshape(-1, 3)
    uv = torch.tensor([[0.05, 0.05], [0.95, 0.05], [0.5, 0.95]]).repeat(len(topology.faces), 1)
    clip = perspective(points)
    seen = rasterize(clip, topology, SIZE, backend=backend)
    lit = shade_textured(
        gradient_board(),
        uv[None],
        vertex_normals(points, topology, backend=backend),
        light(),
        clip,
        topology,
        seen,
        uv_faces=rows,
        backend=backend,
    )
    return antialias(lit, clip, topology, seen, backend=backend)


def gradient_board() -> Tensor:
    """A texture that tells up from down and left from right, with a checkerboard in blue."""
    steps = torch.linspace(0, 1, 16)
    blue = ((torch.arange(16)[:, None] // 4 + torch.arange(16) // 4) % 2).float()
    return torch.stack([steps.expand(16, 16), 1 - steps[:, None].expand(16, 16), blue])[None]


def floor(backend: str, mipmaps: bool = True) -> Tensor:
    """A chequered floor that runs from behind the camera to the horizon, between levels."""
    corners = torch.tensor([[-30.0, -1, 9], [30, -1, 9], [30, -1, -60], [-30, -1, -60]])[None]
    topology = Topology.from_faces(np.array([[0, 1, 2], [0, 2, 3]]))
    uv = corners[..., [0, 2]] * torch.tensor([0.6, -0.6])
    clip = perspective(corners, far=100)
    seen = rasterize(clip, topology, SIZE, backend=backend)
    at = interpolate(uv, clip, topology, seen, backend=backend)
    slopes = uv_slopes(uv, clip, topology, seen, backend=backend) if mipmaps else None
    board = ((torch.arange(32)[:, None] // 16 + torch.arange(32) // 16) % 2).float()
    colour = texture(board.expand(1, 3, 32, 32), at, wrap="repeat", slopes=slopes)
    mask = seen.mask[:, None].float()
    picture = torch.cat([colour * mask, mask], 1)
    return antialias(picture, clip, topology, seen, backend=backend)


def second_layer(backend: str) -> Tensor:
    """What lies behind the first surface: the sphere's inside, and where two boards cross."""
    points, topology = sphere(2)
    boards = torch.tensor([[-1.2, -1, 1.0], [1.2, -1, -1.0], [1.2, 1, -1.0], [-1.2, 1, 1.0]])
    count = points.shape[1]
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]]) + count
    both = Topology.from_faces(torch.cat([topology.faces, faces]))
    points = torch.cat([0.8 * points, boards[None]], 1)
    values = with_coverage(torch.cat([0.5 + 0.5 * points[:, :count], 0 * boards[None] + 0.3], 1))
    clip = orthographic(0.8 * points)
    first = rasterize(clip, both, SIZE, backend=backend)
    return draw(clip, values, both, backend, behind=first)


def open_bowl(backend: str) -> Tensor:
    """A sphere without its upper part, from above; its inside is coloured otherwise."""
    points, topology = sphere(3)
    faces = topology.faces[(points[0, topology.faces, 1] < 0.3).all(1)]
    bowl = Topology.from_faces(faces)
    clip = perspective(turn(points, 0.2, 0.8))
    outside = draw(clip, with_coverage(points * 0 + 0.8), bowl, backend, cull=True)
    all_sides = draw(clip, with_coverage(0.5 + 0.4 * points), bowl, backend)
    return 0.5 * outside + 0.5 * all_sides


def different_meshes(backend: str) -> Tensor:
    """Two meshes of one batch, the second padded; drawn into one picture."""
    (a, first), (b, second) = bumpy(2), sphere(0)
    padded = torch.zeros(2, a.shape[1], 3)
    padded[0], padded[1, : b.shape[1]] = a[0], b[0]
    padded = 0.6 * padded + torch.tensor([[[-0.5, 0.0, 0.0]], [[0.5, 0.0, 0.0]]])
    stack = Topology.stack([first.faces, second.faces])
    shade = shade_sh(vertex_normals(padded, stack, backend=backend), light(2))
    return draw(perspective(padded), with_coverage(0.8 * shade), stack, backend).sum(0, True)


SCENES: dict[str, Callable[[str], Tensor]] = {
    scene.__name__: scene
    for scene in (lit_colours, normals, seams, floor, second_layer, open_bowl, different_meshes)
}


def as_bytes(picture: Tensor) -> np.ndarray:
    """A straight-alpha picture (h w 4) of a premultiplied one."""
    alpha = picture[0, 3:].clamp(0, 1)
    colour = (picture[0, :3] / alpha.clamp(min=1e-3)).clamp(0, 1) * (alpha > 1 / 512)
    pixels = torch.cat([colour, alpha]).permute(1, 2, 0)
    return (pixels * 255).round().to(torch.uint8).numpy()


@pytest.mark.parametrize("backend", ["torch", "auto"])
@pytest.mark.parametrize("scene", SCENES)
def test_the_picture_is_the_one_that_was_looked_at(scene, backend, tmp_path):
    """A rounding may flip a handful of pixels on another machine, and no more."""
    found = as_bytes(SCENES[scene](backend))
    expected = np.asarray(Image.open(FOLDER / f"{scene}.png"))
    assert found.shape == expected.shape
    # Colour counts by its coverage: straight colours of nearly empty pixels are mostly rounding.
    seen = np.maximum(found[..., 3:], expected[..., 3:]) / 255.0
    difference = np.abs(found.astype(float) - expected) * seen
    if (difference.max(2) > 4).sum() > 6 or difference.mean() > 0.15:
        Image.fromarray(found).save(tmp_path / f"{scene}-{backend}.png")
        pytest.fail(
            f"{scene} drawn by {backend}: {int((difference.max(2) > 4).sum())} pixels differ, by "
            f"{difference.max():.0f} at most; see {tmp_path}"
        )


def test_the_comparison_notices_half_a_pixel_of_shift():
    expected = np.asarray(Image.open(FOLDER / "normals.png")).astype(float)
    shifted = (expected[:, 1:] + expected[:, :-1]) / 2
    assert (np.abs(shifted - expected[:, 1:]).max(2) > 4).sum() > 100


def test_the_golden_pictures_are_small():
    files = list(FOLDER.glob("*.png"))
    assert {file.stem for file in files} == set(SCENES)
    assert sum(file.stat().st_size for file in files) < 200_000


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, scene in SCENES.items():
        Image.fromarray(as_bytes(scene("torch"))).save(FOLDER / f"{name}.png", optimize=True)
