"""The tree is the diagram: imports between files go one way, those inside functions included."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import shapecycle

ROOT = Path(shapecycle.__file__).parent


def _name(file: Path) -> str:
    parts = ("shapecycle", *file.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


FILES = {_name(file): file for file in sorted(ROOT.rglob("*.py"))}


def _imported(source: str) -> Iterator[str]:
    """Name the files that one imports, wherever in it the import stands."""
    for statement in ast.walk(ast.parse(source)):
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names if alias.name in FILES)
        elif isinstance(statement, ast.ImportFrom) and statement.module in FILES:
            for alias in statement.names:
                inner = f"{statement.module}.{alias.name}"
                yield inner if inner in FILES else statement.module


def _arrows() -> dict[str, set[str]]:
    """Say of every file which others it imports."""
    sources = {name: file.read_text(encoding="utf-8") for name, file in FILES.items()}
    return {name: set(_imported(source)) - {name} for name, source in sources.items()}


def _ring(arrows: dict[str, set[str]]) -> str:
    """Return files that import each other in a ring, or nothing."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as fault:
        return " <- ".join(fault.args[1])
    return ""


def test_imports_inside_functions_count_and_rings_are_found() -> None:
    source = "def late() -> None:\n    from shapecycle import camera\n    import shapecycle.mesh\n"
    assert set(_imported(source)) == {"shapecycle.camera", "shapecycle.mesh"}
    assert _ring({"a": {"b"}, "b": {"c"}, "c": {"a"}})


def test_no_file_imports_itself_by_way_of_others() -> None:
    assert not _ring(_arrows())


def _room(name: str) -> str:
    return name.removeprefix("shapecycle.").split(".")[0]


def _rooms() -> dict[str, set[str]]:
    """Say of every folder, and of every file beside them, which others it imports."""
    rooms: dict[str, set[str]] = {}
    for name, others in _arrows().items():
        rooms.setdefault(_room(name), set()).update({_room(other) for other in others})
    return {room: others - {room} for room, others in rooms.items()}


def test_no_room_imports_itself_by_way_of_others() -> None:
    assert not _ring(_rooms())


@pytest.mark.parametrize("room", ["rasterize", "geometry", "losses", "priors", "data"])
def test_what_the_arrows_rest_on_imports_none_of_them(room: str) -> None:
    above = {"image_to_code", "shape_to_code", "code_to_image", "cycles", "train", "cli"}
    assert _rooms()[room].isdisjoint(above)
