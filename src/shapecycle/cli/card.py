"""``shapecycle card``."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional


@dataclass(frozen=True)
class Card:
    """Print what a model was made of, what it holds of that, and how well it does.

    Example: shapecycle card cars
    """

    model: Positional[Path]
    """Run folder, model file, or a model that comes with the package (cars, chairs)."""

    def run(self) -> None:
        """Print the model card, in Markdown."""
        from shapecycle.model_file import load_model
        from shapecycle.train.card import card

        _, provenance, memory = load_model(self.model)
        print(card(provenance, memory), end="")
