"""The tree is the diagram: the arrows between the package's parts go one way."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import shapecycle

ROOT = Path(shapecycle.__file__).parent


def _imported(source: str) -> Iterator[str]:
    """Name the parts that a module imports when it is loaded, as ``losses`` of ``losses.code``."""
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.ImportFrom) and statement.module:
            package, *inner = statement.module.split(".")
            if package == "shapecycle":
                yield from inner[:1] or (alias.name for alias in statement.names)


def _arrows() -> dict[str, set[str]]:
    """Say for every part of the package (a folder, or a file beside them) what it imports."""
    arrows: dict[str, set[str]] = {}
    for file in ROOT.rglob("*.py"):
        part = file.relative_to(ROOT).parts[0].removesuffix(".py")
        arrows.setdefault(part, set()).update(
            set(_imported(file.read_text(encoding="utf-8"))) - {part}
        )
    return arrows


def test_no_part_of_the_package_imports_itself_by_way_of_others() -> None:
    try:
        TopologicalSorter(_arrows()).prepare()
    except CycleError as fault:
        pytest.fail(f"the parts import each other in a ring: {' <- '.join(fault.args[1])}")


def test_losses_know_no_networks() -> None:
    assert _arrows()["losses"].isdisjoint({"image_to_code", "shape_to_code", "critics", "cycles"})
