"""The page in one file: offline, escaped, and true to what the renderer draws."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import Browser, browsing, needs_chromium
from jaxtyping import Float
from remembering import carried_surface, plain_code, remembering_model, shape_codes
from torch import Tensor

from shapecycle.camera import Pose
from shapecycle.graphics_code import GraphicsCode
from shapecycle.image_to_code.heads import SHADING_ONE
from shapecycle.losses.image import structure_loss
from shapecycle.model import Model
from shapecycle.page.light import in_object_frame
from shapecycle.page.share import Shown, share_page
from shapecycle.rasterize import shade_sh

pytestmark = needs_chromium
HOSTILE = "</script><script>alert(1)</script>"


@pytest.fixture(scope="module")
def tab() -> Iterator[Callable[[], Browser]]:
    with browsing() as opened:
        yield opened


def lit_code(model: Model) -> GraphicsCode:
    """Return a code of a car that looks alike from no two sides, in light from one side."""
    code = plain_code(shape_codes(1), seed=3)
    light = code.light.clone()
    light[:, 3] = torch.tensor([0.9, 0.5, 0.2])
    light[:, 1] = 0.6
    pose = Pose(torch.tensor([[0.7, 0.35, 0.1]]), torch.tensor([[0.05, -0.03, -1.7]]))
    return replace(code, pose=pose, light=light, surface=carried_surface(model, [0]))


def shown_of(model: Model, code: GraphicsCode, name: str = "car") -> Shown:
    morphs = model.shape_morphs(code, 2)
    camera = code.pose.camera_from_object()[0].double().numpy()
    return Shown(
        name,
        model.mesh(code).to_glb(name=name, morphs=morphs),
        list(morphs),
        in_object_frame(code.light, code.pose),
        np.linalg.inv(camera),
        model.networks.fov_y,
        1.0,
    )


def opened(tab: Callable[[], Browser], folder: Path, shown: Shown) -> Browser:
    file = folder / "shared.html"
    file.write_text(share_page(shown), encoding="utf-8")
    browser = tab()
    browser.page.goto(file.as_uri())
    browser.page.wait_for_selector("body[data-ready]")
    return browser


def squared(canvas: Float[np.ndarray, "h w 4"]) -> Float[np.ndarray, "h h 4"]:
    """Return the middle of a canvas, of which the renderer draws the same frame."""
    height, width = canvas.shape[:2]
    start = (width - height) // 2
    return canvas[:, start : start + height]


def over_grey(picture: Float[np.ndarray, "h w 4"]) -> Float[Tensor, "1 4 h w"]:
    rgba = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
    return torch.cat([rgba[:, :3] * rgba[:, 3:], rgba[:, 3:]], 1)


def test_the_canvas_shows_what_the_renderer_draws(
    tab: Callable[[], Browser], tmp_path: Path
) -> None:
    model = remembering_model(3)
    code = lit_code(model)
    browser = opened(tab, tmp_path, shown_of(model, code))
    canvas = squared(browser.canvas())
    drawn = model.draw(code, canvas.shape[0])[0]
    inside = (canvas[..., 3] > 0.99) & (drawn[..., 3] > 0.99)
    both = (canvas[..., 3] > 0.5) & (drawn[..., 3] > 0.5)
    either = (canvas[..., 3] > 0.5) | (drawn[..., 3] > 0.5)
    assert both.sum() / either.sum() > 0.98
    assert np.median(np.abs(canvas - drawn)[inside][:, :3]) < 2 / 255
    assert float(structure_loss(over_grey(canvas), over_grey(drawn))) < 0.1
    mirrored = drawn[:, ::-1]
    assert (canvas[..., 3] > 0.5)[mirrored[..., 3] > 0.5].mean() < 0.95
    assert not browser.complaints
    browser.page.close()


def test_flat_colours_are_the_textures_own(tab: Callable[[], Browser], tmp_path: Path) -> None:
    model = remembering_model(3)
    code = lit_code(model)
    light = torch.zeros(1, 9, 3)
    light[:, 0] = SHADING_ONE
    browser = opened(tab, tmp_path, shown_of(model, code))
    browser.page.check("#flat")
    canvas = squared(browser.canvas())
    drawn = model.draw(replace(code, light=light), canvas.shape[0])[0]
    inside = (canvas[..., 3] > 0.99) & (drawn[..., 3] > 0.99)
    assert np.quantile(np.abs(canvas - drawn)[inside][:, :3], 0.9) <= 2 / 255
    browser.page.close()


def test_sliders_move_the_shape_and_the_light(tab: Callable[[], Browser], tmp_path: Path) -> None:
    model = remembering_model(3)
    browser = opened(tab, tmp_path, shown_of(model, lit_code(model)))
    before = browser.canvas()
    browser.page.locator("#shapes input").first.fill("3")
    moved = browser.canvas()
    assert ((before[..., 3] > 0.5) != (moved[..., 3] > 0.5)).any()
    browser.page.fill("#light", "120")
    assert np.abs(browser.canvas() - moved).max() > 0.05
    with browser.page.expect_download() as waited:
        browser.page.click("#download")
    waited.value.save_as(tmp_path / "taken.glb")
    assert (tmp_path / "taken.glb").read_bytes()[:4] == b"glTF"
    browser.page.close()


def test_nothing_is_asked_of_anybody_and_names_are_text(
    tab: Callable[[], Browser], tmp_path: Path
) -> None:
    model = remembering_model(3)
    browser = opened(tab, tmp_path, shown_of(model, lit_code(model), HOSTILE))
    assert browser.page.text_content("h1") == HOSTILE
    assert browser.page.title() == HOSTILE
    assert not browser.complaints
    assert not browser.asked_others_than("")
    browser.page.close()


def test_light_turns_with_the_object() -> None:
    pose = Pose(torch.tensor([[1.1, 0.4, -0.3]]), torch.tensor([[0.0, 0.0, -2.0]]))
    light = torch.randn(1, 9, 3, generator=torch.Generator().manual_seed(0))
    normals = torch.nn.functional.normalize(
        torch.randn(1, 50, 3, generator=torch.Generator().manual_seed(1)), dim=2
    )
    in_camera = normals @ pose.rotation().mT
    turned = torch.from_numpy(in_object_frame(light, pose)).float()[None]
    torch.testing.assert_close(
        shade_sh(normals, turned), shade_sh(in_camera, light), atol=1e-5, rtol=1e-5
    )
