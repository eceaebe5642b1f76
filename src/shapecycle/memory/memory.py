"""What a model remembers: sources, and how they lie in its file."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from shapecycle.memory.source import LEVELS, Source

PREFIX = "memory."
"""What the names of its tensors in a model file begin with."""
UV_LEVELS = 2**16 - 1


@dataclass(frozen=True, eq=False)
class Memory:
    """What a model remembers of the folders it was trained on.

    Attributes:
        sources: Shapes that can be carried to others.
    """

    sources: tuple[Source, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.sources)

    def tensors(self) -> dict[str, Tensor]:
        """Return all of it, quantised, by names that begin with ``PREFIX``."""
        if not self:
            return {}
        parts = {
            "codes": torch.stack([one.code for one in self.sources]).half(),
            "vertices": torch.cat(
                [(one.vertices * LEVELS).round() for one in self.sources]
            ).short(),
            "faces": torch.cat([one.faces for one in self.sources]).short(),
            "uv": (
                (torch.cat([one.uv for one in self.sources]) * UV_LEVELS).round() - 2**15
            ).short(),
            "uv_faces": torch.cat([one.uv_faces for one in self.sources]).short(),
            "counts": torch.tensor(
                [[len(one.vertices), len(one.faces), len(one.uv)] for one in self.sources]
            ),
            "names": _bytes("\n".join(one.name for one in self.sources)),
        }
        return {PREFIX + name: part for name, part in parts.items()}

    @staticmethod
    def of(tensors: Mapping[str, Tensor]) -> "Memory":
        """Restore what `tensors` returned; nothing where there is none.

        Raises:
            ValueError: If tensors are missing, or do not fit together.
        """
        found = {k.removeprefix(PREFIX): v for k, v in tensors.items() if k.startswith(PREFIX)}
        if not found:
            return Memory()
        try:
            counts = found["counts"].tolist()
            names = bytes(found["names"].tolist()).decode().split("\n")
            splits = [list(column) for column in zip(*counts, strict=True)]
            vertices, faces, uv, uv_faces = (
                found[name].long().split(splits[k])
                for name, k in (("vertices", 0), ("faces", 1), ("uv", 2), ("uv_faces", 1))
            )
            sources = tuple(
                Source(
                    name,
                    code,
                    v.float() / LEVELS,
                    f % 2**16,
                    (t.float() + 2**15) / UV_LEVELS,
                    g % 2**16,
                )
                for name, code, v, f, t, g in zip(
                    names, found["codes"].float(), vertices, faces, uv, uv_faces, strict=True
                )
            )
        except (KeyError, TypeError, RuntimeError, UnicodeDecodeError) as fault:
            raise ValueError(f"its memory is damaged ({fault})") from fault
        for one in sources:
            if int(one.faces.max()) >= len(one.vertices) or int(one.uv_faces.max()) >= len(one.uv):
                raise ValueError(f"its memory of {one.name} is damaged")
        return Memory(sources)


def _bytes(text: str) -> Tensor:
    return torch.tensor(list(text.encode()), dtype=torch.uint8)
