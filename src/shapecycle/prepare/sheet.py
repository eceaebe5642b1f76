"""The contact sheet: one page with everything that was found, offenders first."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

SIDE = 128
"""Of a thumbnail, in pixels."""


@dataclass(frozen=True)
class Entry:
    """One file on the sheet.

    Attributes:
        name: Of the file.
        line: What it is.
        problems: What is odd about it.
        is_left_out: Whether it was not copied.
        thumbnail: A small picture of it; None where it cannot be read.
    """

    name: str
    line: str
    problems: Sequence[str]
    is_left_out: bool
    thumbnail: Image.Image | None

    @property
    def uri(self) -> str:
        """The thumbnail as a data URI; empty without one."""
        if self.thumbnail is None:
            return ""
        buffer = io.BytesIO()
        self.thumbnail.save(buffer, "PNG", optimize=True)
        return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def sheet_of(title: str, entries: Sequence[Entry]) -> str:
    """Return the page: no scripts, nothing from outside."""
    environment = Environment(
        loader=PackageLoader("shapecycle.prepare", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    ordered = sorted(entries, key=lambda one: (not one.is_left_out, not one.problems))
    odd = sum(bool(one.problems) for one in entries)
    return environment.get_template("sheet.html.j2").render(
        title=title, entries=ordered, odd=odd, side=SIDE
    )
