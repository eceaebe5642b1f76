"""What a page asks for: which part of an object comes from where, and how far it is moved."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from shapecycle.config import SurfaceKind
from shapecycle.errors import ConfigError
from shapecycle.seen import HYPOTHESES

MOVED: tuple[Literal["shape", "texture", "light"], ...] = ("shape", "texture", "light")
"""Parts with sliders."""
MAX_SLIDERS = 8
MAX_DEVIATIONS = 4.0
MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class Origin:
    """Where a part comes from: an input, by its key in the workspace, or a sample, by its seed."""

    input: str | None = None
    seed: int = 0


@dataclass(frozen=True)
class Composition:
    """One object.

    Attributes:
        shape, texture, pose, light: Where each part comes from.
        hypothesis: Which pose hypothesis of inputs is taken, from 1.
        surface: Which surface inputs are given.
        along: For each part with sliders, standard deviations along its principal directions.
    """

    shape: Origin
    texture: Origin
    pose: Origin
    light: Origin
    hypothesis: int = 1
    surface: SurfaceKind = "auto"
    along: tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]] = ((), (), ())

    @property
    def is_as_seen(self) -> bool:
        """Whether all of it is one input as it was seen."""
        parts = {self.shape, self.texture, self.pose, self.light}
        return len(parts) == 1 and self.shape.input is not None and not any(map(any, self.along))

    @staticmethod
    def from_json(values: Any) -> "Composition":
        """Read what a page sent.

        Raises:
            ConfigError: If it is no composition.
        """
        if not isinstance(values, dict):
            raise ConfigError("a composition must be a JSON object")
        hypothesis, surface = values.get("hypothesis", 1), values.get("surface", "auto")
        if type(hypothesis) is not int or not 1 <= hypothesis <= HYPOTHESES:
            raise ConfigError(f"`hypothesis` must be from 1 to {HYPOTHESES}")
        if surface not in get_args(SurfaceKind):
            raise ConfigError(f"`surface` must be one of {', '.join(get_args(SurfaceKind))}")
        along = values.get("along", {})
        if not isinstance(along, dict):
            raise ConfigError("`along` must be a JSON object")
        shape, texture, light = (_sliders(along.get(part, []), part) for part in MOVED)
        return Composition(
            shape=_origin(values, "shape"),
            texture=_origin(values, "texture"),
            pose=_origin(values, "pose"),
            light=_origin(values, "light"),
            hypothesis=hypothesis,
            surface=surface,
            along=(shape, texture, light),
        )


def _origin(values: dict[str, Any], part: str) -> Origin:
    value = values.get(part)
    if isinstance(value, dict) and len(value) == 1:
        key, seed = value.get("input"), value.get("seed")
        if isinstance(key, str):
            return Origin(input=key)
        if type(seed) is int and 0 <= seed <= MAX_SEED:
            return Origin(seed=seed)
    raise ConfigError(f"`{part}` must be {{'input': NAME}} or {{'seed': NUMBER}}")


def _sliders(values: Any, part: str) -> tuple[float, ...]:
    if not isinstance(values, list) or len(values) > MAX_SLIDERS:
        raise ConfigError(f"`along.{part}` must be a list of at most {MAX_SLIDERS} numbers")
    for value in values:
        is_number = type(value) in (int, float)
        if not is_number or not abs(value) <= MAX_DEVIATIONS:
            raise ConfigError(f"`along.{part}` must hold numbers up to {MAX_DEVIATIONS:g}")
    return tuple(float(value) for value in values)
