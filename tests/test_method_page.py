"""The method page names what there is: weights, defaults, sizes, files, functions and tests."""

import ast
import re
import tomllib
from dataclasses import asdict, fields
from functools import cache
from pathlib import Path

import pytest
import yaml

from shapecycle.config import PRESETS, LossWeights, Settings, load_settings
from shapecycle.model_networks import Networks
from shapecycle.train.critics import critics_of

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "method.md"
MENTION = re.compile(r"`([\w./-]+\.py)(?:::([\w.]+))?`")
"""A file, and perhaps something in it: `a/b.py`, `a/b.py::Class.method`, `tests/b.py::test_c`."""


def _mentions(page: str) -> list[tuple[str, str]]:
    return MENTION.findall(page)


def _path(name: str) -> Path:
    """Say where a file of the page is: below the source, or below the root."""
    below = [folder / name for folder in (ROOT / "src" / "shapecycle", ROOT)]
    return next((path for path in below if path.is_file()), below[0])


@cache
def _names(path: Path) -> set[str]:
    """Name what a file defines: functions, classes, constants, and what classes hold."""
    found: set[str] = set()

    def add(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(prefix + node.name)
            if isinstance(node, ast.ClassDef):
                add(node.body, f"{prefix}{node.name}.")
            targets = [node.target] if isinstance(node, ast.AnnAssign) else []
            targets += node.targets if isinstance(node, ast.Assign) else []
            names = [leaf for target in targets for leaf in ast.walk(target)]
            found.update(prefix + leaf.id for leaf in names if isinstance(leaf, ast.Name))

    add(ast.parse(path.read_text(encoding="utf-8")).body, "")
    return found


def _missing(page: str) -> list[str]:
    """List what a page names that is not there."""
    missing = []
    for file, name in _mentions(page):
        path = _path(file)
        if not path.is_file():
            missing.append(file)
        elif name and name not in _names(path):
            missing.append(f"{file}::{name}")
    return missing


def _rows(page: str) -> dict[str, list[str]]:
    """Read all rows of all tables by their first cell; no two rows that are asked for share it."""
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rows(page: str) -> dict[str, list[str]]:
    return _rows(page)


def test_every_file_function_and_test_on_the_page_exists(page: str) -> None:
    assert _missing(page) == []
    named = [f"{file}::{name}" for file, name in _mentions(page) if name]
    assert sum(name.startswith("tests/") for name in named) > 50
    assert sum(not name.startswith("tests/") for name in named) > 50
    loose = re.sub(r"`[^`]*`|```.*?```", "", page, flags=re.S)
    assert not re.findall(r"\w+\.py\b|\btest_\w+", loose), "names stand between backticks"


@pytest.mark.parametrize(
    "gone",
    [
        "losses/nothing.py",
        "tests/losses/test_nothing.py",
        "losses/image.py::nothing",
        "camera.py::Pose.nothing",
        "tests/test_camera.py::test_nothing",
    ],
)
def test_what_is_not_there_is_noticed(gone: str) -> None:
    there = "`losses/image.py::colour_loss`, `camera.py::Pose.rotation`, `camera.py::NEAR`"
    assert _missing(f"{there} and `{gone}`") == [gone]


def test_every_weight_has_a_row_with_its_default(rows: dict[str, list[str]]) -> None:
    for field in fields(LossWeights):
        assert ast.literal_eval(rows[field.name][0]) == field.default, field.name


def test_every_default_on_the_page_is_the_settings(rows: dict[str, list[str]]) -> None:
    settings = Settings()
    listed = {name: row for name, row in rows.items() if name.startswith(("train.", "scenes."))}
    for name, row in listed.items():
        group, key = name.split(".")
        assert ast.literal_eval(row[0]) == getattr(getattr(settings, group), key), name
    known = {f"{group}.{key}" for group in ("train", "scenes") for key in asdict(settings)[group]}
    assert known - listed.keys() == {"train.panel_images", "train.checkpoint_minutes"}


def test_every_size_of_every_preset_is_on_the_page(rows: dict[str, list[str]]) -> None:
    for column, preset in enumerate(PRESETS):
        for name, value in asdict(load_settings(preset).model).items():
            assert ast.literal_eval(rows[f"model.{name}"][column]) == value, (preset, name)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_numbers_of_parameters_are_those_of_the_networks(
    preset: str, rows: dict[str, list[str]]
) -> None:
    settings = load_settings(preset)
    networks = Networks(settings.model, solve_modes=False)
    parts = {
        "image encoder": networks.image_encoder,
        "shape encoder": networks.shape_encoder,
        "deformation": networks.renderer.deformation,
        "texture decoder": networks.renderer.texture_decoder,
        "pose sampler": networks.pose_sampler,
        "all of a model": networks,
    }
    parts |= {f"{name} critic": critic for name, critic in critics_of(settings).items()}
    column = list(PRESETS).index(preset)
    for name, part in parts.items():
        count = sum(p.numel() for p in part.parameters())
        assert rows[name][column] == f"{count:,}", name


def test_the_citation_has_the_packages_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (citation["version"], citation["license"]) == (package["version"], package["license"])
