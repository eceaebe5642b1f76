"""What an installation brings: permissive licences all the way down, no known holes."""

import re
import runpy
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent
LICENCES: dict[str, Any] = runpy.run_path(str(ROOT / "runs" / "licences.py"))
ADVISORIES = {
    "filelock": ("3.20.3", "CVE-2026-22701, CVE-2025-68146: links followed"),
    "h11": ("0.16.0", "CVE-2025-43859: requests smuggled in chunked bodies"),
    "idna": ("3.7", "CVE-2024-3651: quadratic time"),
    "jinja2": ("3.1.6", "CVE-2025-27516: out of the sandbox"),
    "pillow": ("12.2.0", "CVE-2026-42308 and those before: overflows"),
    "protobuf": ("6.31.1", "CVE-2025-4565: recursion"),
    "pyarrow": ("17.0.0", "CVE-2023-47248 and those after: code in files"),
    "pyyaml": ("5.4", "CVE-2020-14343: code in files"),
    "ray": ("2.52.0", "CVE-2025-62593: commands by a web page; tokens since then"),
    "requests": ("2.32.4", "CVE-2024-47081: passwords to other hosts"),
    "setuptools": ("78.1.1", "CVE-2025-47273: files outside the folder"),
    "starlette": ("1.3.1", "CVE-2025-62727 and those after: quadratic time"),
    "torch": ("2.11", "CVE-2025-32434, CVE-2026-24747, CVE-2026-4538: code in weights"),
    "urllib3": ("2.6.0", "CVE-2025-66418: unbounded decompression"),
}
"""First versions without the holes that are published, as of November 2026, by package: what an
audit on line (`make audit`) finds more of, belongs here."""


@pytest.mark.parametrize("name", sorted(LICENCES["brought"]()))
def test_a_dependency_is_permissive_and_on_the_page(name: str) -> None:
    expression = LICENCES["licence_of"](name)
    assert not LICENCES["not_permissive"](expression), f"{name} is under {expression}"
    page = LICENCES["PAGE"].read_text(encoding="utf-8")
    assert f"| {name} |" in page, "run python runs/licences.py"


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("MIT", []),
        ("Apache-2.0 WITH LLVM-exception AND BSD-2-Clause", []),
        ("GPL-3.0-only OR MIT", []),
        ("GPL-3.0-only", ["GPL-3.0-only"]),
        ("MIT AND LGPL-2.1-or-later", ["LGPL-2.1-or-later"]),
        ("unknown", ["unknown"]),
    ],
)
def test_licences_that_are_not_permissive_are_found(expression: str, wrong: list[str]) -> None:
    assert LICENCES["not_permissive"](expression) == wrong


@pytest.mark.parametrize("name", sorted(ADVISORIES))
def test_no_version_with_a_published_hole_is_installed_or_allowed(name: str) -> None:
    fixed, hole = ADVISORIES[name]
    try:
        found = version(name)
    except PackageNotFoundError:
        found = fixed
    assert Version(found) >= Version(fixed), f"{name} {found}: {hole}"
    for wanted in _requirements():
        if LICENCES["canonical"](wanted.name) == name:
            (least,) = re.findall(r">=([0-9.]+)", str(wanted.specifier))
            assert Version(least) >= Version(fixed), f"{wanted} allows {hole}"


def _requirements() -> list[Requirement]:
    """Return what the project asks for, always and by its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return [Requirement(line) for lines in groups for line in lines]
