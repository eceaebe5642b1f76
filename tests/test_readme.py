"""The Python of README and documentation does what it says, as it stands there."""

import re
import shutil
from pathlib import Path

import pytest
from tiny_world import shapecycle

ROOT = Path(__file__).parent.parent


def _run_python_of(page: Path) -> None:
    """Run a page's Python blocks, each by itself."""
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.S)
    assert blocks
    for block in blocks:
        exec(compile(block, str(page), "exec"), {})


def test_the_python_about_the_rasteriser_runs() -> None:
    _run_python_of(ROOT / "docs" / "rasteriser.md")


def test_the_python_in_the_readme_runs(run: Path, world: Path, here: Path) -> None:
    shutil.copytree(run, "run")
    for name, picture in zip(
        ("photo.png", "other.png"), sorted((world / "images").iterdir()), strict=False
    ):
        shutil.copy(picture, name)
    assert shapecycle("reconstruct", "run", "photo.png", "--out", "seen").code == 0
    _run_python_of(ROOT / "README.md")
    _run_python_of(ROOT / "docs" / "python.md")
    assert (here / "photo.glb").stat().st_size > 1000


def test_every_public_name_can_be_had_and_says_what_it_is() -> None:
    import shapecycle as package

    for name in package.__all__:
        assert getattr(package, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing
