"""Pages that are made from the code are as the code is, and the notebook runs."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
MADE: dict[str, Any] = runpy.run_path(str(ROOT / "runs" / "pages.py"))["PAGES"]


@pytest.mark.parametrize("name", MADE)
def test_made_pages_are_as_the_code_is(name: str) -> None:
    there = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert there == MADE[name](), "run python runs/pages.py"


def test_every_verb_is_told_of_somewhere_else_than_in_the_list() -> None:
    from shapecycle.cli.parse import COMMANDS

    pages = [path for path in (ROOT / "docs").glob("*.md") if path.name not in MADE]
    text = "\n".join(path.read_text(encoding="utf-8") for path in [*pages, ROOT / "README.md"])
    assert not [
        verb for verb in COMMANDS if f"`{verb}" not in text and f"shapecycle {verb}" not in text
    ]


def test_pages_in_the_order_of_the_site_are_all_pages() -> None:
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert pages == {line.split()[-1] for line in config.splitlines() if line.endswith(".md")}


def test_the_notebook_runs_cell_by_cell() -> None:
    book = json.loads((ROOT / "docs" / "tour.ipynb").read_text(encoding="utf-8"))
    assert sum(bool(cell.get("outputs")) for cell in book["cells"]) > 5
    names: dict[str, Any] = {}
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            assert not any(one["output_type"] == "error" for one in cell["outputs"])
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    assert names["off"] < 0.01
