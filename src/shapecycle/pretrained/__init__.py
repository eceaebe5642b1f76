"""Trained models that come with the package, by name: ``cars`` and ``chairs``."""

from pathlib import Path

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Return the names of all models that are here."""
    return sorted(file.stem for file in FOLDER.glob("*.safetensors"))


def file_of(name: str) -> Path | None:
    """Return the file of a model; None if there is none of that name."""
    return FOLDER / f"{name}.safetensors" if name in names() else None
