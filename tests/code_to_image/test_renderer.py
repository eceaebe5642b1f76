"""Drawing: where things appear, what light does, and which gradients come back."""

from collections.abc import Callable
from math import radians

import pytest
import torch
from tiny_world import tiny_model

from shapecycle.camera import Pose, View, window_around
from shapecycle.code_to_image.compositing import (
    downsampled,
    premultiplied,
    resized,
    unpremultiplied,
)
from shapecycle.code_to_image.renderer import Renderer
from shapecycle.geometry.vectors import unit
from shapecycle.graphics_code import GraphicsCode, Texture
from shapecycle.model_networks import Networks

FOV_Y = radians(50)
WHITE = torch.zeros(1, 9, 3)
WHITE[:, 0] = 3.5449


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    torch.manual_seed(0)
    return Networks(tiny_model()).renderer


def _view(size: tuple[int, int] = (32, 32)) -> View:
    return View(torch.tensor([[0.0, 0.0, 1.0]]), size, FOV_Y)


def _pose(azimuth: float = 0.0, elevation: float = 0.0, x: float = 0.0, y: float = 0.0) -> Pose:
    return Pose(torch.tensor([[azimuth, elevation, 0.0]]), torch.tensor([[x, y, -1.5]]))


def _ball(renderer: Renderer) -> torch.Tensor:
    return renderer.deformation.template.vertices[None] * 0.3


def _side_coloured(renderer: Renderer, size: int = 64) -> torch.Tensor:
    """A texture that is red on the object's +x side, green on top, blue in front."""
    points, _ = renderer.surface(_ball(renderer), size)
    return (points * 2 + 0.4).clamp(0.05, 0.95).mT.reshape(1, 3, size, size)


def _paint(renderer: Renderer, pose: Pose, **changes: torch.Tensor) -> torch.Tensor:
    parts = {
        "vertices": _ball(renderer),
        "albedo": _side_coloured(renderer),
        "light": WHITE,
    } | changes
    return renderer.draw_surface(parts["vertices"], parts["albedo"], pose, parts["light"], _view())


def test_the_object_is_where_the_pose_puts_it(renderer: Renderer) -> None:
    rows = torch.arange(32.0)
    for x, y in ((0.3, 0.0), (-0.3, 0.0), (0.0, 0.3), (0.0, -0.3)):
        mask = renderer.silhouette(_ball(renderer), _pose(x=x, y=y), _view())[0, 0]
        column = (mask.sum(0) * rows).sum() / mask.sum() - 15.5
        row = (mask.sum(1) * rows).sum() / mask.sum() - 15.5
        assert (column > 2) == (x > 0)
        assert (column < -2) == (x < 0)
        assert (row < -2) == (y > 0), "row 0 is on top"
        assert (row > 2) == (y < 0)


def test_the_picture_shows_the_side_that_the_azimuth_names(renderer: Renderer) -> None:
    shown = {}
    for name, pose in {
        "front": _pose(),
        "back": _pose(torch.pi),
        "right": _pose(torch.pi / 2),
        "top": _pose(0.0, 1.5),
    }.items():
        shown[name] = _paint(renderer, pose)[0, :3, 14:18, 14:18].mean((1, 2))
    assert shown["front"][2] > 0.85
    assert shown["back"][2] < 0.1
    assert shown["right"][0] > 0.85
    assert shown["top"][1] > 0.85


def test_a_ball_covers_the_disc_that_perspective_makes_of_it(renderer: Renderer) -> None:
    view = View(torch.tensor([[0.0, 0.0, 1.0]]), (128, 128), FOV_Y)
    area = renderer.silhouette(_ball(renderer), _pose(), view).sum()
    slope = torch.tan(torch.tensor(FOV_Y / 2))
    radius = 0.3 / (1.5**2 - 0.3**2) ** 0.5 / slope * 64
    # Its 128 flat faces lie a little inside.
    assert 0.9 < area / (torch.pi * radius**2) < 1


def test_depth_is_the_distance_to_the_surface(renderer: Renderer) -> None:
    depth = renderer.depth(_ball(renderer), _pose(), _view((33, 33)))[0, 0]
    assert depth[16, 16] == pytest.approx(1.2, abs=0.01)
    assert depth[0, 0] == 0


def test_white_light_shows_the_albedo(renderer: Renderer) -> None:
    albedo = torch.full((1, 3, 32, 32), 0.4)
    picture = _paint(renderer, _pose(), albedo=albedo)[0]
    torch.testing.assert_close(
        picture[:3, 13:19, 13:19], torch.full((3, 6, 6), 0.4), atol=0.01, rtol=0
    )


def test_light_from_the_right_brightens_the_right(renderer: Renderer) -> None:
    light = WHITE.clone() * 0.5
    light[:, 3] = 0.5  # the x harmonic
    picture = _paint(renderer, _pose(), albedo=torch.full((1, 3, 32, 32), 0.5), light=light)[0]
    # The lamp does not turn with the object.
    turned = _paint(renderer, _pose(1.0), albedo=torch.full((1, 3, 32, 32), 0.5), light=light)[0]
    for seen in (picture, turned):
        assert seen[0, 16, 20] > seen[0, 16, 11] + 0.02


