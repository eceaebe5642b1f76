"""The model card: what a model was made of, and what it holds of that."""

from collections.abc import Sequence
from importlib.metadata import version

from shapecycle.data.folders import counted
from shapecycle.memory.memory import Memory
from shapecycle.model_file import Provenance

CARD_NAME = "model_card.md"

SPEECH = """\
Made by shapecycle {version} from {images:,} pictures and shapes seen in training. It translates
masked photographs into textured meshes, and shapes into pictures, of the kind of object that it was
trained on; anything else it takes for one of them.
"""

HELD = """\
**The model file holds pieces of the training data**: {pieces}, which are in what it makes. Whoever
shares the model, or what it made, shares these with it: their owners' terms hold. `shapecycle
strip` writes the model without.
"""


def card(provenance: Provenance, memory: Memory) -> str:
    """Return the model card, in Markdown."""
    parts = [
        "# Model card\n",
        SPEECH.format(version=version("shapecycle"), images=provenance.images),
        *(_told(title, text) for title, text in provenance.card.items()),
        _listed("Training data", provenance.notes),
    ]
    if memory:
        parts += [
            HELD.format(pieces=held(memory)),
            _listed("Shapes", [one.name for one in memory.sources]),
            _listed("Photographs", [one.name for one in memory.donors]),
        ]
    else:
        parts.append("The model file holds none of the training data, only weights.\n")
    return "\n".join(part for part in parts if part)


def _told(title: str, text: object) -> str:
    """Return a section of a card: a text, or a table of numbers by row and column."""
    if not isinstance(text, dict):
        return f"## {title.capitalize()}\n{text}\n"
    columns = list(dict.fromkeys(name for row in text.values() for name in row))
    lines = [["", *columns], ["---"] * (1 + len(columns))]
    for name, row in text.items():
        lines.append([name, *(f"{row[k]:.4g}" if k in row else "" for k in columns)])
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return f"## {title.capitalize()}\n{table}"


def held(memory: Memory) -> str:
    """Say what a memory holds."""
    pieces = []
    if memory.sources:
        pieces.append(f"the surfaces of {counted(len(memory.sources), 'shapes')}")
    if memory.donors:
        pieces.append(f"the colours of {counted(len(memory.donors), 'photographs')}")
    return " and ".join(pieces)


def _listed(title: str, lines: Sequence[str]) -> str:
    """Return a section with a line for each."""
    if not lines:
        return ""
    # Names of files may hold anything: what is no text is shown as it is written in Python.
    shown = [line.encode("utf-8", "backslashreplace").decode() for line in lines]
    return f"## {title}\n" + "".join(f"- {' '.join(line.split())}\n" for line in shown)
