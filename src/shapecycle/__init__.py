"""Learn to translate between masked photographs and untextured 3D shapes, both ways.

``model = shapecycle.load("run")``, then ``model.see("photo.png")``, ``model.read("shape.ply")``,
``model.draw(code)``, ``model.mesh(code).save("x.glb")``.
"""

from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shapecycle.graphics_code import GraphicsCode as GraphicsCode
    from shapecycle.mesh import Mesh as Mesh
    from shapecycle.model import Model as Model
    from shapecycle.model import load as load

__version__ = _version("shapecycle")
__all__ = ["GraphicsCode", "Mesh", "Model", "__version__", "load"]

_HOME = {
    "GraphicsCode": "shapecycle.graphics_code",
    "Mesh": "shapecycle.mesh",
    "Model": "shapecycle.model",
    "load": "shapecycle.model",
}


def __getattr__(name: str) -> Any:
    """Import torch and the rest only when they are options for: ``--help`` stays quick."""
    if name not in _HOME:
        raise AttributeError(f"module 'shapecycle' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
