"""The model card: it names what a model holds, whatever that is called."""

from remembering import memory_of

from shapecycle.memory.memory import Memory
from shapecycle.model_file import Provenance
from shapecycle.train.card import card

PROVENANCE = Provenance({}, 1234, ["12 pictures", "8 shapes"])


def test_everything_that_is_held_is_named() -> None:
    memory = memory_of(2, 3)
    text = card(PROVENANCE, memory)
    for one in (*memory.sources, *memory.donors):
        assert f"- {one.name}\n" in text
    assert "surfaces of 2 shapes" in text
    assert "1,234" in text
    assert "- 12 pictures\n- 8 shapes\n" in text


def test_a_model_without_memory_says_that_it_holds_nothing() -> None:
    text = card(PROVENANCE, Memory())
    assert "holds none of the training data" in text
    assert "strip" not in text
