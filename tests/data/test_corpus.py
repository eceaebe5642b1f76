"""Files that a fuzzer made of valid ones (`runs/fuzz.py`): each is read, or refused in words."""

import runpy
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from shapecycle.errors import ShapecycleError

CORPUS = Path(__file__).parent / "corpus"
FUZZ: dict[str, Any] = runpy.run_path(str(Path(__file__).parent.parent.parent / "runs" / "fuzz.py"))
FILES = sorted(path for path in CORPUS.iterdir() if path.is_file())


def test_there_are_some_for_every_loader() -> None:
    assert set(Counter(path.name.partition("-")[0] for path in FILES)) == set(FUZZ["LOADERS"])


@pytest.mark.parametrize("loader", FUZZ["LOADERS"])
def test_what_a_fuzzer_made_is_read_or_refused_in_words(
    loader: str, tmp_path: Path, unchecked: None
) -> None:
    load, seeds, _ = FUZZ["target"](loader, tmp_path)
    if loader != "model":  # it has the header alone
        load(seeds[0])
    for path in FILES:
        if path.name.startswith(f"{loader}-"):
            with suppress(ShapecycleError):
                load(path.read_bytes())
