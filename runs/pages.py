"""Write the pages of the documentation that are made from the code.

    python runs/pages.py

writes docs/commands.md and docs/settings.md. A test holds them against the code.
"""

import inspect
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from tyro.conf import Positional

from shapecycle.cli.parse import COMMANDS
from shapecycle.config import PRESETS, Settings, as_dict, load_settings
from shapecycle.settings_file import meanings, meanings_of

DOCS = Path(__file__).parent.parent / "docs"
MADE = "<!-- Made by runs/pages.py from the code. -->"
POSITIONAL = get_args(Positional[int])[1:]
"""What marks arguments that are given without a name."""


def commands_page() -> str:
    """Return the page of all verbs and their options."""
    lines = ["# Commands", MADE, "", "`shapecycle VERB --help` prints the same.", ""]
    for name, command in COMMANDS.items():
        lines += [f"## {name}", "", *_told(command), ""]
        lines += ["| option | takes | default | meaning |", "|---|---|---|---|"]
        lines += [_row(command, one) for one in _options(command)]
        lines.append("")
    return "\n".join(lines)


def settings_page() -> str:
    """Return the page of all settings, with their values by preset."""
    presets = {name: as_dict(load_settings(name)) for name in PRESETS}
    means = meanings()
    lines = [
        "# Settings",
        MADE,
        "",
        "`train --preset NAME` takes a column of these; `--config FILE` changes some of them by",
        "YAML, nested as the headings are:",
        "```",
        "train:",
        "  batch: 16",
        "```",
        "`shapecycle init IMAGES SHAPES` writes such a file with all of them; `train --dry-run`",
        "prints what a training would have.",
        "",
    ]
    for group, some in as_dict(Settings()).items():
        lines += [f"## {group}", ""]
        lines.append("| setting | " + " | ".join(presets) + " | meaning |")
        lines.append("|---" * (len(presets) + 2) + "|")
        for name in some:
            values = [_value(one[group][name]) for one in presets.values()]
            lines.append(f"| `{name}` | " + " | ".join(values) + f" | {means[f'{group}.{name}']} |")
        lines.append("")
    return "\n".join(lines)


def _told(command: Any) -> Iterator[str]:
    """Give what a verb's docstring says, its example as code."""
    text = inspect.cleandoc(command.__doc__ or "")
    for paragraph in text.split("\n\n"):
        words = " ".join(paragraph.split())
        if words.startswith("Example: "):
            yield f"```\n{words.removeprefix('Example: ')}\n```"
        else:
            yield f"{words}\n"


def _options(command: Any) -> Iterator[tuple[type, Field[Any]]]:
    """Give all options of a verb, those of its parts included, with the class that holds each."""
    for one in fields(command):
        kind = one.type if isinstance(one.type, type) else _hints(command)[one.name]
        bare = next((x for x in (kind, *get_args(kind)) if is_dataclass(x)), None)
        if bare is not None and isinstance(bare, type):
            yield from _options(bare)
        else:
            yield command, one


def _row(command: Any, option: tuple[type, Field[Any]]) -> str:
    owner, one = option
    kind = _hints(owner)[one.name]
    marks = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    is_positional = any(mark in POSITIONAL for mark in marks)
    name = one.name.upper() if is_positional else "--" + one.name.replace("_", "-")
    hint = next((x.help_behavior_hint for x in marks if hasattr(x, "help_behavior_hint")), None)
    default = str(hint or _default(one)).removeprefix("(default: ").removesuffix(")")
    cells = [f"`{name}`", _kind(kind), default, meanings_of(owner)[one.name]]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(one: Field[Any]) -> str:
    if one.default_factory is not MISSING:
        return _value(one.default_factory())
    return "required" if one.default is MISSING else _value(one.default)


def _kind(kind: Any) -> str:
    """Say what a value looks like."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _kind(inner[0])
    if origin is Literal:
        return ", ".join(map(str, inner))
    if origin in (Union, UnionType):
        return " or ".join(_kind(one) for one in inner if one is not type(None))
    if origin is tuple:
        return f"{_kind(inner[0])} ..."
    names = {Path: "path", int: "number", float: "number", str: "text", bool: "yes or no"}
    return names.get(kind, str(kind))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(map(_value, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _hints(owner: Any) -> dict[str, Any]:
    return get_type_hints(owner, include_extras=True)


PAGES = {"commands.md": commands_page, "settings.md": settings_page}


def main() -> None:
    """Write all pages."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
