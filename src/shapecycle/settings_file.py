"""Settings in words: each with its meaning, as files and pages hold them."""

import ast
import inspect
from collections.abc import Mapping
from dataclasses import fields
from itertools import pairwise
from textwrap import dedent, wrap
from typing import Any

from shapecycle.config import Settings, as_dict

WIDTH = 96


def meanings_of(owner: type) -> dict[str, str]:
    """Return what each field of a class means: the text below it in the source."""
    (body,) = ast.parse(dedent(inspect.getsource(owner))).body
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for line, after in pairwise(body.body):
        if isinstance(line, ast.AnnAssign) and isinstance(after, ast.Expr):
            assert isinstance(line.target, ast.Name)
            assert isinstance(after.value, ast.Constant)
            found[line.target.id] = " ".join(str(after.value.value).split())
    return found


def meanings() -> dict[str, str]:
    """Return what every setting means, by its full name ("train.batch")."""
    groups = {group.name: type(getattr(Settings(), group.name)) for group in fields(Settings)}
    return {
        f"{group}.{name}": words
        for group, owner in groups.items()
        for name, words in meanings_of(owner).items()
    }


def commented(settings: Settings, chosen: Mapping[str, tuple[Any, str]], heading: str) -> str:
    """Return all settings as YAML: chosen ones as they are, all others commented out.

    Args:
        settings: The values of the others.
        chosen: Values and reasons, by full name.
        heading: What stands above them, in lines.
    """
    means, values = meanings(), as_dict(settings)
    # Names of folders may hold what YAML does not.
    plain = ("".join(x if x.isprintable() else "?" for x in line) for line in heading.split("\n"))
    lines = [f"# {line}".rstrip() for line in plain]
    for group, some in values.items():
        lines += ["", f"{group}:"]
        for name, value in some.items():
            full = f"{group}.{name}"
            for line in wrap(means[full], WIDTH - 4):
                lines.append(f"  # {line}")
            if full in chosen:
                new, reason = chosen[full]
                lines += [f"  # {line}" for line in wrap(reason, WIDTH - 4)]
                lines.append(f"  {name}: {_yaml(new)}")
            else:
                lines.append(f"  #{name}: {_yaml(value)}")
    return "\n".join([*lines, ""])


def _yaml(value: Any) -> str:
    import yaml

    text: str = yaml.safe_dump(value, default_flow_style=True)
    return text.removesuffix("...\n").strip()
