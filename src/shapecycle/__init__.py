"""Learn to translate between masked photographs and untextured 3D shapes, both ways.

``model = shapecycle.load("run")``, then ``model.see("photo.png")``, ``model.read("shape.ply")``,
``model.draw(code)``, ``model.mesh(code).save("x.glb")``.
"""

import os as _os
from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

from shapecycle.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    GeometryError,
    MissingExtra,
    NonFiniteLoss,
    ShapecycleError,
)

if TYPE_CHECKING:
    from shapecycle.camera import Pose as Pose
    from shapecycle.graphics_code import GraphicsCode as GraphicsCode
    from shapecycle.graphics_code import Texture as Texture
    from shapecycle.mesh import Mesh as Mesh
    from shapecycle.model import Model as Model
    from shapecycle.model import load as load
    from shapecycle.seen import Hypothesis as Hypothesis
    from shapecycle.seen import Seen as Seen

__version__ = _version("shapecycle")

_SPINS = 3000
"""Turns that a thread of a parallel loop waits awake for the others, with GNU's OpenMP: some
microseconds. By default it is milliseconds, and beside another busy program two threads on two
cores reconstructed five times as slowly as one; training is as fast either way."""
# PyTorch reads it when it is loaded: where it is loaded already, this comes too late.
if "OMP_WAIT_POLICY" not in _os.environ:
    _os.environ.setdefault("GOMP_SPINCOUNT", str(_SPINS))

_HOME = {
    "GraphicsCode": "shapecycle.graphics_code",
    "Hypothesis": "shapecycle.seen",
    "Mesh": "shapecycle.mesh",
    "Model": "shapecycle.model",
    "Pose": "shapecycle.camera",
    "Seen": "shapecycle.seen",
    "Texture": "shapecycle.graphics_code",
    "load": "shapecycle.model",
}

__all__ = [
    "CheckpointError",
    "ConfigError",
    "DataError",
    "GeometryError",
    "GraphicsCode",
    "Hypothesis",
    "Mesh",
    "MissingExtra",
    "Model",
    "NonFiniteLoss",
    "Pose",
    "Seen",
    "ShapecycleError",
    "Texture",
    "__version__",
    "load",
]


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    """Import torch and the rest only when they are asked for: ``--help`` stays quick."""
    if name not in _HOME:
        raise AttributeError(f"module 'shapecycle' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
