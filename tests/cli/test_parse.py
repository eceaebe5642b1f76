"""The command line's first answers: help, versions, and unknown words."""

import subprocess
import sys

import pytest
from tiny_world import shapecycle

from shapecycle.cli.parse import COMMANDS


def test_parsing_imports_nothing_heavy() -> None:
    script = (
        "import sys, shapecycle, shapecycle.cli.parse, shapecycle.__main__\n"
        "heavy = {'torch', 'trimesh', 'numpy', 'scipy', 'PIL', 'warp', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_help_names_every_verb_with_examples_and_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom shapecycle.cli.parse import parse\n"
        "try:\n    parse(['--help'])\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "assert not {'torch', 'numpy', 'trimesh'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    for verb in COMMANDS:
        assert f"\n  {verb} " in done.stdout
    assert "Examples:" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_asking_for_nothing_or_for_help_is_answered_alike(arguments: list[str]) -> None:
    outcome = shapecycle(*arguments)
    assert outcome.code == 0
    assert outcome.out.startswith("shapecycle learns to translate")


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_verb_has_help(verb: str) -> None:
    outcome = shapecycle(verb, "--help")
    assert outcome.code == 0
    first = (COMMANDS[verb].__doc__ or "").splitlines()[0]
    assert " ".join(first.split()[:4]) in " ".join(outcome.out.split())


def test_the_version_is_the_packages() -> None:
    from importlib.metadata import version

    assert shapecycle("--version").out == f"shapecycle {version('shapecycle')}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "train, reconstruct"),
        (["generate", "run", "--out", "o", "--sampels", "3"], "--samples"),
        (["train", "--images", "a", "--shapes", "b", "--out", "o", "--minuts", "3"], "--minutes"),
        (["train", "--images", "a"], "--shapes"),
        (["train", "--imagse", "a"], "--imagse"),
        (["generate", "run", "--out", "o", "--samples", "three"], "three"),
        (["train", "--images", "a", "--shapes", "b", "--out", "o", "--preset", "huge"], "laptop"),
        (["generate", "run", "--out", "o", "--device", "tpu"], "cuda"),
        (["doctor", "--foo"], "--foo"),
    ],
)
def test_a_word_that_is_not_known_is_answered_with_one_that_is(
    arguments: list[str], message: str
) -> None:
    outcome = shapecycle(*arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err


def test_the_module_runs_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "shapecycle", "trian"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "trian" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_names_what_is_installed() -> None:
    outcome = shapecycle("doctor")
    assert outcome.code == 0
    for word in ("shapecycle", "PyTorch", "GPU", "rasteriser", "warp-lang", "mitsuba"):
        assert word in outcome.out