def test_texels_lie_on_the_drawn_surface_with_its_normals(renderer: Renderer) -> None:
    points, normals = renderer.surface(_ball(renderer), 16)
    assert points.shape == normals.shape == (1, 256, 3)
    torch.testing.assert_close(normals.norm(dim=2), torch.ones(1, 256))
    assert (normals * unit(points, dim=2)).sum(2).min() > 0.95


LOSSES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "coverage": lambda picture: picture[:, 3].sum(),
    "colour": lambda picture: picture[:, 0, 48:80, 48:80].mean(),
}


@pytest.mark.parametrize(
    ("loss", "part"),
    [
        ("coverage", "vertices"),
        ("coverage", "angles"),
        ("coverage", "translation"),
        ("colour", "vertices"),
        ("colour", "albedo"),
        ("colour", "light"),
        ("colour", "angles"),
    ],
)
def test_gradients_agree_with_small_changes(renderer: Renderer, loss: str, part: str) -> None:
    # An uneven body at a slant, so that nothing cancels by symmetry.
    generator = torch.Generator().manual_seed(0)
    vertices = _ball(renderer) * (1 + 0.2 * torch.rand(3, generator=generator))
    vertices = vertices * torch.tensor([0.6, 1.0, 1.4])
    light = WHITE * 0.6
    light[:, 1:4] = 0.3
    values = {
        "vertices": vertices,
        "albedo": _side_coloured(renderer, 16),
        "light": light,
        "angles": torch.tensor([[0.5, 0.3, 0.1]]),
        "translation": torch.tensor([[0.05, 0.02, -1.5]]),
    }

    def drawn(changed: torch.Tensor) -> torch.Tensor:
        parts = values | {part: changed}
        view = View(torch.tensor([[0.0, 0.0, 0.5]]), (128, 128), FOV_Y)
        pose = Pose(parts["angles"], parts["translation"])
        picture = renderer.draw_surface(
            parts["vertices"], parts["albedo"], pose, parts["light"], view
        )
        return LOSSES[loss](picture.double())

    start = values[part].clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(drawn(start), start)
    assert gradient.isfinite().all()
    # Along the gradient itself the change is largest; steps of about half a pixel.
    size = {"albedo": 0.02, "light": 0.02}.get(part, 0.008)
    step = gradient / gradient.abs().max() * size
    with torch.no_grad():
        change = (drawn(values[part] + step) - drawn(values[part] - step)) / 2
    expected = (gradient.double() * step.double()).sum()
    assert expected > 0
    assert change.item() == pytest.approx(expected.item(), rel=0.25)


def test_codes_get_gradients_through_the_whole_drawing() -> None:
    torch.manual_seed(0)
    model = Networks(tiny_model())
    generator = torch.Generator().manual_seed(0)

    def leaf(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator).requires_grad_(True)

    code = GraphicsCode(
        leaf(2, 8),
        Texture(leaf(2, 8)),
        Pose(leaf(2, 3), torch.tensor([[0.0, 0.0, -1.2]] * 2).requires_grad_(True)),
        (WHITE * 0.5).expand(2, 9, 3).clone().requires_grad_(True),
    )
    view = model.view(torch.tensor([[0.0, 0.0, 0.8]] * 2))
    picture = model.renderer.draw(code, view)
    assert picture.shape == (2, 4, 32, 32)
    leaves = [
        code.shape, code.texture.code, code.pose.angles, code.pose.translation, code.light
    ]  # fmt: skip
    weight = torch.randn(picture.shape, generator=generator)
    for leaf_, gradient in zip(
        leaves, torch.autograd.grad((picture * weight).sum(), leaves), strict=True
    ):
        assert gradient.shape == leaf_.shape
        assert gradient.isfinite().all()
        assert gradient.abs().amax(tuple(range(1, gradient.ndim))).min() > 0


def test_straight_and_premultiplied_undo_each_other() -> None:
    picture = torch.rand(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    picture[:, 3] = picture[:, 3].clamp(min=0.01)
    torch.testing.assert_close(unpremultiplied(premultiplied(picture)), picture, atol=1e-5, rtol=0)
    assert unpremultiplied(torch.zeros(1, 4, 2, 2)).abs().max() == 0


def test_a_wide_picture_shows_the_same_object_and_more_around_it(renderer: Renderer) -> None:
    square = renderer.silhouette(_ball(renderer), _pose(), _view((32, 32)))
    wide = renderer.silhouette(_ball(renderer), _pose(), _view((32, 48)))
    torch.testing.assert_close(wide[..., 8:40], square, atol=1e-4, rtol=0)
    assert wide[..., :8].max() == wide[..., 40:].max() == 0


def test_a_window_around_the_object_is_filled_by_it(renderer: Renderer) -> None:
    pose = _pose(x=0.3, y=-0.2)
    window = window_around(pose.place(_ball(renderer)), fov_y=FOV_Y, margin=0.0)
    mask = renderer.silhouette(_ball(renderer), pose, View(window, (32, 32), FOV_Y))[0, 0]
    for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]):
        assert edge.max() > 0.1
    assert mask.mean() > 0.7


def test_resizing_keeps_the_mean_and_whole_factors_are_block_averages() -> None:
    picture = torch.rand(1, 4, 24, 36, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(resized(picture, (12, 18)), downsampled(picture, 2))
    assert resized(picture, (24, 36)) is picture
    for size in ((13, 17), (50, 60)):
        other = resized(picture, size)
        assert other.shape[2:] == size
        assert other.mean().item() == pytest.approx(picture.mean().item(), abs=0.01)
