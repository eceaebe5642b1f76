"""The page to play with a model, driven in a browser."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import trimesh
from browser import Browser, browsing, needs_chromium, served
from PIL import Image
from remembering import remembering_model
from tiny_world import small_car

from shapecycle.demo.cars import write_ply
from shapecycle.page.view import view_application
from shapecycle.page.workspace import Workspace

pytestmark = needs_chromium
NAME = "<img src=x onerror=alert(1)>.png"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    workspace = Workspace(remembering_model(3, 3), "<b>cars</b>")
    with served(lambda port: view_application(workspace, port)) as address:
        yield address


@pytest.fixture(scope="module")
def opened() -> Iterator[Callable[[], Browser]]:
    with browsing() as opened:
        yield opened


@pytest.fixture
def tab(address: str, opened: Callable[[], Browser]) -> Iterator[Browser]:
    tab = opened()
    tab.after(lambda: tab.page.goto(address))
    yield tab
    assert not tab.complaints
    assert not tab.asked_others_than(address)
    tab.page.close()


def picture(colour: tuple[int, int, int]) -> bytes:
    pixels = np.zeros((48, 64, 4), np.uint8)
    pixels[14:34, 16:48] = (*colour, 255)
    pixels[10:14, 20:36] = (*colour, 255)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def give(tab: Browser, name: str, contents: bytes) -> Callable[[], object]:
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": contents}
    return lambda: tab.page.set_input_files("#file", [file])


def drop(tab: Browser, name: str, contents: bytes) -> None:
    """Drop a file on the page, as a hand does."""
    transfer = tab.page.evaluate_handle(
        """([name, bytes]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], name));
          return transfer;
        }""",
        [name, list(contents)],
    )
    tab.page.dispatch_event("main", "drop", {"dataTransfer": transfer})


def test_a_dropped_photograph_becomes_a_mesh_that_can_be_taken_home(
    tab: Browser, tmp_path: Path
) -> None:
    before = tab.canvas()
    tab.after(lambda: drop(tab, "red.png", picture((200, 40, 40))))
    assert np.abs(tab.canvas() - before).max() > 0.1
    for image in ("#input", "#mask", "#drawn"):
        assert tab.page.get_attribute(image, "src").startswith("data:image/png")
    assert tab.page.locator("#poses button").count() == 4
    files = {}
    for link in ("#glb", "#png", "#json"):
        with tab.page.expect_download() as waited:
            tab.page.click(link)
        assert waited.value.suggested_filename == f"red.{link[1:]}"
        files[link] = tmp_path / link[1:]
        waited.value.save_as(files[link])
    mesh = trimesh.load(files["#glb"], file_type="glb", force="mesh", process=False)
    assert len(mesh.faces) > 100
    with Image.open(files["#png"]) as drawn:
        assert drawn.size == (64, 48)
    assert json.loads(files["#json"].read_text())["size"] == [48, 64]


def test_sliders_locks_swaps_and_hypotheses_change_what_is_shown(tab: Browser) -> None:
    tab.after(give(tab, "red.png", picture((200, 40, 40))))
    tab.after(give(tab, "blue.png", picture((40, 40, 200))))
    first, seen = tab.shown(), tab.canvas()
    for name in ("shape-1", "texture-1", "light-1"):
        slider = tab.page.locator(f"input[name={name}]")
        slider.evaluate("(slider) => { slider.closest('details').open = true; }")
        moved = tab.after(lambda slider=slider: slider.fill("3"))
        assert moved != first
    assert np.abs(tab.canvas() - seen).max() > 0.05
    tab.after(lambda: tab.page.get_by_text("All to 0").click())
    assert np.abs(tab.canvas() - seen).max() < 0.02
    blue = tab.canvas()
    tab.after(lambda: tab.page.select_option("select[name=texture]", label="red.png"))
    red = tab.canvas()
    on_both = (red[..., 3] == 1) & (blue[..., 3] == 1)
    assert red[on_both][:, 0].mean() > blue[on_both][:, 0].mean()
    tab.page.check("input[name=lock-shape]")
    tab.after(lambda: tab.page.click("#shuffle"))
    assert tab.page.input_value("select[name=shape]") != ""
    assert tab.page.input_value("select[name=pose]") == ""
    tab.after(lambda: tab.page.select_option("select[name=pose]", label="blue.png"))
    tab.after(lambda: tab.page.locator("#poses button").nth(1).click())


def test_keypoints_are_shown_and_hidden(tab: Browser) -> None:
    bare = tab.canvas()
    tab.page.check("#points")
    tab.until("viewer.points.children.length === 16")
    assert np.abs(tab.canvas() - bare).max() > 0.1
    tab.page.uncheck("#points")
    tab.until("viewer.points.children.length === 0")
    assert np.abs(tab.canvas() - bare).max() < 0.01


def test_a_mesh_is_read_and_worn_by_a_photographs_colours(tab: Browser, tmp_path: Path) -> None:
    write_ply(tmp_path / "car.ply", small_car(5))
    tab.after(give(tab, "red.png", picture((200, 40, 40))))
    tab.after(give(tab, "car.ply", (tmp_path / "car.ply").read_bytes()))
    assert tab.page.input_value("select[name=texture]") == ""
    tab.after(lambda: tab.page.select_option("select[name=texture]", label="red.png"))
    shown = tab.canvas()
    solid = shown[shown[..., 3] == 1]
    assert solid[:, 0].mean() > solid[:, 2].mean()


def test_names_are_text_and_faults_are_told(tab: Browser) -> None:
    assert tab.page.text_content("h1") == "<b>cars</b>"
    tab.after(give(tab, NAME, picture((10, 200, 30))))
    assert NAME in tab.page.text_content("#inputs")
    assert tab.page.locator("#inputs img[onerror]").count() == 0
    give(tab, "photo.png", b"no picture")()
    tab.until("document.getElementById('fault').textContent")
    assert "photo.png" in tab.page.text_content("#fault")
    tab.complaints = [one for one in tab.complaints if "422" not in one]


def test_tabs_do_not_mix(tab: Browser, address: str, opened: Callable[[], Browser]) -> None:
    other = opened()
    other.after(lambda: other.page.goto(address))
    tab.after(give(tab, "red.png", picture((200, 40, 40))))
    other.after(give(other, "blue.png", picture((40, 40, 200))))
    assert tab.page.text_content("#inputs") == "red.png"
    assert other.page.text_content("#inputs") == "blue.png"
    red, blue = tab.canvas(), other.canvas()
    assert red[red[..., 3] == 1][:, 0].mean() > red[red[..., 3] == 1][:, 2].mean()
    assert blue[blue[..., 3] == 1][:, 2].mean() > blue[blue[..., 3] == 1][:, 0].mean()
    other.page.close()
