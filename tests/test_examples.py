"""Examples in docstrings give what they say."""

import doctest
import importlib

import pytest

MODULES = ("export.cameras", "mesh", "graphics_code", "memory.directions")


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name: str) -> None:
    module = importlib.import_module(f"shapecycle.{name}")
    found = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted > 0
    assert found.failed == 0
