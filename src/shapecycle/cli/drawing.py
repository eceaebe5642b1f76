"""Drawing many codes: those of one size together, as many at once as memory allows."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    from shapecycle.graphics_code import GraphicsCode
    from shapecycle.model import Model

PIXELS = {"cpu": 2**18, "cuda": 2**22}
"""Pixels of the pictures drawn at once, which are drawn at four times as many: what a processor's
caches hold, and what takes about 2 GB of a GPU and keeps it busy."""
CODES = {"cpu": 16, "cuda": 128}
"""Pictures seen, and codes drawn, at once: on a processor more do not save time; a GPU is idle
between the small operations of few."""
PIXELS_HELD = 2**26
"""Pixels of the pictures held at once, unless a single one has more: 1 GB, and as many pictures
as ``CODES`` says up to 2,048 x 2,048 on a processor."""


def codes_at_once(device_type: str) -> int:
    """Return how many pictures are seen at once on a kind of device."""
    return CODES.get(device_type, CODES["cpu"])


def drawn(
    model: "Model",
    code: "GraphicsCode",
    sizes: Sequence[tuple[int, int]],
    *,
    fov_y: float | None = None,
    shadow: bool = False,
) -> "Iterator[tuple[list[int], Float[np.ndarray, 'n h w 4']]]":
    """Draw codes, each in its own size.

    Args:
        model: Whose codes they are.
        code: A batch of codes.
        sizes: Height and width of each one's picture, in pixels.
        fov_y: Vertical field of view of all, in radians; the model's by default.
        shadow: Whether shadows fall on the ground.

    Yields:
        Numbers of some codes in the batch, and their pictures; see `Model.draw`.
    """
    kind = model.device.type
    pixels = PIXELS.get(kind, PIXELS["cpu"])
    for height, width in dict.fromkeys(sizes):
        same = [k for k, size in enumerate(sizes) if size == (height, width)]
        count = max(1, min(codes_at_once(kind), pixels // (height * width)))
        for start in range(0, len(same), count):
            some = same[start : start + count]
            yield some, model.draw(code[some], (height, width), fov_y=fov_y, shadow=shadow)
