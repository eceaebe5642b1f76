"""Settings in words: each with its meaning, as files and pages hold them."""

import ast
import inspect
from collections.abc import Mapping
from dataclasses import fields
from itertools import pairwise
from textwrap import wrap
from typing import Any

from shapecycle import config
from shapecycle.config import Settings, as_dict

WIDTH = 96


def meanings() -> dict[str, str]:
    """Return what every setting means, by its full name ("train.batch"): its line in the source."""
    tree = ast.parse(inspect.getsource(config))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    found: dict[str, str] = {}
    for group in fields(Settings):
        kind = type(getattr(Settings(), group.name)).__name__
        body = classes[kind].body
        for line, after in pairwise(body):
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                assert isinstance(after, ast.Expr)
                assert isinstance(after.value, ast.Constant)
                words = " ".join(str(after.value.value).split())
                found[f"{group.name}.{line.target.id}"] = words
    return found


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
